"""Recorded exchanges of identity providers: reading them, sending them, checking the answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.harness.matching import MISSING, differences, resolve, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.harness.scim import ScimAnswer, ScimClient

_VARIABLE: Final = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Exchange:
    """One request with what must be answered; `mode` names a configuration other than default."""

    name: str
    request: Mapping[str, Any]
    expect: Mapping[str, Any]
    capture: Mapping[str, str] = field(default_factory=dict)
    mode: str = ""
    note: str = ""

    @property
    def writes(self) -> bool:
        """Whether the request may change the directory."""
        return self.request["method"] not in {"GET", "HEAD"} and not self.request["path"].endswith(
            ".search"
        )


def load_exchanges(path: Path) -> list[Exchange]:
    """The exchanges of a traffic file, in order. Members that are not known are an error."""
    return [Exchange(**recorded) for recorded in json.loads(path.read_bytes())]


class Replay:
    """Sends exchanges one after the other and keeps the variables that they capture."""

    def __init__(self, client: ScimClient, variables: Mapping[str, str]) -> None:
        self._client = client
        self.variables = dict(variables)

    async def send(self, exchange: Exchange) -> ScimAnswer:
        """Sends the request exactly as recorded; KeyError for a variable not captured."""
        request = self._filled(exchange.request)
        body = request["body"]
        return await self._client.send(
            request["method"],
            request["path"],
            headers=request["headers"],
            body=body.encode() if isinstance(body, str) else _encoded(body),
        )

    def failures(self, exchange: Exchange, answer: ScimAnswer) -> list[str]:
        """What is wrong with the answer, a sentence each; captures variables when it has them."""
        expect = self._filled(exchange.expect)
        found = [*_head_failures(expect, answer), *_body_failures(expect, answer.body)]
        for name, pointer in exchange.capture.items():
            value = resolve(answer.body, pointer)
            if isinstance(value, str):
                self.variables[name] = value
            else:
                found.append(f"{pointer}: nothing to capture as {name}, got {shown(value)}")
        return found

    def _filled(self, template: Any) -> Any:
        if isinstance(template, str):
            return _VARIABLE.sub(lambda match: self.variables[match[1]], template)
        if isinstance(template, list):
            return [self._filled(element) for element in template]
        if isinstance(template, dict):
            return {name: self._filled(value) for name, value in template.items()}
        return template


def _encoded(body: object) -> bytes | None:
    return None if body is None else json.dumps(body).encode()


def _head_failures(expect: Mapping[str, Any], answer: ScimAnswer) -> Iterator[str]:
    accepted = expect["status"] if isinstance(expect["status"], list) else [expect["status"]]
    if answer.status not in accepted:
        yield f"status: expected {accepted}, got {answer.status}: {shown(answer.body)}"
    for name, pattern in expect.get("headers", {}).items():
        value = answer.headers.get(name)
        if value is None or re.search(pattern, value) is None:
            yield f"header {name}: expected {pattern!r}, got {value!r}"


def _body_failures(expect: Mapping[str, Any], body: object) -> Iterator[str]:
    if "bodyContains" in expect:
        yield from differences(expect["bodyContains"], body)
    for pointer in expect.get("bodyAbsent", ()):
        value = resolve(body, pointer)
        if value is not MISSING and value is not None:
            yield f"{pointer}: expected nothing, got {shown(value)}"
    for pointer, length in expect.get("bodyLength", {}).items():
        value = resolve(body, pointer)
        if not isinstance(value, list) or len(value) != length:
            yield f"{pointer}: expected {length} elements, got {shown(value)}"
    for pointer, order in expect.get("bodyOrder", {}).items():
        yield from _order_failures(pointer, order, resolve(body, pointer))


def _order_failures(pointer: str, order: Mapping[str, Any], value: object) -> Iterator[str]:
    elements = value if isinstance(value, list) else []
    found = [
        element.get(order["by"]) if isinstance(element, dict) else element for element in elements
    ]
    if found != order["is"]:
        yield f"{pointer}: expected {order['by']} in the order {order['is']}, got {shown(found)}"
