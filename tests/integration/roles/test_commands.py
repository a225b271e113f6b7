"""`rollbook role …` against a service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.command import Command

if TYPE_CHECKING:
    import grpc

TECTON = str(Path(__file__).parents[3] / "deploy" / "roles" / "tecton.yaml")


@pytest.fixture
def rollbook(service: str, token: str, channel: grpc.aio.Channel) -> Command:
    del channel  # it stands for an empty directory
    return Command(service, token)


async def test_a_catalogue_is_loaded_and_shown(rollbook: Command, tmp_path: Path) -> None:
    tried = await rollbook("role", "catalogue", "load", TECTON, "--validate-only")
    assert tried.exit_code == 0, tried.err
    assert (await rollbook("role", "catalogue", "show")).out == "{}\n"
    file = tmp_path / "roles.yaml"
    # Without the extension, which takes its time.
    file.write_text(Path(TECTON).read_text("utf-8").partition("# What groups have")[0])
    assert (await rollbook("role", "catalogue", "load", str(file))).exit_code == 0
    shown = await rollbook("role", "catalogue", "show")
    assert "name: workspace_<name>" in shown.out
    assert (await rollbook("role", "catalogue", "load", "-", stdin=shown.out)).exit_code == 0
    wrong = await rollbook("role", "catalogue", "load", "-", stdin="types: [{name: x}]")
    assert wrong.exit_code != 0
    assert "has no values" in wrong.err


@pytest.mark.usefixtures("with_catalogue")
async def test_roles_are_granted_listed_and_revoked(rollbook: Command, ada: str) -> None:
    granted = await rollbook(
        "role", "grant", "workspace_prod", "Owner", "--user", "ada", "--for", "90d", "--json"
    )
    assert granted.object["value"] == "owner"
    assert granted.object["pending"]
    registered = await rollbook("role", "scope", "register", "workspace_<name>", "prod", "--json")
    assert registered.object == {"registeredCount": 1, "activatedCount": 1}
    listed = await rollbook("role", "list", "--user", "ada")
    assert all(text in listed.out for text in ("workspace_prod", "owner", "manual"))
    assert "pending" not in listed.out
    assert (await rollbook("role", "list", "--id", ada, "--json")).object["principalId"] == ada
    assert "prod" in (await rollbook("role", "scope", "list")).out
    gone = await rollbook("role", "scope", "unregister", "workspace_<name>", "prod")
    assert "1 roles on them count no more" in gone.err + gone.out
    assert (
        await rollbook("role", "revoke", "workspace_prod", "owner", "--user", "ada")
    ).exit_code == 0
    again = await rollbook("role", "revoke", "workspace_prod", "owner", "--user", "ada")
    assert again.exit_code != 0


async def test_somebody_has_to_be_named(rollbook: Command) -> None:
    ran = await rollbook("role", "grant", "a", "b")
    assert ran.exit_code == 2
    assert "--user" in ran.err
