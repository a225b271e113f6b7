"""The one key function for text whose case does not matter.

Comparison, uniqueness and search all use it. The key is computed here and stored, never left to
the database: PostgreSQL's `lower` and Python's `casefold` disagree on hundreds of characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import normalize

from rollbook.attributes import AttributeType

if TYPE_CHECKING:
    from rollbook.attributes import Attribute


def fold(text: str) -> str:
    """Returns the key under which texts that differ in case or compatibility form are equal.

    This is compatibility caseless matching (Unicode Standard, definition D146) with a composed
    result. Folding a key again changes nothing, and a text that is not empty has a key that is
    not empty.
    """
    if text.isascii():
        return text.lower()
    compatible = normalize("NFKD", normalize("NFD", text).casefold())
    return normalize("NFKC", compatible.casefold())


def ignores_case(attribute: Attribute) -> bool:
    """Whether values of the attribute are compared by their keys (RFC 7643 §2.2, §2.3.7)."""
    return attribute.type is AttributeType.STRING and not attribute.case_exact
