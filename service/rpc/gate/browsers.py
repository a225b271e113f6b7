"""What a browser is known by, and for how long: on the pages where administrators sign in."""

from __future__ import annotations

import hashlib
import re
from typing import Final, NoReturn

from google.protobuf.duration_pb2 import Duration

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.storage.oauth import sign_ins

_SESSION: Final = re.compile(r"[A-Za-z0-9_-]{32,128}")


def is_session(text: str) -> bool:
    """Whether a text can be what a browser keeps."""
    return _SESSION.fullmatch(text) is not None


def hash_of(session: str) -> bytes:
    """What is stored of what a browser keeps."""
    return hashlib.sha256(session.encode("utf-8", "surrogatepass")).digest()


def lifetime() -> Duration:
    """How long somebody stays signed in."""
    duration = Duration()
    duration.FromTimedelta(sign_ins.LIFETIME)
    return duration


def refuse_form() -> NoReturn:
    """Raises FORM_EXPIRED."""
    raise DomainError(
        ErrorReason.ERROR_REASON_FORM_EXPIRED,
        "The form is too old, or another page has sent it. Nothing was done; begin again.",
    )
