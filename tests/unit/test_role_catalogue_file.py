"""Role catalogues in YAML, those that are handed out and those in the documentation first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rollbook.role_catalogue_file import format_catalogue, parse_catalogue
from rollbook.v1.role_pb2 import RoleCatalogue, UnknownScopes
from service.domain.access.catalogue_rules import completed
from service.domain.access.role_catalogue import Catalogue, RoleKey

ROOT = Path(__file__).parents[2]
TECTON = (ROOT / "deploy" / "roles" / "tecton.yaml").read_text("utf-8")
PAGE = (ROOT / "docs" / "roles.md").read_text("utf-8")
DOCUMENTED = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("text", [TECTON, *DOCUMENTED])
def test_what_we_hand_out_is_valid_and_survives_being_printed(text: str) -> None:
    catalogue = completed(parse_catalogue(text).catalogue)
    assert parse_catalogue(format_catalogue(catalogue)).catalogue == catalogue


def test_tectons_has_its_types_scopes_and_extension() -> None:
    file = parse_catalogue(TECTON)
    names = [each.name for each in file.catalogue.types]
    patterns = ["workspace_<name>", "secret_scope_<name>"]
    assert names == ["account_type", "all_workspaces", *patterns]
    assert list(file.scopes) == patterns
    (extension,) = file.extensions
    assert extension.resource_type == "Group"
    attributes = [attribute.name for attribute in extension.schema.attributes]
    assert attributes == ["description", "idpMappingNames"]


def test_tectons_owners_may_do_everything_on_every_workspace() -> None:
    catalogue = Catalogue(parse_catalogue(TECTON).catalogue)
    granting = catalogue.granting(RoleKey("workspace_prod", "viewer"))
    assert RoleKey("all_workspaces", "owner") in granting
    assert RoleKey("workspace_prod", "operator") in granting
    assert RoleKey("workspace_dev", "owner") not in granting


def test_scopes_and_settings_are_read() -> None:
    file = parse_catalogue(
        "unknown_scopes: accept\nignore_user_roles: true\nscopes: {'w_<n>': [prod, 7]}"
    )
    assert file.catalogue == RoleCatalogue(
        unknown_scopes=UnknownScopes.UNKNOWN_SCOPES_ACCEPT, ignore_user_roles=True
    )
    assert [scope.name for scope in file.scopes["w_<n>"]] == ["prod", "7"]


def test_given_by_the_service_is_not_printed() -> None:
    shown = RoleCatalogue(etag='W/"3"', default_type="x")
    shown.update_time.GetCurrentTime()
    assert format_catalogue(shown) == "default_type: x\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: [", "not valid YAML"),
        ("- a", "an object with `types`"),
        ("", "an object with `types`"),
        ("kinds: []", "kinds"),
        ("types: 7", "types"),
        ("types: [{name: a, values: [{value: {}}]}]", "value"),
        ("unknown_scopes: maybe", "refuse, keep_pending, accept"),
        ("unknown_scopes: [a]", "refuse, keep_pending, accept"),
        ("scopes: [a]", "by pattern"),
        ("scopes: {a: b}", "scopes.a is a list"),
        ("extensions: {}", "a list of"),
        ("extensions: [7]", "a `resource_type` and a `schema`"),
        ("extensions: [{resource_type: Group, schema: 7}]", "schema"),
    ],
)
def test_what_makes_no_sense_is_named(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        parse_catalogue(text)
