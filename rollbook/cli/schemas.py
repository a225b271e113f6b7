"""`rollbook schema …`: register schemas that extend users and groups."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from rollbook.attributes import RESOURCE_TYPES
from rollbook.cli.failures import usage
from rollbook.cli.profile import ValidateOnly  # noqa: TC001  typer reads annotations
from rollbook.cli.session import Session, command
from rollbook.cli.several import Yes, confirm_deletion
from rollbook.schema_json import definition_from_json, definition_to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook.cli.output import Output
    from rollbook.v1.schema_pb2 import AttributeDefinition, Schema, SchemaDefinition

app = typer.Typer(no_args_is_help=True, help="Register schemas that extend users and groups.")

ResourceTypeName = StrEnum(  # type: ignore[misc]  # the types that there are
    "ResourceTypeName", {kind.name: kind.name for kind in RESOURCE_TYPES}
)

Urn = Annotated[str, typer.Argument(metavar="URN", help="The schema's id.")]
File = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="A SCIM Schema in JSON; - reads standard input."),
]

_COLUMNS: Final = ("schema", "name", "attached to", "attributes")


@command(
    app,
    "register",
    examples="""\
rollbook schema register parking.json --validate-only
rollbook schema register parking.json""",
)
async def register(session: Session, file: File, *, validate_only: ValidateOnly = False) -> None:
    """Register a schema. `attach` makes it part of users or groups."""
    definition = _read(file)
    created = await session.client.schemas.create(definition, validate_only=validate_only)
    _show(session.output, created, "Valid; not registered." if validate_only else "Registered.")


@command(app, "update", examples="rollbook schema update badge.json")
async def update(session: Session, file: File, *, validate_only: ValidateOnly = False) -> None:
    """Change names and descriptions of a schema, and add attributes."""
    definition = _read(file)
    updated = await session.client.schemas.update(definition, validate_only=validate_only)
    _show(session.output, updated, "Valid; not changed." if validate_only else "Changed.")


@command(app, "list", examples="rollbook schema list")
async def list_schemas(session: Session) -> None:
    """List the registered schemas."""
    schemas = await session.client.schemas.list()
    if session.output.as_json:
        for schema in schemas:
            session.output.json(_as_json(schema))
    else:
        session.output.table(_COLUMNS, map(_row, schemas))


@command(
    app,
    "show",
    examples="""\
rollbook schema show urn:acme:params:scim:schemas:extension:badge:1.0:User
rollbook schema show urn:acme:params:scim:schemas:extension:badge:1.0:User --json > badge.json""",
)
async def show(session: Session, urn: Urn) -> None:
    """Show a schema; with --json as a document that `register` takes."""
    schema = await session.client.schemas.get(urn)
    if session.output.as_json:
        session.output.json(definition_to_json(schema.definition))
    else:
        _show(session.output, schema, "")


@command(
    app,
    "attach",
    examples="""\
rollbook schema attach urn:acme:params:scim:schemas:extension:badge:1.0:User --to User""",
)
async def attach(
    session: Session,
    urn: Urn,
    *,
    to: Annotated[ResourceTypeName, typer.Option("--to", help="What to extend.")],
    required: Annotated[
        bool, typer.Option("--required", help="Refuse resources that do not have it.")
    ] = False,
) -> None:
    """Make a schema part of users or groups."""
    schema = await session.client.schemas.attach(urn, str(to), required=required)
    _show(session.output, schema, f"Attached to {to}.")


@command(
    app,
    "detach",
    examples="""\
rollbook schema detach urn:acme:params:scim:schemas:extension:badge:1.0:User --from User""",
)
async def detach(
    session: Session,
    urn: Urn,
    *,
    from_: Annotated[ResourceTypeName, typer.Option("--from", help="What it extends.")],
) -> None:
    """End that. Values are kept and seen again when it is attached once more."""
    schema = await session.client.schemas.detach(urn, str(from_))
    _show(session.output, schema, f"Detached from {from_}.")


@command(
    app,
    "delete",
    examples="""\
rollbook schema delete urn:acme:params:scim:schemas:extension:badge:1.0:User --yes""",
)
async def delete(session: Session, urn: Urn, *, yes: Yes = False) -> None:
    """Forget a schema, which must not be attached."""
    confirm_deletion("the schema", [urn], yes=yes)
    await session.client.schemas.delete(urn)
    if session.output.as_json:
        session.output.json({"id": urn})
    else:
        session.output.say(f"Deleted {urn}.")


def _read(file: Path) -> SchemaDefinition:
    """The definition in a file. Raises BadParameter when there is none."""
    with usage():
        try:
            text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8-sig")
            return definition_from_json(json.loads(text))
        except (OSError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"{file}: {error}") from error


def _show(output: Output, schema: Schema, headline: str) -> None:
    if output.as_json:
        output.json(_as_json(schema))
        return
    if headline:
        output.say(headline)
    output.pairs(_details(schema))


def _as_json(schema: Schema) -> dict[str, object]:
    """The SCIM document and where the schema is attached."""
    attachments = [
        {"resourceType": each.resource_type, "required": each.required}
        for each in schema.attachments
    ]
    return {**definition_to_json(schema.definition), "attachments": attachments}


def _details(schema: Schema) -> Iterator[tuple[str, str]]:
    definition = schema.definition
    yield "id", definition.id
    yield "name", definition.name
    if definition.description:
        yield "description", definition.description
    yield "attached to", _attachments(schema)
    for attribute in definition.attributes:
        yield attribute.name, _characteristics(attribute)
        for part in attribute.sub_attributes:
            yield f"{attribute.name}.{part.name}", _characteristics(part)


def _characteristics(attribute: AttributeDefinition) -> str:
    """The type, and what is not as it is by default (RFC 7643 §2.2)."""
    words = [attribute.type]
    words += ["several"] if attribute.multi_valued else []
    words += ["required"] if attribute.required else []
    words += ["case matters"] if attribute.case_exact else []
    words += [attribute.mutability] if attribute.mutability != "readWrite" else []
    words += [f"returned: {attribute.returned}"] if attribute.returned != "default" else []
    words += [f"unique: {attribute.uniqueness}"] if attribute.uniqueness != "none" else []
    return ", ".join(words)


def _row(schema: Schema) -> tuple[str, ...]:
    definition = schema.definition
    return definition.id, definition.name, _attachments(schema), str(len(definition.attributes))


def _attachments(schema: Schema) -> str:
    return ", ".join(
        f"{each.resource_type}{' (required)' if each.required else ''}"
        for each in schema.attachments
    )
