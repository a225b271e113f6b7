"""docs/extensions.md shows what works."""

from __future__ import annotations

import ast
import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rollbook.client import RollbookClient
from rollbook.schema_json import definition_from_json
from service.domain.schema_definitions import completed
from tests.harness.command import Command

if TYPE_CHECKING:
    import pytest

    from tests.harness.scim import ScimClient

PAGE = (Path(__file__).parents[3] / "docs" / "extensions.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


async def test_the_example_works(
    service: str,
    own_token: str,
    scim: ScimClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    schema, user, *_ = blocks("json")
    completed(definition_from_json(json.loads(schema)))
    Path("badge.json").write_text(schema)
    for line in blocks("sh")[0].splitlines():
        ran = await Command(service, own_token)(*shlex.split(line)[1:])
        assert (ran.exit_code, ran.err if ran.exit_code else "") == (0, "")
    sent = json.loads(user)
    created = await scim.post("/Users", sent)
    assert {name: created.body[name] for name in sent} == sent
    urn = sent["schemas"][1]
    async with RollbookClient(service, token=own_token) as rollbook:
        printed: list[str] = []
        names = {
            "rollbook": rollbook,
            "ada": await rollbook.users.get(created.body["id"]),
            "print": printed.append,
        }
        code = compile(blocks("python")[0], "extensions.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        await eval(code, names)
    assert printed == [sent[urn]["number"]]
    shown = (await scim.get(f"/Users/{created.body['id']}")).body[urn]
    assert set(shown) == {*sent[urn], "lastSeen"}
