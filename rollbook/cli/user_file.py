"""Users in files: CSV, whose columns are attributes, and NDJSON, one user on each line."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from rollbook.attributes import USER
from rollbook.cli.attributes import parse_path, parse_value
from rollbook.client.partial import set_attribute
from rollbook.v1.user_pb2 import User

if TYPE_CHECKING:
    from _csv import Reader as CsvReader
    from collections.abc import Iterable, Iterator, Sequence

    from rollbook.v1.filter_pb2 import AttributePath

CSV_COLUMNS: Final = (
    "id",
    "userName",
    "externalId",
    "active",
    "displayName",
    "name.givenName",
    "name.familyName",
    "emails.value",
    "phoneNumbers.value",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "enterprise.employeeNumber",
    "enterprise.costCenter",
    "enterprise.organization",
    "enterprise.division",
    "enterprise.department",
    "enterprise.manager.value",
)
"""The columns of an export: the first value of what may have several."""


class FileFormat(StrEnum):
    """How users are written in a file."""

    CSV = "csv"
    NDJSON = "ndjson"


@dataclass(frozen=True)
class Row:
    """One user of a file, or what is wrong with it; `line` is where it begins, from 1."""

    line: int
    user: User | None = None
    problem: str = ""


def read_users(lines: Iterator[str]) -> Iterator[Row]:
    """The users of a file, whose first line tells its format. Rows that cannot be read are
    problems. Raises ValueError when the file as a whole is not what it should be."""
    first = next(lines, "")
    if not first.strip():
        raise ValueError("The first line is empty; it has the columns of a CSV, or JSON.")
    everything = _again(first, lines)
    if first.lstrip().startswith("["):
        raise ValueError("This is a JSON array; write one user on each line, e.g. by jq -c '.[]'.")
    return _read_ndjson(everything) if first.lstrip().startswith("{") else _read_csv(everything)


def _again(first: str, rest: Iterable[str]) -> Iterator[str]:
    yield first
    yield from rest


def _read_ndjson(lines: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield Row(number, user_from_json(json.loads(line)))
        except (ValueError, TypeError, ParseError, RecursionError) as error:
            yield Row(number, problem=str(error))


def user_from_json(value: Any) -> User:
    """A user from its JSON: that of `--json`, or SCIM's, with the URN of the extension as its
    name. What only the service may set is left out. Raises TypeError or ParseError."""
    if not isinstance(value, dict):
        raise TypeError("A user is a JSON object.")
    fields = {name: part for name, part in value.items() if name != "schemas"}
    for extension in USER.extensions:
        if extension.schema.urn in fields:
            fields[extension.field] = fields.pop(extension.schema.urn)
    return _writable(ParseDict(fields, User()))


def _read_csv(lines: Iterator[str]) -> Iterator[Row]:
    table = csv.reader(lines, strict=True)
    return _rows(table, _columns(next(table)))


def _rows(table: CsvReader, columns: Sequence[AttributePath]) -> Iterator[Row]:
    while True:
        line = table.line_num + 1
        try:
            cells = next(table, None)
        except csv.Error as error:
            yield Row(line, problem=str(error))
            continue
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield _row(line, columns, cells)


def _columns(names: Sequence[str]) -> list[AttributePath]:
    """The attributes of the columns. Raises ValueError when one is none, or comes twice."""
    paths = [parse_path(name) for name in names]
    for position, path in enumerate(paths):
        if path in paths[:position]:
            raise ValueError(f"The column {names[position]!r} comes twice.")
    return paths


def _row(line: int, columns: Sequence[AttributePath], cells: Sequence[str]) -> Row:
    if len(cells) != len(columns):
        return Row(line, problem=f"It has {len(cells)} cells, the first line {len(columns)}.")
    user = User()
    try:
        for path, cell in zip(columns, cells, strict=True):
            if cell.strip():
                set_attribute(user, USER, path, parse_value(path, cell))
    except ValueError as error:
        return Row(line, problem=str(error))
    return Row(line, _writable(user))


def _writable(user: User) -> User:
    """The user without what only the service may set, so that an export can be imported."""
    for name in ("id", "meta", "groups"):
        user.ClearField(name)
    return user


def csv_cells(user: User) -> list[str]:
    """The cells of a user for `CSV_COLUMNS`."""
    document = MessageToDict(user)
    return [_cell(document, column.split(".")) for column in CSV_COLUMNS]


def _cell(value: Any, names: Sequence[str]) -> str:
    for name in names:
        if isinstance(value, list):
            value = value[0]
        if name not in value:
            return ""
        value = value[name]
    return str(value).lower() if isinstance(value, bool) else str(value)
