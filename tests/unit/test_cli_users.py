"""`rollbook user …` against a service in memory."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from rollbook.attributes import USER
from rollbook.cli.attributes import parse_assignment, parse_condition, parse_path
from rollbook.client import ENTERPRISE, Condition, where
from rollbook.client.paths import path_text
from rollbook.v1.user_pb2 import Email, Name, PhoneNumber
from tests.harness.command import Command
from tests.harness.memory_service import TOKEN, MemoryService, running_memory_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def service() -> AsyncIterator[MemoryService]:
    async with running_memory_service() as memory:
        memory.add_user(
            "ada",
            external_id="0042",
            title="CTO",
            name=Name(given_name="Ada", family_name="Lovelace"),
            emails=[Email(value="ada@acme.example", type="work", primary=True)],
        )
        yield memory


@pytest.fixture
def rollbook(service: MemoryService) -> Command:
    return Command(service.address, TOKEN)


def only_user(service: MemoryService) -> Any:
    (user,) = service.users.by_id.values()
    return user


# Finding


async def test_users_are_listed_in_a_table(rollbook: Command) -> None:
    ran = await rollbook("user", "list")
    assert ran.exit_code == 0
    header, _, row = ran.out.splitlines()
    assert header.split() == ["userName", "name", "e-mail", "active", "managed", "by", "id"]
    assert row.split()[:5] == ["ada", "Ada", "Lovelace", "ada@acme.example", "yes"]


@pytest.mark.parametrize(("width", "has_id"), [("80", False), ("120", True)])
async def test_ids_are_shown_whole_or_not_at_all(
    service: MemoryService,
    rollbook: Command,
    monkeypatch: pytest.MonkeyPatch,
    width: str,
    has_id: bool,
) -> None:
    monkeypatch.setattr(Console, "is_terminal", True)
    ran = await rollbook("user", "list", env={"COLUMNS": width, "TERM": "xterm"})
    header, _, row = re.sub(r"\x1b\[\d*m", "", ran.out).splitlines()
    assert ("id" in header.split()) is has_id
    assert (only_user(service).id in row) is has_id
    assert "ada@acme.example" in row
    assert len(row) <= int(width)


async def test_a_long_table_ends_and_says_how_many_there_are(
    service: MemoryService, rollbook: Command
) -> None:
    for number in range(59):
        service.add_user(f"user{number}")
    ran = await rollbook("user", "list")
    assert len(ran.out.splitlines()) == 2 + 50
    assert ran.err.startswith("50 of 60 shown")
    ran = await rollbook("user", "list", "--limit", "0")
    assert len(ran.out.splitlines()) == 2 + 60
    assert ran.err == ""


@pytest.mark.parametrize(
    ("arguments", "expected"), [((), 1100), (("-n", "600"), 600), (("-n", "0"), 1100)]
)
async def test_json_has_all_unless_there_is_a_limit(
    service: MemoryService, rollbook: Command, arguments: tuple[str, ...], expected: int
) -> None:
    for number in range(1099):
        service.add_user(f"user{number}")
    ran = await rollbook("user", "list", "--json", *arguments)
    assert len({user["userName"] for user in ran.objects}) == len(ran.objects) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--search", "LOVE"), ["ada"]),
        (("-s", "grace@"), ["grace"]),
        (("--where", "title=CTO"), ["ada"]),
        (("--where", "title="), ["grace"]),
        (("--where", "title!="), ["ada"]),
        (("-w", "department^=Res", "-w", "name.familyName*=opp"), ["grace"]),
        (("--where", "meta.created>2026-01-01"), ["ada", "grace"]),
        (("--where", "meta.created<2026-01-01"), []),
        (("--inactive",), ["grace"]),
        (("--active",), ["ada"]),
        (("--sort", "userName", "--descending"), ["grace", "ada"]),
    ],
)
async def test_users_are_found(
    service: MemoryService, rollbook: Command, arguments: tuple[str, ...], expected: list[str]
) -> None:
    grace = service.add_user(
        "grace", name=Name(family_name="Hopper"), emails=[Email(value="grace@acme.example")]
    )
    grace.active = False
    grace.enterprise.department = "Research"
    ran = await rollbook("user", "list", "--json", *arguments)
    assert [user["userName"] for user in ran.objects] == expected


@pytest.mark.parametrize("by", ["id", "ada", "ADA", "ada@acme.example"])
async def test_a_user_goes_by_id_user_name_or_address(
    service: MemoryService, rollbook: Command, by: str
) -> None:
    name = only_user(service).id if by == "id" else by
    ran = await rollbook("user", "get", name, "--json")
    assert ran.object["userName"] == "ada"
    assert ran.object["name"] == {"givenName": "Ada", "familyName": "Lovelace"}
    assert ran.object["meta"]["version"] == 'W/"1"'


async def test_a_user_whose_name_looks_like_an_id_is_found(
    service: MemoryService, rollbook: Command
) -> None:
    name = "5f0c1c5e-7d53-4b4f-9a55-6f6a3c2b1d10"
    service.add_user(name)
    assert (await rollbook("user", "get", name, "--json")).object["userName"] == name


async def test_an_address_of_several_users_is_not_guessed(
    service: MemoryService, rollbook: Command
) -> None:
    service.add_user("other", emails=[Email(value="ada@acme.example")])
    ran = await rollbook("user", "deactivate", "ada@acme.example")
    assert ran.exit_code == 1
    assert "by its id" in ran.err
    assert all(user.active for user in service.users.by_id.values())


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (("--external-id", "0042"), 0),
        (("--email", "ADA@acme.example"), 0),
        (("--user-name", "0042"), 3),
        ((), 2),
        (("--user-name", "ada", "--external-id", "0042"), 2),
    ],
)
async def test_lookup_looks_at_one_key(
    rollbook: Command, arguments: tuple[str, ...], exit_code: int
) -> None:
    ran = await rollbook("user", "lookup", *arguments, "--json")
    assert ran.exit_code == exit_code
    assert exit_code or ran.object["userName"] == "ada"


# Changing


async def test_a_user_is_created_with_what_is_said(
    service: MemoryService, rollbook: Command
) -> None:
    ran = await rollbook(
        *("user", "create", "grace", "--given-name", "Grace", "--family-name", "Hopper"),
        *("--email", "grace@acme.example", "--department", "Research", "--inactive", "--json"),
        *("--set", "roles=admin", "--set", "name.honorificPrefix=Dr", "--password-stdin"),
        stdin="correct horse\n",
    )
    assert ran.exit_code == 0
    grace = service.users.by_id[ran.object["id"]]
    assert (grace.name.given_name, grace.name.honorific_prefix) == ("Grace", "Dr")
    assert grace.emails[0] == Email(value="grace@acme.example", type="work", primary=True)
    assert grace.enterprise.department == "Research"
    assert grace.roles[0].value == "admin"
    assert grace.password == "correct horse"
    assert not grace.active
    assert grace.HasField("active")


async def test_only_what_is_named_is_changed(service: MemoryService, rollbook: Command) -> None:
    ran = await rollbook(
        *("user", "update", "ada", "--title", "CEO", "--set", "phoneNumbers=+44 1"),
        *("--set", "enterprise.manager.value=7", "--unset", "externalId", "--user-name", "ada.l"),
    )
    assert ran.exit_code == 0
    ada = only_user(service)
    assert (ada.user_name, ada.title, ada.name.family_name) == ("ada.l", "CEO", "Lovelace")
    assert list(ada.phone_numbers) == [PhoneNumber(value="+44 1")]
    assert ada.enterprise.manager.value == "7"
    assert not ada.HasField("external_id")


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ([], [("new@x", True)]),
        ([Email(value="a@x"), Email(value="b@x", primary=True)], [("a@x", False), ("new@x", True)]),
        ([Email(value="a@x"), Email(value="b@x")], [("new@x", False), ("b@x", False)]),
    ],
)
async def test_the_primary_address_is_changed_and_the_others_stay(
    service: MemoryService,
    rollbook: Command,
    before: list[Email],
    expected: list[tuple[str, bool]],
) -> None:
    del only_user(service).emails[:]
    only_user(service).emails.extend(before)
    assert (await rollbook("user", "update", "ada", "--email", "new@x")).exit_code == 0
    after = [(email.value, email.primary) for email in only_user(service).emails]
    assert after == expected


async def test_values_of_several_are_replaced_and_unset(
    service: MemoryService, rollbook: Command
) -> None:
    for arguments, expected in (
        (("--set", "emails=a@x"), ["a@x"]),
        (("--set", "emails.value=b@x"), ["b@x"]),
        (("--unset", "emails"), []),
    ):
        assert (await rollbook("user", "update", "ada", *arguments)).exit_code == 0
        assert [email.value for email in only_user(service).emails] == expected


async def test_a_check_changes_nothing(service: MemoryService, rollbook: Command) -> None:
    created = await rollbook("user", "create", "grace", "--validate-only")
    changed = await rollbook("user", "update", "ada", "--title", "x", "--validate-only")
    assert (created.exit_code, changed.exit_code) == (0, 0)
    assert "not created" in created.err
    assert only_user(service).title == "CTO"


async def test_accounts_are_deactivated_and_activated(
    service: MemoryService, rollbook: Command
) -> None:
    ran = await rollbook("user", "deactivate", "ada")
    assert (ran.exit_code, only_user(service).active) == (0, False)
    assert "Deactivated ada" in ran.err
    ran = await rollbook("user", "activate", "ada", "--json")
    assert (ran.exit_code, only_user(service).active) == (0, True)
    assert ran.object["active"] is True


async def test_one_name_that_means_nobody_does_not_save_the_others(
    service: MemoryService, rollbook: Command
) -> None:
    ran = await rollbook("user", "deactivate", "nobody", "ada")
    assert ran.exit_code == 3
    assert "'nobody'" in ran.err
    assert not only_user(service).active


async def test_users_are_deleted(service: MemoryService, rollbook: Command) -> None:
    assert (await rollbook("user", "delete", "ada", "--yes")).exit_code == 0
    assert not service.users.by_id


# Attributes as they are typed


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("title", "title"),
        ("USERNAME", "userName"),
        ("name.familyName", "name.familyName"),
        ("emails", "emails.value"),
        ("emails.type", "emails.type"),
        ("department", f"{ENTERPRISE}:department"),
        ("enterprise.department", f"{ENTERPRISE}:department"),
        ("manager", f"{ENTERPRISE}:manager.value"),
        (f"{ENTERPRISE}:manager.displayName", f"{ENTERPRISE}:manager.displayName"),
        ("meta.created", "meta.created"),
    ],
)
def test_names_mean_attributes(name: str, expected: str) -> None:
    assert path_text(parse_path(name)) == expected


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("titel", "Did you mean title"),
        ("qqqq", "There are id"),
        ("name", "name.familyName"),
        ("name.first", "no part 'first'"),
        ("enterprise.title", "no attribute"),
        ("urn:nope:title", "no attribute"),
        ("a.b.c", "names no attribute"),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_a_hint(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_path(name)


@pytest.mark.parametrize("attribute", USER.schema.attributes, ids=lambda one: one.name)
def test_every_attribute_has_a_name_or_names_of_its_parts(attribute: Any) -> None:
    try:
        parse_path(attribute.name)
    except ValueError:
        for part in attribute.sub_attributes:
            parse_path(f"{attribute.name}.{part.name}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title=CTO", where("title") == "CTO"),
        ("title = a=b", where("title") == "a=b"),
        ("title!=CTO", where("title") != "CTO"),
        ("title*=T", where("title").contains("T")),
        ("title^=C", where("title").starts_with("C")),
        ("title$=O", where("title").ends_with("O")),
        ("title=", ~where("title").present()),
        ("title!=", where("title").present()),
        ("active=Yes", where("active") == True),  # noqa: E712
        ("meta.created>=2026-01-02", where("meta.created") >= datetime(2026, 1, 2, tzinfo=UTC)),
        (
            "meta.created<2026-01-02T03:04:05+01:00",
            where("meta.created") < datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC),
        ),
        ("x509Certificates=AP8=", where("x509Certificates.value") == b"\x00\xff"),
        ("department=R", where("department", schema=ENTERPRISE) == "R"),
    ],
)
def test_conditions_are_read(text: str, expected: Condition) -> None:
    assert parse_condition(text).filter == expected.filter


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title", "no condition"),
        ("=CTO", "no condition"),
        ("active=maybe", "active is a boolean"),
        ("meta.created>yesterday", "dateTime"),
        ("x509Certificates=!", "binary"),
    ],
)
def test_a_condition_that_is_none_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_condition(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [("title", "sets nothing"), ("password=x", "list of processes"), ("title=", "--unset")],
)
def test_an_assignment_that_is_none_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_assignment(text)
