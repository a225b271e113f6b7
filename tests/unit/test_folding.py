"""The key for text whose case does not matter."""

from __future__ import annotations

import sys
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.search.folding import fold

EQUAL = [
    ("Ada", "aDA"),
    ("straße", "STRASSE"),
    ("ﬀ", "FF"),
    ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
    ("é", "e\u0301"),
    ("Å", "\u212b"),
    ("\uff21\uff44\uff41", "ada"),  # full-width letters
    ("ᾳ", "ΑΙ"),
    ("①", "1"),
    ("ẞ", "ss"),
    ("K", "\u212a"),  # the Kelvin sign
]

DIFFERENT = ["a", "á", "b", "ı", "i", "", " a", "a ", "ä", "ae", "o", "ø", "а", "日", "日本"]

CODE_POINTS = [chr(n) for n in range(sys.maxunicode + 1) if not 0xD800 <= n < 0xE000]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_texts_that_differ_in_case_or_form_have_one_key(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), list(combinations(DIFFERENT, 2)))
def test_other_texts_have_different_keys(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_every_character_has_the_key_of_its_upper_and_lower_case() -> None:
    odd = [c for c in CODE_POINTS if len({fold(c), fold(c.upper()), fold(c.lower())}) != 1]
    # In Turkish alone is the dotless i the small letter of I (CaseFolding.txt, status T).
    assert odd == ["ı"]


def test_the_key_of_every_character_is_its_own_key_and_not_empty() -> None:
    assert [c for c in CODE_POINTS if fold(fold(c)) != fold(c) or not fold(c)] == []


@given(st.text())
def test_folding_again_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_folded_like_everything_else(text: str) -> None:
    assert fold(text) == fold(f"{text}é").removesuffix("é")
