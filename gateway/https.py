"""HTTPS: the certificate that the gateway shows, renewed while it runs."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Final

import structlog

from gateway.settings import SettingsError
from rollbook.tls_files import TlsFiles, TlsFilesError

if TYPE_CHECKING:
    from gateway.settings import Settings

_log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 5.0
"""How often it is looked whether the files have changed."""


class Https:
    """The certificate of one process and its key. Raises SettingsError when they are of no use."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        """For listeners; handshakes from now on see what `renew` finds."""
        # SCIM asks for TLS 1.2 or later (RFC 7644 §7.1).
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        try:
            files.read()
        except TlsFilesError as error:
            raise SettingsError(str(error)) from error
        self._load()

    @classmethod
    def of(cls, settings: Settings) -> Https | None:
        """What the settings name; None when that is plain HTTP. Raises SettingsError."""
        certificate, key = settings.http_tls_certificate, settings.http_tls_key
        return cls(TlsFiles(certificate, key)) if certificate and key else None

    async def keep_renewed(self) -> None:
        """Look after the files until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.renew()

    def renew(self) -> None:
        """Show what the files hold if they have changed and fit each other."""
        try:
            if self._files.renewed() is not None:
                self._load()
                _log.info("certificate_renewed", file=str(self._files.certificate))
        except (TlsFilesError, ssl.SSLError, OSError) as error:
            _log.warning("certificate_not_renewed", error=str(error))

    def _load(self) -> None:
        # The files have been read before and fit: a context that fails half-way shows nothing.
        self.context.load_cert_chain(self._files.certificate, self._files.private_key)
