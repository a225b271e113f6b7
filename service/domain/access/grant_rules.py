"""What somebody may be granted: the source that says so, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from service.domain.access.roles import MANUAL, SCIM
from service.domain.errors import invalid_value

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

IMPORT: Final = "import"
PRODUCT: Final = "product:"
MAX_SOURCE: Final = 200
"""The longest source, in characters."""

_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)


def checked_source(source: str) -> str:
    """Who says that somebody has a role: administrators by default. Raises INVALID_VALUE."""
    if source in {"", MANUAL}:
        return MANUAL
    name = source.removeprefix(PRODUCT)
    is_product = source.startswith(PRODUCT) and name.strip() == name != ""
    if source == IMPORT or (is_product and name.isprintable() and len(source) <= MAX_SOURCE):
        return source
    if source.startswith(SCIM):
        raise invalid_value("source", "What an identity provider says it says over SCIM.")
    raise invalid_value(
        "source",
        f"source is {MANUAL}, {IMPORT} or {PRODUCT}<name>, with {MAX_SOURCE} printable "
        f"characters at the most, not {source[:100]!r}.",
    )


def checked_expiry(timestamp: Timestamp) -> datetime:
    """Until when somebody has a role. Raises INVALID_VALUE for what is not in the future."""
    earliest = datetime(1, 1, 1, tzinfo=UTC)
    seconds = timestamp.seconds
    if not (earliest.timestamp() <= seconds <= _LAST.timestamp()) or not (
        0 <= timestamp.nanos < 10**9
    ):
        raise invalid_value("expire_time", "expire_time is no moment of the years 1 to 9999.")
    moment = datetime.fromtimestamp(0, UTC) + timedelta(
        seconds=seconds, microseconds=timestamp.nanos // 1000
    )
    if moment <= datetime.now(UTC):
        raise invalid_value(
            "expire_time", "expire_time is over: leave it out, or name a later one."
        )
    return moment
