"""Requests as they are generated: with placeholders for the ids of resources, which only the
server knows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.fuzz.hostile_values import encoded
from tests.harness.exchanges import load_exchanges

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

USERS: Final = 24
GROUPS: Final = 8
"""How many resources of each type requests may name: `{{user0}}`, `{{group7}}`."""

_CORPUS: Final = Path(__file__).parents[1] / "golden" / "traffic"
_PLACEHOLDER: Final = re.compile(r"\{\{(\w+)\}\}")
_KEPT: Final = re.compile(r"token|basicCredentials|user\d+|group\d+")


@dataclass(frozen=True)
class Request:
    """A request to be sent. `tree` is the body as JSON, if it is; else `body` is sent."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    tree: Any = None
    body: bytes | None = None

    def encoded(self) -> bytes | None:
        """The body on the wire."""
        if self.tree is None:
            return self.body
        return encoded(self.tree).encode("utf-8", "surrogatepass")

    def filled(self, variables: Mapping[str, str]) -> Request:
        """The request with ids in the place of placeholders."""
        body = self.encoded()
        return Request(
            self.method,
            _filled(self.target, variables),
            {name: _filled(value, variables) for name, value in self.headers.items()},
            body=body and _filled(body.decode("latin-1"), variables).encode("latin-1"),
        )

    def with_headers(self, **headers: str) -> Request:
        """The request with other headers; underscores in names stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})


def _filled(text: str, variables: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: variables.get(match[1], match[0]), text)


def user_of(random: Random) -> str:
    """A placeholder for a user's id."""
    return f"{{{{user{random.randrange(USERS)}}}}}"


def group_of(random: Random) -> str:
    """A placeholder for a group's id."""
    return f"{{{{group{random.randrange(GROUPS)}}}}}"


def load_corpus() -> list[Request]:
    """What identity providers sent, of all the traffic files."""
    corpus = []
    for file in sorted(_CORPUS.glob("*.json")):
        for exchange in load_exchanges(file):
            sent = exchange.request
            body = sent["body"]
            corpus.append(
                Request(
                    sent["method"],
                    sent["path"],
                    sent["headers"],
                    tree=None if isinstance(body, str) else body,
                    body=body.encode() if isinstance(body, str) else None,
                )
            )
    return corpus


def with_known_ids(request: Request, random: Random) -> Request:
    """The request about resources that there are, instead of those that were recorded."""
    of = group_of if request.target.startswith("/Groups/") else user_of

    def known(text: str, other: Callable[[Random], str]) -> str:
        return _PLACEHOLDER.sub(
            lambda match: match[0] if _KEPT.fullmatch(match[1]) else other(random), text
        )

    return replace(
        request, target=known(request.target, of), tree=_mapped(request.tree, known, user_of)
    )


def _mapped(value: Any, known: Callable[..., str], of: Callable[[Random], str]) -> Any:
    if isinstance(value, str):
        return known(value, of)
    if isinstance(value, list):
        return [_mapped(each, known, of) for each in value]
    if isinstance(value, dict):
        return {name: _mapped(each, known, of) for name, each in value.items()}
    return value


def shown(request: Request) -> str:
    """The request for a person to look at and send again."""
    body = request.encoded() or b""
    lines: Sequence[str] = [
        f"{request.method} {request.target[:2_000]}",
        *(f"{name}: {value[:500]}" for name, value in request.headers.items()),
        repr(body[:4_000]),
    ]
    return "\n  ".join(lines)
