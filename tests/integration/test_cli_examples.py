"""Every command line that the help and docs/client.md show works, against the real service."""

from __future__ import annotations

import inspect
import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import typer
from joserfc.jwk import KeySet, RSAKey

from rollbook.cli import app
from rollbook.cli.failures import ExitCode
from rollbook.cli.session import open_session
from tests.harness.command import Command
from tests.harness.instance import connect_as_tenant, running_service
from tests.harness.tenants import new_tenant, serving, tenant_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import asyncpg

    from tests.harness.database import DatabaseServer

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "client.md").read_text("utf-8")
SOME_ID: Final = "019a8c1e-7b5f-7c3a-9d2e-4f6a8b0c1d2e"
SOME_CLIENT: Final = "5f0c…"


def epilogs(command: Any) -> Iterator[str]:
    yield command.epilog or ""
    for part in getattr(command, "commands", {}).values():
        yield from epilogs(part)


def command_lines(text: str) -> list[str]:
    """The lines that run the command, without what follows a pipe."""
    lines = re.findall(r"^(?:rollbook|.*\| rollbook) .*$", text, re.MULTILINE)
    return [re.sub(r"\s+#.*|\s+[|>] .*|\s{4,}.*", "", line) for line in lines]


HELP: Final = "\n".join(epilogs(typer.main.get_command(app)))
BLOCKS: Final = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
EXAMPLES: Final = sorted({line for text in (HELP, *BLOCKS) for line in command_lines(text)})

BADGE: Final = "urn:acme:params:scim:schemas:extension:badge:1.0:User"

SEEDS: Final[tuple[tuple[str, str], ...]] = (
    (
        rf"\bada\b|staff\.txt|user \w+ {SOME_ID}|00u1a2b3c4",
        "user create ada@acme.example --email ada@acme.example --set externalId=00u1a2b3c4",
    ),
    (r"\bada\b(?!@)|staff\.txt", "user create ada"),
    (r"\bgrace\b", "user create grace@acme.example"),
    (r"\bgrace\b(?!@)", "user create grace"),
    (r"\bEngineering\b", "group create Engineering"),
    (r"\bStaff\b", "group create Staff"),
    (r"\bbadge\b", "schema register badge.json"),
    (r"schema detach", f"schema attach {BADGE} --to User"),
    (r"connection \w+ okta|--connection okta", "connection create okta"),
    (rf"token .*okta|token \w+ {SOME_ID}", "token create okta --scope scim"),
    (r"\bci-bot\b", "service-account create ci-bot"),
    (r"\bokta-bot\b", "service-account create okta-bot --role account_type=admin"),
    (r"\bnightly\b", "service-account key create ci-bot --scope directory.read --name nightly"),
    (
        r"issuer (remove|update)",
        "issuer add ci https://ci.example --audience rollbook --claim sub=a --scope scim",
    ),
    (r"--connection ping", "connection create ping"),
    (r"basic-login delete", "basic-login create pingfederate"),
    (r"workload remove", "workload add billing spiffe://acme.example/b --scope directory.read"),
    (r"role scope|--for 90d|workspace_prod|viewer", "role catalogue load tecton.yaml"),
    (r"workspace_prod", "role scope register workspace_<name> prod"),
    (
        r"access (check|explain) ada@acme.example workspace_prod viewer",
        "role grant workspace_prod viewer --user ada@acme.example",
    ),
    (r"role revoke all_workspaces", "role grant all_workspaces viewer --group Staff"),
    (r"role scope unregister", "role scope register workspace_<name> staging"),
    (r"tenant \w+ acme|--tenant acme", "tenant create acme"),
    (
        r"oauth (client remove|grant revoke)",
        "oauth client add okta https://acme.okta.example/callback",
    ),
    (
        r"sign-in-provider \w+ okta",
        "sign-in-provider add okta https://acme.okta.com 0oa1b2c3d4 --public",
    ),
    (r"tenant resume", "tenant suspend acme"),
)
"""What there has to be before an example of which a pattern finds something."""


