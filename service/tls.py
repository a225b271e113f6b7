"""TLS of the gRPC listeners: what the service shows, and whose certificates it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import structlog

from rollbook.tls_files import TlsFiles, TlsFilesError

if TYPE_CHECKING:
    from rollbook.tls_files import Pems
    from service.settings import Settings

log = structlog.get_logger(__name__)


def server_credentials(settings: Settings, *, mutual: bool) -> grpc.ServerCredentials | None:
    """What a listener shows, and with `mutual` asks clients to show; None without TLS.

    The files are looked at again with each handshake: a renewed certificate is shown from then
    on, and a removed authority trusted no more. Raises TlsFilesError when they cannot be used.
    """
    certificate, key = settings.grpc_tls_certificate, settings.grpc_tls_key
    if certificate is None or key is None:
        return None
    files = TlsFiles(certificate, key, settings.grpc_tls_client_ca if mutual else None)

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        try:
            pems = files.renewed()
        except TlsFilesError as error:
            log.warning("tls.files_not_usable", error=str(error), effect="the earlier ones stay")
            return None
        return None if pems is None else _configuration(pems)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(files.read()),
        renewed,  # type: ignore[arg-type]  # None is "as before", which its types do not know
        require_client_authentication=mutual,
    )


def _configuration(pems: Pems) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(pems.private_key, pems.certificate)], pems.client_authorities
    )
