"""Lists: what a client asks for, in a query string or a SearchRequest, and the ListResponse."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from google.protobuf.field_mask_pb2 import FieldMask

from gateway.scim.assignment import refuse_duplicates
from gateway.scim.dialects import Tolerance
from gateway.scim.errors import invalid_filter, invalid_syntax, invalid_value
from gateway.scim.filters import parse_filter
from gateway.scim.paths import parse_attribute_path
from gateway.scim.projection import EVERYTHING, Projection, projection_of
from gateway.scim.values import kind_of
from rollbook.attributes import Attribute, AttributeType, Returned
from rollbook.v1.filter_pb2 import OrderBy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gateway.scim.dialects import Reading
    from rollbook.attributes import ResourceType
    from rollbook.schema_sets import SchemaSet
    from rollbook.v1.filter_pb2 import AttributePath, Filter

    class ListRequest(Protocol):
        """ListUsersRequest, ListGroupsRequest and those of other resource types."""

        page_size: int
        page_token: str
        skip: int
        include_total_size: bool

        @property
        def filter(self) -> Filter: ...
        @property
        def order_by(self) -> OrderBy: ...
        @property
        def read_mask(self) -> FieldMask: ...

    Request = TypeVar("Request", bound=ListRequest)

LIST_RESPONSE_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
SEARCH_REQUEST_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

MAX_COUNT: Final = 1_000
"""How many resources a page has at the most."""

_INTEGER: Final = re.compile(r"\s*([+-]?[0-9]{1,18})\s*", re.ASCII)
"""Longer numbers could not be an index into anything, and some not be handed on."""

_PARAMETERS: Final = frozenset(
    {
        "filter",
        "sortby",
        "sortorder",
        "startindex",
        "count",
        "cursor",
        "attributes",
        "excludedattributes",
    }
)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a client asks for.

    `filter` and `sort_by` are text, as they differ in meaning from one resource type to the
    next; None without them. `start_index` is 1 or more, `count` 0 to MAX_COUNT or None for the
    service's default. `cursor` is None for index paging and empty for the first page of cursor
    paging.
    """

    filter: str | None = None
    sort_by: str | None = None
    descending: bool = False
    start_index: int = 1
    count: int | None = None
    cursor: str | None = None
    projection: Projection = EVERYTHING

    def to_request(
        self,
        request: Request,
        resource_type: ResourceType | None,
        reading: Reading,
        *,
        base_url: str = "",
    ) -> Request:
        """Fills an empty request for a list of resources, and returns it.

        Without a resource type it is one for those of all types. `base_url` is what addresses
        in the filter begin with. Raises ScimError invalidFilter, and invalidValue when resources
        cannot be sorted as asked.
        """
        if self.filter is not None:
            condition = parse_filter(self.filter, resource_type, reading, base_url=base_url)
            request.filter.CopyFrom(condition)
        if self.sort_by is not None:
            order = OrderBy(
                path=_sort_path(self.sort_by, resource_type, reading.schemas),
                descending=self.descending,
            )
            request.order_by.CopyFrom(order)
        if self.count is not None:
            request.page_size = self.count
        if self.cursor is None:
            request.skip = self.start_index - 1
        else:
            request.page_token = self.cursor
        request.include_total_size = True
        read_mask = (
            self.projection.read_mask(resource_type)
            if resource_type
            else _mask(self.projection, reading.schemas)
        )
        if read_mask.paths:
            request.read_mask.CopyFrom(read_mask)
        return request


def list_query_from_query(query: Iterable[tuple[str, str]]) -> ListQuery:
    """The list that the pairs of a decoded query string ask for (RFC 7644 §3.4.2).

    Names are taken in any case and unknown ones ignored. Raises ScimError invalidFilter for an
    empty filter, else invalidValue.
    """
    values: dict[str, str] = {}
    lists: dict[str, list[str]] = {"attributes": [], "excludedattributes": []}
    for name, value in query:
        key = name.lower()
        if key in lists:
            lists[key].append(value)
        elif key in values:
            raise invalid_value(f"The parameter {name} is given twice.")
        elif key in _PARAMETERS:
            values[key] = value
    return _list_query(values, projection_of(lists["attributes"], lists["excludedattributes"]))


def list_query_from_search(body: object, reading: Reading) -> ListQuery:
    """The list that a SearchRequest asks for (RFC 7644 §3.4.3).

    Raises ScimError invalidSyntax when the body is no SearchRequest, invalidFilter for an empty
    filter, else invalidValue.
    """
    if not isinstance(body, dict):
        raise invalid_syntax(f"The body must be a JSON object, not {kind_of(body)}.")
    refuse_duplicates(body, "")
    members = {name.lower(): value for name, value in body.items() if value is not None}
    _check_schemas(members.get("schemas"), reading)
    projection = projection_of(
        _names("attributes", members.get("attributes"), reading),
        _names("excludedAttributes", members.get("excludedattributes"), reading),
    )
    return _list_query(members, projection, reading)


