"""API tokens as text."""

from __future__ import annotations

import re

import pytest

from rollbook.tokens import is_well_formed, new_token


def test_a_token_has_256_bits_and_is_never_made_twice() -> None:
    tokens = {new_token() for _ in range(1_000)}
    assert len(tokens) == 1_000
    assert all(re.fullmatch(r"rbk_[0-9A-Za-z]{49}", token) for token in tokens)
    assert all(is_well_formed(token) for token in tokens)


def test_every_changed_or_missing_letter_is_noticed() -> None:
    token = new_token()
    for index in range(len(token)):
        other = "A" if token[index] != "A" else "B"
        assert not is_well_formed(token[:index] + other + token[index + 1 :])
        assert not is_well_formed(token[:index])


@pytest.mark.parametrize("text", ["", "rbk_", "Bearer rbk_", "rbk_" + "é" * 49, "x" * 10_000])
def test_other_text_is_no_token(text: str) -> None:
    assert not is_well_formed(text)
