"""`rollbook role catalogue …` and `rollbook role scope …`: what roles there are, and on what."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  typer reads annotations
from typing import TYPE_CHECKING, Annotated, Final

import typer
from google.protobuf.json_format import MessageToDict

from rollbook.cli.failures import usage
from rollbook.cli.listing import Limit, page_size, show
from rollbook.cli.profile import ValidateOnly  # noqa: TC001  typer reads annotations
from rollbook.cli.session import Session, command
from rollbook.errors import AlreadyExistsError
from rollbook.role_catalogue_file import format_catalogue, parse_catalogue
from rollbook.v1.role_pb2 import RoleScope

if TYPE_CHECKING:
    from rollbook.role_catalogue_file import CatalogueFile, Extension

app = typer.Typer(no_args_is_help=True, help="Load and show the role catalogue.")
scopes_app = typer.Typer(no_args_is_help=True, help="Register what roles can be on.")

Pattern = Annotated[str, typer.Argument(metavar="PATTERN", help="E.g. 'workspace_<name>'.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="E.g. prod.")]

_COLUMNS: Final = ("type", "name", "display", "registered by")


@command(
    app,
    "load",
    examples="""\
rollbook role catalogue load tecton.yaml --validate-only
rollbook role catalogue load tecton.yaml""",
)
async def load(
    session: Session,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A catalogue in YAML; - reads standard input.")
    ],
    *,
    validate_only: ValidateOnly = False,
) -> None:
    """Let the catalogue be as in a file; register the scopes and schemas that it names."""
    found = _read(file)
    catalogue = await session.client.roles.update_catalogue(
        found.catalogue, validate_only=validate_only
    )
    if not validate_only:
        await _load_beside(session, found)
    if session.output.as_json:
        session.output.json(MessageToDict(catalogue))
    else:
        done = "Valid; not loaded" if validate_only else "Loaded"
        session.output.say(f"{done}: {', '.join(each.name for each in catalogue.types)}.")


async def _load_beside(session: Session, found: CatalogueFile) -> None:
    for pattern, scopes in found.scopes.items():
        if scopes:
            await session.client.roles.register_scopes(pattern, scopes)
    for extension in found.extensions:
        await _extend(session, extension)


async def _extend(session: Session, extension: Extension) -> None:
    schemas, definition = session.client.schemas, extension.schema
    try:
        await schemas.create(definition)
    except AlreadyExistsError:
        await schemas.update(definition)
    attached = {each.resource_type for each in (await schemas.get(definition.id)).attachments}
    if extension.resource_type not in attached:
        await schemas.attach(definition.id, extension.resource_type)


@command(app, "show", examples="rollbook role catalogue show > roles.yaml")
async def show_catalogue(session: Session) -> None:
    """Print the catalogue as YAML that `load` takes."""
    catalogue = await session.client.roles.catalogue()
    if session.output.as_json:
        session.output.json(MessageToDict(catalogue))
    else:
        print(format_catalogue(catalogue), end="")  # noqa: T201  # nothing may be wrapped


@command(
    scopes_app,
    "register",
    examples="rollbook role scope register 'workspace_<name>' prod staging",
)
async def register(session: Session, pattern: Pattern, names: Names) -> None:
    """Make scopes known; roles that wait for them count from then on."""
    scopes = [RoleScope(name=name) for name in names]
    answer = await session.client.roles.register_scopes(pattern, scopes)
    if session.output.as_json:
        session.output.json(MessageToDict(answer, always_print_fields_with_no_presence=True))
        return
    session.output.say(
        f"Registered {answer.registered_count}; {answer.activated_count} roles count now that "
        "waited for them."
    )


@command(
    scopes_app,
    "unregister",
    examples="rollbook role scope unregister 'workspace_<name>' staging",
)
async def unregister(session: Session, pattern: Pattern, names: Names) -> None:
    """Forget scopes; roles on them count no more until they are registered again."""
    answer = await session.client.roles.unregister_scopes(pattern, names)
    if session.output.as_json:
        session.output.json(MessageToDict(answer, always_print_fields_with_no_presence=True))
        return
    session.output.say(
        f"Forgot {answer.unregistered_count}; {answer.suspended_count} roles on them count no more."
    )


@command(scopes_app, "list", examples="rollbook role scope list")
async def list_scopes(
    session: Session,
    *,
    pattern: Annotated[str, typer.Option("--type", help="Only of this pattern.")] = "",
    limit: Limit = None,
) -> None:
    """List the known scopes."""
    listing = session.client.roles.list_scopes(pattern, page_size=page_size(limit, session.output))
    await show(listing, session.output, limit=limit, columns=_COLUMNS, row=_row)


def _row(scope: RoleScope) -> tuple[str, ...]:
    return scope.type, scope.name, scope.display, scope.registered_by


def _read(file: Path) -> CatalogueFile:
    """What a file holds. Raises BadParameter."""
    with usage():
        try:
            text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8-sig")
            return parse_catalogue(text)
        except (OSError, ValueError, RecursionError) as error:
            raise ValueError(f"{file}: {error}") from error
