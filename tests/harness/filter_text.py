"""Filters and patch paths as the text that a client would write: the parsers' inverse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gateway.scim.comparisons import OPERATORS

if TYPE_CHECKING:
    from rollbook.v1.filter_pb2 import AttributePath, Comparison, Filter, FilterValue
    from rollbook.v1.patch_pb2 import PatchPath

_WORDS = {number: word for word, number in OPERATORS.items()}


def filter_text(condition: Filter) -> str:
    """The filter with no more parentheses than it needs; a constant is TRUE or FALSE."""
    kind = condition.WhichOneof("kind")
    if kind in {"and", "or"}:
        return f" {kind} ".join(map(_part_text, getattr(condition, kind).filters))
    if kind == "not":
        return f"not ({filter_text(getattr(condition, kind))})"
    if kind == "comparison":
        return _comparison_text(condition.comparison)
    if kind == "value_path":
        path = condition.value_path
        return f"{attribute_text(path.path)}[{filter_text(path.filter)}]"
    return str(condition.constant).upper()


def attribute_text(path: AttributePath) -> str:
    """An attribute in the notation of RFC 7644 §3.10."""
    name = ".".join(filter(None, (path.attribute, path.sub_attribute)))
    return ":".join(filter(None, (path.schema, name)))


def path_text(path: PatchPath) -> str:
    """The path of a patch operation."""
    if not path.HasField("filter"):
        return attribute_text(path.attribute)
    part = path.attribute.sub_attribute
    head = attribute_text(path.attribute).removesuffix(f".{part}")
    return f"{head}[{filter_text(path.filter)}]" + (f".{part}" if part else "")


def _part_text(condition: Filter) -> str:
    text = filter_text(condition)
    return f"({text})" if condition.WhichOneof("kind") in {"and", "or"} else text


def _comparison_text(comparison: Comparison) -> str:
    words = [attribute_text(comparison.path), _WORDS[comparison.operator]]
    if comparison.HasField("value"):
        words.append(_value_text(comparison.value))
    return " ".join(words)


def _value_text(value: FilterValue) -> str:
    kind = value.WhichOneof("kind")
    if kind == "null":
        return "null"
    if kind == "date_time":
        return f'"{value.date_time.ToJsonString()}"'
    return json.dumps(getattr(value, str(kind)), ensure_ascii=False)
