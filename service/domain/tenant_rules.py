"""What a tenant may be called, which hosts it may have, and how its rate can be limited."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from uuid import UUID

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError, invalid_path, invalid_value, mutability

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollbook.v1.tenant_pb2 import Tenant

MAX_DISPLAY_NAME: Final = 200
"""The longest display name, in characters."""

MAX_HOSTS: Final = 20
"""How many hosts a tenant may have."""

_MAX_HOST: Final = 253

# A label of a host name (RFC 1123 §2.1), since it may become one.
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(_LABEL, re.ASCII)
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})+", re.ASCII)

MAX_REQUESTS_PER_SECOND: Final = 1_000_000
MAX_BURST: Final = 10_000_000

CHANGED_UNASKED: Final = ("display_name", "hosts")
"""The fields that an update without a mask changes; whoever knows of no others loses none."""

CHANGEABLE: Final = (*CHANGED_UNASKED, "rate_limit")
"""The fields that an update may change."""


def checked_name(name: str) -> str:
    """The name. Raises INVALID_VALUE."""
    if not _NAME.fullmatch(name) or _is_id(name):
        raise invalid_value(
            "tenant.name",
            "name has 1 to 63 characters, of a-z, 0-9 and - but with none of these at its ends, "
            "and is no UUID.",
        )
    return name


def checked_display_name(text: str) -> str:
    """The display name without blanks around it. Raises INVALID_VALUE."""
    trimmed = text.strip()
    if len(trimmed) > MAX_DISPLAY_NAME or not trimmed.isprintable():
        raise invalid_value(
            "tenant.display_name",
            f"display_name has {MAX_DISPLAY_NAME} printable characters at the most.",
        )
    return trimmed


def checked_hosts(hosts: Iterable[str]) -> list[str]:
    """The hosts in lower case, each once, in order. Raises INVALID_VALUE."""
    folded = sorted({host.lower().rstrip(".") for host in hosts})
    if len(folded) > MAX_HOSTS:
        raise invalid_value("tenant.hosts", f"A tenant has {MAX_HOSTS} hosts at the most.")
    for host in folded:
        if len(host) > _MAX_HOST or not _HOST.fullmatch(host) or host.rpartition(".")[2].isdigit():
            raise invalid_value(
                "tenant.hosts",
                f"{host[:100]!r} is no host name: give one such as scim.acme.example, without "
                "scheme and port, and in its ASCII form.",
            )
    return folded


def checked_rate_limit(tenant: Tenant) -> tuple[int | None, int | None]:
    """Calls a second and at once; None for both where the tenant has no limit of its own. Raises
    INVALID_VALUE."""
    if not tenant.HasField("rate_limit"):
        return None, None
    limit = tenant.rate_limit
    if not limit.HasField("requests_per_second"):
        raise invalid_value(
            "tenant.rate_limit.requests_per_second",
            "rate_limit takes requests_per_second; 0 is any number.",
        )
    per_second = limit.requests_per_second
    if not 0 <= per_second <= MAX_REQUESTS_PER_SECOND:
        raise invalid_value(
            "tenant.rate_limit.requests_per_second",
            f"requests_per_second is between 0 and {MAX_REQUESTS_PER_SECOND}; 0 is any number.",
        )
    burst = limit.burst if limit.HasField("burst") else max(1, 2 * per_second)
    if not 1 <= burst <= MAX_BURST:
        raise invalid_value("tenant.rate_limit.burst", f"burst is between 1 and {MAX_BURST}.")
    return per_second, burst


def changed_fields(paths: Sequence[str]) -> frozenset[str]:
    """What an update mask asks to change, or is changed without one. Raises MUTABILITY,
    INVALID_PATH."""
    for path in paths:
        if path in {"name", "id", "state", "create_time", "update_time", "etag"}:
            raise mutability(path, f"{path} of a tenant cannot be changed.")
        if path not in CHANGEABLE:
            raise invalid_path(path, f"There is no field {path[:100]!r} of a tenant.")
    return frozenset(paths or CHANGED_UNASKED)


def check_confirmed(name: str, confirmation: str, etag: str) -> None:
    """Nobody deletes a tenant by mistake. Raises INVALID_VALUE."""
    if confirmation and confirmation != name:
        raise invalid_value(
            "confirm_name", f"confirm_name is not the name of the tenant, which is {name}."
        )
    if not confirmation and not etag:
        raise invalid_value(
            "confirm_name",
            "Deleting a tenant deletes everything in it for good: confirm it with its name in "
            "confirm_name, or with its etag.",
        )


def not_found(text: str) -> DomainError:
    """TENANT_NOT_FOUND."""
    return DomainError(
        ErrorReason.ERROR_REASON_TENANT_NOT_FOUND,
        f"There is no tenant {text[:100]!r}.",
        metadata={"resourceType": "Tenant", "resourceName": text[:100]},
    )


def protected(message: str) -> DomainError:
    """TENANT_PROTECTED."""
    return DomainError(ErrorReason.ERROR_REASON_TENANT_PROTECTED, message, field="id")


def tenant_id_of(text: str) -> UUID | None:
    """The id that a text is; None when it is a name."""
    return UUID(text) if _is_id(text) else None


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
