"""What may be said of a call beside its subject, and how that becomes part of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, cast
from uuid import uuid4

from google.protobuf.field_mask_pb2 import FieldMask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class CallOptions(TypedDict, total=False):
    """Of every call."""

    timeout: float
    """Seconds until the call is given up; the client's when absent."""


class ReadOptions(CallOptions, total=False):
    """Of a call that answers resources."""

    read_mask: Iterable[str]
    """The protobuf fields that are needed, e.g. "user_name"; all when absent."""


class CommandOptions(CallOptions, total=False):
    """Of a call that writes."""

    request_id: str
    """A UUID. The same call with the same id is done once within 24 hours. A fresh one when
    absent, so that the attempts of one call are safe; give your own to repeat a call whose
    outcome is not known, from another process even."""
    validate_only: bool
    """Check, but write nothing."""


class CreateOptions(CommandOptions, ReadOptions, total=False):
    """Of a call that creates a resource."""


class DeleteOptions(CommandOptions, total=False):
    """Of a call that deletes a resource."""

    etag: str
    """Fail with `ConflictError` unless the resource still has this etag (`meta.etag`)."""


class ChangeOptions(DeleteOptions, CreateOptions, total=False):
    """Of a call that changes a resource."""


def read_fields(options: ReadOptions) -> dict[str, Any]:
    """The options of a read as fields of its request."""
    return _fields(cast("Mapping[str, Any]", options))


def write_fields(options: CommandOptions) -> dict[str, Any]:
    """The options of a write as fields of its request, which always has a request id."""
    fields = _fields(cast("Mapping[str, Any]", options))
    fields.setdefault("request_id", str(uuid4()))
    return fields


def _fields(options: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in options.items() if name != "timeout"}
    if "read_mask" in fields:
        fields["read_mask"] = FieldMask(paths=fields["read_mask"])
    return fields


def one_key(**keys: str | None) -> dict[str, Any]:
    """The one key that is given as field of its request. Raises TypeError unless it is one."""
    given = {name: key for name, key in keys.items() if key is not None}
    if len(given) != 1:
        raise TypeError(f"Look up by one of these: {', '.join(keys)}.")
    return given
