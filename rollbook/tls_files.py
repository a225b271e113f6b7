"""What a server shows and trusts in TLS: PEM files, read again when they have changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

if TYPE_CHECKING:
    from pathlib import Path


class TlsFilesError(Exception):
    """The files cannot be used; the message names the one at fault, and never its content."""


@dataclass(frozen=True, slots=True)
class Pems:
    """A certificate with its chain, its private key, and the authorities of clients, if any."""

    certificate: bytes
    private_key: bytes
    client_authorities: bytes | None


class TlsFiles:
    """Paths of the files of one server. Its certificate and key have to be of one pair, also in
    the middle of a renewal: until they are, a server goes on with what it has."""

    def __init__(
        self, certificate: Path, private_key: Path, client_authorities: Path | None = None
    ) -> None:
        self.certificate = certificate
        self.private_key = private_key
        self.client_authorities = client_authorities
        self._seen: tuple[tuple[int, int, int], ...] = ()

    def read(self) -> Pems:
        """What the files hold. Raises TlsFilesError."""
        self._seen = self._stamps()
        clients = self.client_authorities
        pems = Pems(
            _content(self.certificate),
            _content(self.private_key),
            None if clients is None else _content(clients),
        )
        _check_pair(self, pems)
        if clients is not None:
            _certificates(clients, pems.client_authorities or b"")
        return pems

    def renewed(self) -> Pems | None:
        """What they hold if that is not what was read last, else None. Raises TlsFilesError, once
        for each change."""
        stamps = self._stamps()
        return None if stamps == self._seen else self.read()

    def _stamps(self) -> tuple[tuple[int, int, int], ...]:
        """What shows that a file was written or replaced; nothing for one that is missing."""
        paths = (self.certificate, self.private_key, self.client_authorities)
        return tuple(_stamp(path) for path in paths if path is not None)


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_ino, status.st_size)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsFilesError(f"Cannot read {path}: {error.strerror}.") from error


def _certificates(path: Path, pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise TlsFilesError(f"{path} holds no certificate in PEM.") from error


def _check_pair(files: TlsFiles, pems: Pems) -> None:
    shown = _certificates(files.certificate, pems.certificate)[0].public_key()
    try:
        own = load_pem_private_key(pems.private_key, None).public_key()
    except (ValueError, TypeError) as error:
        raise TlsFilesError(
            f"{files.private_key} holds no private key in PEM that needs no passphrase."
        ) from error
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if shown.public_bytes(*form) != own.public_bytes(*form):
        raise TlsFilesError(f"{files.private_key} is not the key of {files.certificate}.")
