"""The gRPC channel to the service: TLS, retries, keepalive and balancing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import grpc
import grpc.aio

if TYPE_CHECKING:
    from os import PathLike
    from typing import Self

_MEBIBYTE: Final = 1024 * 1024

_SERVICE_CONFIG: Final = {
    # The default, pick_first, would send every call to one instance of the service.
    "loadBalancingConfig": [{"round_robin": {}}],
    "retryThrottling": {"maxTokens": 20, "tokenRatio": 0.1},
    "methodConfig": [
        {
            # Writes may be repeated as reads may: each carries a request id, and the service
            # does the same request with the same id once (AIP-155).
            "name": [
                {"service": "rollbook.v1.UserService"},
                {"service": "rollbook.v1.GroupService"},
                {"service": "rollbook.v1.SchemaService"},
                {"service": "rollbook.v1.PasswordService"},
                # Not those that make a token: done twice, there would be two.
                *(
                    {"service": "rollbook.v1.CredentialService", "method": method}
                    for method in ("ListTokens", "RevokeToken", "DescribeCaller")
                ),
                {
                    "service": "rollbook.v1.WorkloadService",
                    "method": "ListCertificateIdentities",
                },
                {"service": "rollbook.v1.IssuerService", "method": "ListIssuers"},
            ],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                # A server that stops cancels the calls that it has not begun.
                "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
            },
        }
    ],
}

_OPTIONS: Final = (
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    # A group that is read whole with its members can be large.
    ("grpc.max_receive_message_length", 256 * _MEBIBYTE),
    # A request that does not fit is not retried; the default would leave out 10,000 members.
    ("grpc.per_rpc_retry_buffer_size", 4 * _MEBIBYTE),
    # Past the default of 8 KiB the details of an error would be lost, and long names get there.
    ("grpc.max_metadata_size", 64 * 1024),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)


@dataclass(frozen=True)
class TLS:
    """How to secure a channel; everything is PEM.

    `root_certificates` are the authorities to trust, those of the system when None.
    `certificate` (with its chain) and `private_key` identify the client, if the service asks.
    """

    root_certificates: bytes | None = None
    certificate: bytes | None = None
    private_key: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("A client certificate and its private key are given together.")

    @classmethod
    def from_files(
        cls,
        root_certificates: str | PathLike[str] | None = None,
        certificate: str | PathLike[str] | None = None,
        private_key: str | PathLike[str] | None = None,
    ) -> Self:
        """Read the parts from files. Raises OSError when one cannot be read."""
        return cls(_read(root_certificates), _read(certificate), _read(private_key))

    def credentials(self) -> grpc.ChannelCredentials:
        """What gRPC takes for a channel."""
        return grpc.ssl_channel_credentials(
            root_certificates=self.root_certificates,
            private_key=self.private_key,
            certificate_chain=self.certificate,
        )


def _read(path: str | PathLike[str] | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()


def open_channel(address: str, tls: TLS | None) -> grpc.aio.Channel:
    """A channel for the running event loop; it connects with the first call."""
    if tls is None:
        return grpc.aio.insecure_channel(address, options=_OPTIONS)
    return grpc.aio.secure_channel(address, tls.credentials(), options=_OPTIONS)
