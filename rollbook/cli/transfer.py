"""`rollbook user import` and `rollbook user export`."""

from __future__ import annotations

import csv
import json
import sys
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003  typer reads annotations
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final, TextIO

import typer
from google.protobuf.json_format import MessageToDict

from rollbook.cli.failures import ExitCode, usage
from rollbook.cli.importing import UserImport
from rollbook.cli.progress import progress_bar
from rollbook.cli.session import Session, command
from rollbook.cli.user_file import CSV_COLUMNS, FileFormat, csv_cells, read_users
from rollbook.cli.users import Conditions, OnlyActive, condition_of
from rollbook.v1.user_pb2 import User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook.cli.output import Output

app = typer.Typer()

_PAGE: Final = 500

_EXPORTED: Final = [
    field.name
    for field in User.DESCRIPTOR.fields
    if field.name not in {"groups", "origin", "password"}
]
"""The read mask of an export: what an import takes."""


@command(
    app,
    "import",
    examples="""\
rollbook user import people.csv
rollbook user import people.ndjson --update --jobs 32
rollbook user export --address old:50051 | rollbook user import -""",
)
async def import_users(
    session: Session,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV or NDJSON; - reads standard input.")
    ],
    *,
    update: Annotated[
        bool, typer.Option("--update", help="Change users that exist; else they are skipped.")
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, max=256, help="How many calls at the same time.")
    ] = 16,
) -> None:
    """Create the users of a file, or update them.

    The first line of a CSV file names its columns by attribute: userName,
    name.givenName, emails.value, enterprise.department, active ... An empty
    cell says nothing of its attribute.

    NDJSON has a user on each line, as `user list --json` or SCIM writes it.

    Users that exist already, by userName, are skipped: to resume an import
    that was interrupted, run it again. Users that are refused are told with
    their line, and the others go in.
    """
    importer = UserImport(session.client, update=update, report=session.output.say)
    try:
        with _source(file) as source, progress_bar("Importing", _size(file), session.output) as bar:
            with usage():
                users = read_users(_decoded(source, bar))
            await importer.run(users, jobs=jobs)
    except ValueError as error:
        session.output.error(str(error))
        raise typer.Exit(ExitCode.ERROR) from error
    except BaseException:
        session.output.say("The import is not finished; run it again to go on.")
        raise
    finally:
        _summarise(importer, session.output)
    if importer.tally["failed"]:
        raise typer.Exit(ExitCode.ERROR)


@contextmanager
def _source(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        opened = file.open("rb")
    except OSError as error:
        raise typer.BadParameter(f"{error.strerror}: {file}", param_hint="FILE") from error
    with opened:
        yield opened


def _size(file: Path) -> int | None:
    """How many bytes are to be read; None of what is no ordinary file."""
    return file.stat().st_size if file.is_file() else None


def _decoded(source: BinaryIO, bar: Callable[[float], None]) -> Iterator[str]:
    """The lines of a file as text, told to a progress bar. Raises ValueError."""
    done = 0
    for number, line in enumerate(source, 1):
        done += len(line)
        bar(done)
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"Line {number} is not UTF-8; convert the file.") from error


def _summarise(importer: UserImport, output: Output) -> None:
    if output.as_json:
        output.json(importer.tally)
    else:
        output.say(", ".join(f"{number:,} {what}" for what, number in importer.tally.items()))


@command(
    app,
    "export",
    examples="""\
rollbook user export people.csv
rollbook user export --where department=Research > research.ndjson""",
)
async def export_users(
    session: Session,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Standard output, if none is named.")
    ] = None,
    *,
    conditions: Conditions = None,
    active: OnlyActive = None,
    file_format: Annotated[
        FileFormat | None,
        typer.Option("--format", help="Else csv if FILE ends so, or ndjson."),
    ] = None,
) -> None:
    """Write users to a file that `import` can read.

    NDJSON has everything but passwords and groups. CSV has the usual
    attributes, and one e-mail address and telephone number of each user.
    """
    with usage():
        condition = condition_of(None, conditions or (), active)
    users = session.client.users
    total = await users.count(condition)
    number = 0
    with _target(file) as target, progress_bar("Exporting", total, session.output) as bar:
        write = _writer(file_format or _format_of(file), target)
        listing = users.list(filter=condition, page_size=_PAGE, read_mask=_EXPORTED)
        async for user in listing:
            write(user)
            number += 1
            bar(number)
    session.output.say(f"{number:,} users exported.")


@contextmanager
def _target(file: Path | None) -> Iterator[TextIO]:
    """Where to write to. A file has its name only when it is complete."""
    if file is None:
        yield sys.stdout
        return
    partial = file.with_name(f"{file.name}.partial")
    try:
        opened = partial.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise typer.BadParameter(f"{error.strerror}: {partial}", param_hint="FILE") from error
    with opened:
        yield opened
    partial.replace(file)


def _format_of(file: Path | None) -> FileFormat:
    is_csv = file is not None and file.suffix.lower() == ".csv"
    return FileFormat.CSV if is_csv else FileFormat.NDJSON


def _writer(file_format: FileFormat, target: TextIO) -> Callable[[User], object]:
    if file_format is FileFormat.NDJSON:
        return lambda user: target.write(f"{json.dumps(MessageToDict(user), ensure_ascii=False)}\n")
    table = csv.writer(target)
    table.writerow(CSV_COLUMNS)
    return lambda user: table.writerow(csv_cells(user))