def seeds_of(example: str) -> list[str]:
    """The commands that make what an example takes for granted, not what it makes itself."""
    needed = [seed for pattern, seed in SEEDS if re.search(pattern, example)]
    own = " ".join(shlex.split(example)[1:4])
    return [seed for seed in needed if " ".join(shlex.split(seed)[:3]) != own]


async def consent(database: asyncpg.Connection[asyncpg.Record], token: str) -> None:
    """What no command gives: an administrator's consent, in the tenant of a token."""
    tenant_id = await tenant_of(database, token)
    async with serving(database, tenant_id):
        await database.execute(
            "INSERT INTO oauth_grants (tenant_id, id, client_id, scopes, expire_time) "
            "SELECT tenant_id, gen_random_uuid(), id, scopes, now() + interval '1 day' "
            "FROM oauth_clients"
        )


def schema(name: str) -> dict[str, Any]:
    urn = f"urn:acme:params:scim:schemas:extension:{name}:1.0:User"
    return {"id": urn, "attributes": [{"name": "number"}]}


@pytest.fixture(scope="module")
async def own_database(database_server: DatabaseServer) -> AsyncIterator[str]:
    """Apart from that of other tests: what certificates are called is taken for all tenants."""
    async with database_server.database() as url:
        yield url


@pytest.fixture(scope="module")
async def service(own_database: str) -> AsyncIterator[str]:
    async with running_service(own_database) as address:
        yield address


@pytest.fixture(scope="module")
async def database(
    own_database: str, service: str
) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await connect_as_tenant(own_database)
    yield connection
    await connection.close()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that examples read, in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text("userName\nnew\n")
    Path("people.ndjson").write_text('{"userName": "n"}\n')
    keys = KeySet([RSAKey.generate_key(2048, {"kid": "2026", "use": "sig"})])
    Path("keys.json").write_text(json.dumps(keys.as_dict(private=False)))
    Path("staff.txt").write_text("ada\n")
    Path("password.txt").write_text("correct horse battery\n")
    Path("tecton.yaml").write_text((ROOT / "deploy" / "roles" / "tecton.yaml").read_text("utf-8"))
    for name in ("badge", "parking"):
        Path(f"{name}.json").write_text(json.dumps(schema(name)))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 100


@pytest.mark.parametrize("example", EXAMPLES)
async def test_every_example_works(
    service: str, database: asyncpg.Connection[asyncpg.Record], files: None, example: str
) -> None:
    token = await new_tenant(database)
    command = Command(service, token)
    await command("tenant", "delete", "acme", "--yes")  # of the example before

    async def run(line: str) -> str:
        # The addresses are made up.
        words = [service if ":50051" in word else word for word in shlex.split(line)]
        ran = await command(*words, stdin="userName\nnew\n")
        # Nobody had access at a time when nobody was there, which is an answer too.
        assert ran.exit_code == 0 or ("--as-of" in line and ran.err.startswith("No: ")), ran
        return ran.out

    for seed in seeds_of(example):
        await run(seed)
    if "oauth grant revoke" in example:
        await consent(database, token)
    made_up = re.search(f"rollbook ([a-z ]+) [a-z]+ ({SOME_ID}|{SOME_CLIENT})", example)
    if made_up:
        first, *_ = (await run(f"{made_up[1]} list --json")).splitlines()
        example = example.replace(made_up[2], json.loads(first)["id"])
    await run(example.partition("rollbook ")[2])


def test_the_page_has_every_exit_code() -> None:
    table = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)
    assert [int(code) for code in table] == [code.value for code in ExitCode]
    assert all(re.search(rf"^{code.value}  ", HELP, re.MULTILINE) for code in ExitCode)


def test_the_page_has_every_option_of_the_connection() -> None:
    options = {name.replace("_", "-") for name in inspect.signature(open_session).parameters}
    missing = {name for name in options - {"as-json"} if f"`--{name}`" not in PAGE}
    assert not missing
