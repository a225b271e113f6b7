"""SCIM filter text → tokens (RFC 7644 figure 1)."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from gateway.scim.dialects import Tolerance
from gateway.scim.errors import invalid_filter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.scim.dialects import Reading
    from gateway.scim.errors import ScimError

MAX_LENGTH: Final = 8192
"""The longest filter or patch path that is read, in characters."""


class Kind(Enum):
    """What a token is; the value is how messages call it."""

    OPEN = "("
    CLOSE = ")"
    OPEN_BRACKET = "["
    CLOSE_BRACKET = "]"
    TEXT = "text in quotes"
    WORD = "word"
    END = "the end"


class Token(NamedTuple):
    """`text` is a word as it stands or the content of a quoted text, `position` counts the
    characters of the filter from 1, and `spaced` tells whether white space goes before."""

    kind: Kind
    text: str
    position: int
    spaced: bool

    def is_word(self, word: str) -> bool:
        """Whether it is this keyword or operator, in any case (RFC 7644 §3.4.2.2)."""
        return self.kind is Kind.WORD and self.text.lower() == word

    def __str__(self) -> str:
        shown = self.kind.value if self.kind is not Kind.WORD else repr(self.text[:80])
        return f"{shown} at character {self.position}"


_SPACE: Final = " \t\r\n"
# No part can match in two ways and none gives back what it took: linear in the filter's length.
_TOKEN: Final = re.compile(
    r"""
    (?P<space> [ \t\r\n]*+ )
    (?: (?P<mark> [()\[\]] )
      | (?P<text> "(?: [^"\\] | \\. )*+" )
      | (?P<quoted> '(?: [^'\\] | \\. )*+' )
      | (?P<word> [^\s()\[\]"'] [^\s()\[\]"]*+ )
      | (?P<end> \Z )
    )
    """,
    re.VERBOSE | re.DOTALL,
)


def tokenize(text: str, reading: Reading) -> list[Token]:
    """The tokens of a filter, the last one being the end. Raises invalidFilter."""
    _check_text(text)
    matches = list(_matches(text))
    tokens = [_token(match, reading) for match in matches]
    irregular = tokens[0].spaced or tokens[-1].spaced
    if irregular or any(match["space"].strip(" ") for match in matches):
        _check_white_space(reading)
    return tokens


def _check_text(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise invalid_filter(
            f"The filter has {len(text)} characters; at most {MAX_LENGTH} are accepted."
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise invalid_filter(
            f"Half of a surrogate pair stands alone at character {error.start + 1}."
        ) from None


def _matches(text: str) -> Iterator[re.Match[str]]:
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unreadable(text, position)
        yield match
        if match.lastgroup == "end":
            return
        position = match.end()


def _unreadable(text: str, position: int) -> ScimError:
    while text[position] in _SPACE:
        position += 1
    if text[position] in "\"'":
        return invalid_filter(f"The text that begins at character {position + 1} has no end.")
    return invalid_filter(
        f"{text[position]!r} at character {position + 1} is not allowed in a filter."
    )


def _token(match: re.Match[str], reading: Reading) -> Token:
    group = str(match.lastgroup)
    source = match[group]
    position = match.start(group) + 1
    spaced = bool(match["space"])
    if group == "mark":
        return Token(Kind(source), source, position, spaced)
    if group == "word":
        return Token(Kind.WORD, source, position, spaced)
    if group == "end":
        return Token(Kind.END, "", position, spaced)
    return Token(Kind.TEXT, _content(source, position, reading), position, spaced)


def _content(source: str, position: int, reading: Reading) -> str:
    """What a quoted text says: it is a JSON string (RFC 7644 §3.4.2.2)."""
    if source[0] == "'":
        if not reading.tolerates(Tolerance.SINGLE_QUOTED_FILTER_VALUE):
            raise invalid_filter(f"The text at character {position} has to stand in double quotes.")
        source = '"' + _ESCAPE_OR_QUOTE.sub(_requote, source[1:-1]) + '"'
    try:
        return str(orjson.loads(source))
    except orjson.JSONDecodeError as error:
        raise invalid_filter(
            f"The text at character {position} is not a JSON string: {error.msg}."
        ) from None


_ESCAPE_OR_QUOTE: Final = re.compile(r'\\.|"', re.DOTALL)


def _requote(found: re.Match[str]) -> str:
    return {"\\'": "'", '"': '\\"'}.get(found[0], found[0])


def _check_white_space(reading: Reading) -> None:
    """The grammar knows spaces only, and none at the ends."""
    if not reading.tolerates(Tolerance.FILTER_WHITE_SPACE):
        raise invalid_filter("Only spaces may separate the parts of a filter, none surround it.")
