"""What the help and docs/client.md show is what works."""

from __future__ import annotations

import inspect
import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from rollbook.cli import app
from rollbook.cli.failures import ExitCode
from rollbook.cli.session import open_session
from rollbook.schema_json import definition_from_json
from rollbook.v1.issuer_service_pb2 import Issuer
from rollbook.v1.tenant_pb2 import Tenant
from rollbook.v1.user_pb2 import Email
from tests.harness.command import Command
from tests.harness.memory_service import TOKEN, MemoryService, running_memory_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "client.md").read_text("utf-8")

ADA_ID = "019a8c1e-7b5f-7c3a-9d2e-4f6a8b0c1d2e"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def epilogs(command: Any) -> Iterator[str]:
    yield command.epilog or ""
    for part in getattr(command, "commands", {}).values():
        yield from epilogs(part)


def command_lines(text: str) -> list[str]:
    """The lines that run the command, without what follows a pipe."""
    lines = re.findall(r"^(?:rollbook|.*\| rollbook) .*$", text, re.MULTILINE)
    return [re.sub(r"\s+#.*|\s+[|>] .*|\s{4,}.*", "", line) for line in lines]


HELP = "\n".join(epilogs(typer.main.get_command(app)))
EXAMPLES = sorted({line for text in (HELP, *blocks("sh")) for line in command_lines(text)})


@pytest.fixture
async def service() -> AsyncIterator[MemoryService]:
    async with running_memory_service() as memory:
        ada = memory.add_user(
            "ada@acme.example", external_id="00u1a2b3c4", emails=[Email(value="ada@acme.example")]
        )
        memory.users.by_id[ADA_ID] = memory.users.by_id.pop(ada.id)
        ada.id = ADA_ID
        for name in ("ada", "grace", "grace@acme.example"):
            memory.add_user(name)
        memory.add_group("Engineering")
        memory.add_group("Staff")
        for name in ("ci-bot", "okta-bot"):
            account = memory.add_service_account(name)
            memory.tokens.add("nightly", "directory.read").principal_id = account.id
        token = memory.tokens.add("okta", "scim")
        memory.workloads.add("billing", "spiffe://acme.example/prod/billing", "directory.read")
        memory.roles.add(ADA_ID, "all_workspaces", "viewer", "manual")
        memory.roles.add(ADA_ID, "workspace_prod", "viewer", "manual")
        memory.issuers.add(Issuer(name="ci", issuer="https://ci.example"))
        memory.tokens.by_id[ADA_ID] = memory.tokens.by_id.pop(token.id)
        token.id = ADA_ID
        memory.tenants.add(Tenant(name="acme"))
        memory.schemas.add(definition_from_json(schema("badge")))
        yield memory


def schema(name: str) -> dict[str, Any]:
    urn = f"urn:acme:params:scim:schemas:extension:{name}:1.0:User"
    return {"id": urn, "attributes": [{"name": "number"}]}


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 30


@pytest.mark.parametrize("example", EXAMPLES)
async def test_every_example_works(
    service: MemoryService, example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("people.csv", "people.ndjson"):
        Path(name).write_text("userName\nnew\n" if name.endswith("csv") else '{"userName": "n"}\n')
    Path("staff.txt").write_text("ada\n")
    Path("tecton.yaml").write_text((ROOT / "deploy" / "roles" / "tecton.yaml").read_text("utf-8"))
    for name in ("badge", "parking"):
        Path(f"{name}.json").write_text(json.dumps(schema(name)))
    _, *arguments = shlex.split(example)
    # The addresses are made up.
    arguments = [service.address if ":50051" in word else word for word in arguments]
    if arguments[1:2] == ["create"] and "ada@acme.example" in arguments:
        del service.users.by_id[ADA_ID]
    if arguments[:2] == ["service-account", "create"]:
        service.service_accounts.by_id.clear()
    ran = await Command(service.address, TOKEN)(*arguments, stdin="userName\nnew\n")
    assert (ran.exit_code, ran.err if ran.exit_code else "") == (0, "")


def test_the_page_has_every_exit_code() -> None:
    table = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)
    assert [int(code) for code in table] == [code.value for code in ExitCode]
    assert all(re.search(rf"^{code.value}  ", HELP, re.MULTILINE) for code in ExitCode)


def test_the_page_has_every_option_of_the_connection() -> None:
    options = {name.replace("_", "-") for name in inspect.signature(open_session).parameters}
    missing = {name for name in options - {"as-json"} if f"`--{name}`" not in PAGE}
    assert not missing