def list_response(
    query: ListQuery,
    resources: Sequence[object],
    total: int,
    next_cursor: str = "",
    previous_cursor: str = "",
) -> dict[str, object]:
    """The answer with one page of a list (RFC 7644 §3.4.2, RFC 9865 §2).

    `total` counts all resources that match. A page of cursor paging has no `startIndex`; one of
    index paging no cursors.
    """
    body: dict[str, object] = {"schemas": [LIST_RESPONSE_SCHEMA], "totalResults": total}
    if query.cursor is None:
        body["startIndex"] = query.start_index
    body["itemsPerPage"] = len(resources)
    if query.cursor is not None:
        if next_cursor:
            body["nextCursor"] = next_cursor
        if previous_cursor:
            body["previousCursor"] = previous_cursor
    body["Resources"] = resources
    return body


def _check_schemas(schemas: object, reading: Reading) -> None:
    listed = schemas if isinstance(schemas, list) else ()
    wanted = SEARCH_REQUEST_SCHEMA.lower()
    if any(isinstance(urn, str) and urn.lower() == wanted for urn in listed):
        return
    if not reading.tolerates(Tolerance.MISSING_SCHEMAS):
        raise invalid_syntax(f"schemas must contain {SEARCH_REQUEST_SCHEMA}.")


def _list_query(
    values: Mapping[str, object], projection: Projection, reading: Reading | None = None
) -> ListQuery:
    """The list that parameters, by their names in lower case, ask for.

    Those of a query string are text, even numbers; for those of a body `reading` tells whether
    they may be.
    """
    filter_text = _text("filter", values)
    if filter_text is not None and not filter_text.strip():
        raise invalid_filter("The filter is empty; leave it out to list everything.")
    start_index = _integer("startIndex", values, reading)
    cursor = _text("cursor", values)
    if start_index is not None and cursor is not None:
        raise invalid_value("startIndex and cursor must not be given together.")
    count = _integer("count", values, reading)
    return ListQuery(
        filter=filter_text,
        sort_by=_text("sortBy", values) or None,
        descending=_is_descending(_text("sortOrder", values)),
        # RFC 7644 §3.4.2.4: below 1 is 1, a negative count is 0, and more than there may be on
        # a page is as many as there may be.
        start_index=max(1, 1 if start_index is None else start_index),
        count=None if count is None else min(max(0, count), MAX_COUNT),
        cursor=cursor,
        projection=projection,
    )


def _text(name: str, values: Mapping[str, object]) -> str | None:
    value = values.get(name.lower())
    if value is not None and not isinstance(value, str):
        raise invalid_value(f"{name} must be a string, not {kind_of(value)}.")
    return value


def _integer(name: str, values: Mapping[str, object], reading: Reading | None) -> int | None:
    value = values.get(name.lower())
    if value is None:
        return None
    if isinstance(value, bool | float | dict | list):
        raise invalid_value(f"{name} must be an integer, not {kind_of(value)}.")
    if isinstance(value, str) and reading and not reading.tolerates(Tolerance.STRING_NUMBER):
        raise invalid_value(f"{name} must be an integer, not a string.")
    match = _INTEGER.fullmatch(str(value))
    if match is None:
        raise invalid_value(f"{name} must be an integer of at most 18 digits.")
    return int(match[1])


def _is_descending(order: str | None) -> bool:
    known = {"": False, "ascending": False, "descending": True}
    try:
        return known[(order or "").lower()]
    except KeyError:
        raise invalid_value("sortOrder must be ascending or descending.") from None


def _names(name: str, value: object, reading: Reading) -> list[str]:
    """The names in `attributes` or `excludedAttributes` of a SearchRequest."""
    if value is None:
        return []
    if isinstance(value, str) and reading.tolerates(Tolerance.SINGLE_FOR_ARRAY):
        return [value]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise invalid_value(f"{name} must be an array of strings.")
    return value


def _mask(projection: Projection, schemas: SchemaSet) -> FieldMask:
    """What the service has to gather of resources of all types: fields of a `Resource`."""
    masks = {kind.field: projection.read_mask(kind) for kind in schemas.resource_types}
    if not any(mask.paths for mask in masks.values()):
        return FieldMask()
    return FieldMask(
        paths=[
            f"{field}.{path}" if path else field
            for field, mask in masks.items()
            for path in mask.paths or [""]
        ]
    )


def _sort_path(text: str, resource_type: ResourceType | None, schemas: SchemaSet) -> AttributePath:
    """What to sort by: an attribute that has one value, or one of them that counts.

    A multi-valued attribute is sorted by the `value` of its elements (RFC 7644 §3.4.2.3).
    """
    path = parse_attribute_path(text, resource_type, schemas)
    kinds = schemas.resource_types if resource_type is None else (resource_type,)
    attribute = path and next(
        (found for kind in kinds if (found := kind.attribute(path.attribute, path.schema))), None
    )
    if path is None or attribute is None:
        names = " or ".join(kind.name for kind in kinds)
        raise invalid_value(f"sortBy names no attribute of a {names}: {text[:200]!r}.")
    target: Attribute | None = attribute
    if path.sub_attribute:
        target = attribute.sub_attribute(path.sub_attribute)
    elif attribute.type is AttributeType.COMPLEX and attribute.multi_valued:
        target = attribute.sub_attribute("value")
        path.sub_attribute = "value" if target else ""
    if target is None or target.type is AttributeType.COMPLEX:
        raise invalid_value(f"sortBy must name a sub-attribute of {attribute.name}.")
    if target.returned is Returned.NEVER:
        raise invalid_value(f"Resources cannot be sorted by {attribute.name}.")
    return path
