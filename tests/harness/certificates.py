"""Certificates for tests: an authority, and what it signs for servers and clients."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rollbook.client import TLS

if TYPE_CHECKING:
    from pathlib import Path

HOUR = timedelta(hours=1)


class Authority:
    """Signs certificates; `pem` is its own."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self.pem = self._authority.cert_pem.bytes()

    def write_server(self, directory: Path, *names: str) -> tuple[Path, Path]:
        """Writes a certificate for a server of these names; the paths of it and its key."""
        made = self._authority.issue_cert(*(names or ("localhost", "127.0.0.1")))
        certificate, key = directory / "server.pem", directory / "server-key.pem"
        certificate.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
        key.write_bytes(made.private_key_pem.bytes())
        return certificate, key

    def write_authority(self, directory: Path) -> Path:
        path = directory / "authority.pem"
        path.write_bytes(self.pem)
        return path

    def client(
        self,
        *,
        uris: tuple[str, ...] = (),
        dns: tuple[str, ...] = (),
        common_name: str = "",
        lifetime: timedelta = HOUR,
        is_authority: bool = False,
        trusts: bytes | None = None,
    ) -> TLS:
        """What a client shows that has these alternative names; it trusts `trusts`, by default
        this authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        signer = x509.load_pem_x509_certificate(self.pem)
        signing_key = load_pem_private_key(self._authority.private_key_pem.bytes(), None)
        now = datetime.now(UTC)
        names = [x509.UniformResourceIdentifier(uri) for uri in uris]
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(signer.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - HOUR)
            .not_valid_after(now + lifetime)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if uris or dns:
            alternatives = x509.SubjectAlternativeName([*names, *map(x509.DNSName, dns)])
            builder = builder.add_extension(alternatives, critical=not subject)
        assert isinstance(signing_key, ec.EllipticCurvePrivateKey)
        signed = builder.sign(signing_key, hashes.SHA256())
        return TLS(
            trusts or self.pem,
            signed.public_bytes(Encoding.PEM),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )
