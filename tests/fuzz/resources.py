"""The resources that requests are about, and those that no request knows of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.fuzz.requests import GROUPS, USERS
from tests.harness.instance import BASIC_CREDENTIALS, TOKEN
from tests.harness.representation import ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.scim import ScimClient

_ENDPOINTS: Final = {"user": "/Users", "group": "/Groups"}


class Targets:
    """Users and groups that requests name by placeholders; who is gone is replaced."""

    def __init__(self, client: ScimClient) -> None:
        self._client = client
        self._made = 0
        self.variables = {"token": TOKEN, "basicCredentials": BASIC_CREDENTIALS}

    async def restore(self) -> None:
        """Makes those that are missing."""
        for kind, number in _numbered():
            name = f"{kind}{number}"
            path = f"{_ENDPOINTS[kind]}/{self.variables.get(name, 'none')}"
            if (await self._client.get(f"{path}?attributes=id")).status != 200:
                self.variables[name] = await self._make(kind, number)

    async def _make(self, kind: str, number: int) -> str:
        self._made += 1
        name = f"{kind}-{number}-{self._made}"
        body: dict[str, Any] = {"schemas": [GROUP_SCHEMA], "displayName": name}
        if kind == "user":
            work = {"value": f"{name}@acme.example", "type": "work", "primary": True}
            body = {"schemas": [USER_SCHEMA], "userName": name, "emails": [work]}
        answer = await self._client.post(_ENDPOINTS[kind], body)
        assert answer.status == 201, answer
        return str(answer.body["id"])


def _numbered() -> Iterator[tuple[str, int]]:
    yield from (("user", number) for number in range(USERS))
    yield from (("group", number) for number in range(GROUPS))


class Bystanders:
    """Users and a group whose ids no request holds, so that none may change them."""

    def __init__(self, client: ScimClient) -> None:
        self._client = client
        self._shown: dict[str, Any] = {}

    async def make(self) -> None:
        """Makes them and remembers how they look."""
        paths = [await self._make("/Users", _user(number)) for number in range(3)]
        members = [{"value": path.rpartition("/")[2]} for path in paths]
        group = {"schemas": [GROUP_SCHEMA], "displayName": "bystanders", "members": members}
        paths.append(await self._make("/Groups", group))
        self._shown = {path: (await self._client.get(path)).body for path in paths}

    async def _make(self, endpoint: str, body: dict[str, Any]) -> str:
        answer = await self._client.post(endpoint, body)
        assert answer.status == 201, answer
        return f"{endpoint}/{answer.body['id']}"

    async def changes(self) -> list[str]:
        """Where one of them does not look as it did."""
        found = []
        for path, before in self._shown.items():
            answer = await self._client.get(path)
            if answer.body != before:
                found.append(f"{path}, which no request names, was {before}, is {answer.body}")
        return found


def _user(number: int) -> dict[str, Any]:
    return {
        "schemas": [USER_SCHEMA, ENTERPRISE_SCHEMA],
        "userName": f"bystander-{number}",
        "externalId": f"by-{number}",
        "displayName": f"Bystander {number}",
        "emails": [{"value": f"bystander-{number}@acme.example", "type": "work", "primary": True}],
        ENTERPRISE_SCHEMA: {"department": "Looking on"},
    }
