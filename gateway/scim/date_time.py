"""dateTime text → timestamps (RFC 7643 §2.3.5)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

# xsd:dateTime (XML Schema 1.0 part 2 §3.2.7): the zone may be missing, years may be longer.
_DATE_TIME: Final = re.compile(
    r"(-?[0-9]{4,9})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-5][0-9]))?"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# The bounds of google.protobuf.Timestamp.
_EARLIEST: Final = Timestamp(seconds=-62_135_596_800)
_LATEST: Final = Timestamp(seconds=253_402_300_799, nanos=999_999_999)


def timestamp_from_text(text: str) -> Timestamp:
    """The moment that a dateTime names, to the nanosecond; UTC when it names no zone.

    What lies before year 1 or after year 9999 becomes the first or last moment of them. Raises
    ValueError when the text is not a dateTime or there is no such date.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    # Leap years repeat every 400 years, so the date is checked in a year that datetime knows.
    moment = datetime(2000 + year % 400, month, day, hour, minute, second, tzinfo=UTC)
    offset = timedelta(hours=int(match[9] or 0), minutes=int(match[10] or 0))
    if offset > timedelta(hours=14):
        raise ValueError(text)
    moment += offset if match[8] == "-" else -offset
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    seconds += (year - 2000 - year % 400) // 400 * _SECONDS_IN_400_YEARS
    nanos = int((match[7] or "")[:9].ljust(9, "0"))
    return _clamped(seconds, nanos)


_SECONDS_IN_400_YEARS: Final = 146_097 * 86_400


def _clamped(seconds: int, nanos: int) -> Timestamp:
    if seconds < _EARLIEST.seconds:
        return _EARLIEST
    if seconds > _LATEST.seconds:
        return _LATEST
    return Timestamp(seconds=seconds, nanos=nanos)
