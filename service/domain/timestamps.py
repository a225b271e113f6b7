"""Moments as the contract has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp

if TYPE_CHECKING:
    from datetime import datetime


def timestamp(moment: datetime | None) -> Timestamp | None:
    """The message of a moment, which has a time zone; None of none."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message
