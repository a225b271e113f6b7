"""The certificate that a caller has shown in the handshake, which gRPC has verified.

Nothing here looks at metadata: what a call says of certificates in its headers is worth nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import structlog
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from service.domain.certificate_names import (
    CertificateNames,
    digest_of,
    is_dns_name,
    is_spiffe_id,
)
from service.storage import credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from service.storage.credentials import Credential
    from service.storage.database import Database

    AuthContext = Callable[[], Mapping[str, Iterable[bytes]]]

log = structlog.get_logger(__name__)

_PEM: Final = "x509_pem_cert"
_MAX_DNS_NAMES: Final = 100


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """One that a peer has shown: a hash of it, whom it names, and when it ends."""

    key: bytes
    names: CertificateNames
    expire_time: datetime

    @property
    def seconds_left(self) -> float:
        """How long it is valid: a connection may last longer than the certificate."""
        return (self.expire_time - datetime.now(UTC)).total_seconds()


class Certificates:
    """Finds whose certificates are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, shown: PeerCertificate) -> Credential | None:
        """What the holder of a certificate is let in by, as long as the certificate lasts; None
        when it has ended, or is nobody's or may be one of several's."""
        if shown.seconds_left <= 0:
            return _refused(shown, "expired")
        digests = {digest_of(pattern): pattern for pattern in shown.names.patterns()}
        async with self._database.across_tenants() as connection:
            found = await credentials.of_patterns(connection, list(digests))
        matching = [digest for digest in digests if digest in found]
        if not matching:
            return _refused(shown, "nobody's")
        if len(matching) > 1 and digests[matching[0]] in shown.names.dns_names:
            return _refused(shown, "several match")
        # One that has ended is not passed over: whoever it was is not let in as somebody else.
        tenant_id, identifier = found[matching[0]]
        async with self._database.connection(tenant_id) as connection:
            credential = await credentials.by_id(connection, tenant_id, identifier)
        if credential is None:
            return _refused(shown, "ended")
        return replace(credential, expire_time=shown.expire_time, seconds_left=shown.seconds_left)


def _refused(shown: PeerCertificate, reason: str) -> Credential | None:
    """The caller is not told; whoever looks after the service is."""
    log.info(
        "certificate.refused",
        reason=reason,
        spiffe_id=shown.names.spiffe_id,
        dns_names=shown.names.dns_names,
    )
    return None


def certificate_of(auth_context: AuthContext) -> PeerCertificate | None:
    """What a peer has shown; None when that is nothing, or nothing that names anybody."""
    shown = auth_context().get(_PEM)
    return _read(next(iter(shown))) if shown else None


@lru_cache(maxsize=1_000)
def _read(pem: bytes) -> PeerCertificate | None:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = None if _signs_others(certificate) else _names(certificate)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        log.warning("certificate.not_readable", error=type(error).__name__)
        return None
    if names is None:
        return None
    key = hashlib.sha256(b"\0certificate\0" + pem).digest()
    return PeerCertificate(key, names, certificate.not_valid_after_utc)


def _signs_others(certificate: x509.Certificate) -> bool:
    """An authority's certificate is nobody's to come with (X.509-SVID §4.1)."""
    try:
        found = certificate.extensions.get_extension_for_oid(ExtensionOID.BASIC_CONSTRAINTS)
    except x509.ExtensionNotFound:
        return False
    return isinstance(found.value, x509.BasicConstraints) and found.value.ca


def _names(certificate: x509.Certificate) -> CertificateNames | None:
    """The subject is not looked at: what it is called there nobody has agreed on (RFC 9525 §2)."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    uris = found.get_values_for_type(x509.UniformResourceIdentifier)
    # With a second URI it would be no SVID, and which of them is meant is not known (§2).
    spiffe_id = uris[0] if len(uris) == 1 and is_spiffe_id(uris[0]) else None
    written = found.get_values_for_type(x509.DNSName)
    dns_names = tuple(name.lower() for name in written if is_dns_name(name.lower()))
    if not spiffe_id and not dns_names:
        return None
    return CertificateNames(spiffe_id, tuple(dict.fromkeys(dns_names[:_MAX_DNS_NAMES])))
