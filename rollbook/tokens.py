"""Tokens as text: a prefix, 256 random bits, and a checksum.

`rbk_` begins API tokens, `rba_` and `rbr_` what OAuth clients get to call with and to renew it
with. The prefix lets secret scanners find tokens where they do not belong; the checksum tells a
typing error or a truncated copy from a token that was revoked, without asking the database.
"""

from __future__ import annotations

import re
import secrets
import string
import zlib
from typing import Final

PREFIX: Final = "rbk_"
ACCESS_PREFIX: Final = "rba_"
REFRESH_PREFIX: Final = "rbr_"

_PREFIXES: Final = (PREFIX, ACCESS_PREFIX, REFRESH_PREFIX)
_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_LENGTH: Final = 43
_CHECKSUM_LENGTH: Final = 6
_HINT_LENGTH: Final = 4
_FORM: Final = re.compile(rf"(?:{'|'.join(_PREFIXES)})([0-9A-Za-z]{{43}})([0-9A-Za-z]{{6}})")


def new_token(prefix: str = PREFIX) -> str:
    """A new token. Whoever has it is let in, so it is shown once and kept as a hash."""
    return token_of(secrets.token_bytes(32), prefix)


def token_of(secret: bytes, prefix: str) -> str:
    """The token that 32 secret bytes make."""
    text = _base62(int.from_bytes(secret, "big"), _SECRET_LENGTH)
    return f"{prefix}{text}{_checksum(text)}"


def claims_to_be_ours(text: str) -> bool:
    """Whether a text begins as our tokens do."""
    return text.startswith(_PREFIXES)


def is_well_formed(text: str) -> bool:
    """Whether a text is a token as `new_token` makes them, letter for letter."""
    match = _FORM.fullmatch(text)
    return match is not None and _checksum(match[1]) == match[2]


def hint_of(text: str) -> str:
    """What may be shown of a token, to tell it from others; nothing of one that is not ours, as it
    may be short."""
    return text[-_HINT_LENGTH:] if is_well_formed(text) else ""


def _checksum(secret: str) -> str:
    return _base62(zlib.crc32(secret.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
