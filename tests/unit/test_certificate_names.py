"""Patterns of certificates' names, and which of them match a name."""

from __future__ import annotations

import hashlib

import pytest

from service.domain.certificate_names import (
    CertificateNames,
    checked_pattern,
    digest_of,
    is_spiffe_id,
)


def test_an_id_is_matched_by_itself_and_by_all_below_those_above_it() -> None:
    names = CertificateNames("spiffe://acme.example/prod/billing", ("a.example", "b.example"))
    assert names.patterns() == [
        "spiffe://acme.example/prod/billing",
        "spiffe://acme.example/prod/*",
        "spiffe://acme.example/*",
        "a.example",
        "b.example",
    ]


def test_a_trust_domain_has_nothing_above_it() -> None:
    assert CertificateNames("spiffe://acme.example", ()).patterns() == ["spiffe://acme.example"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (" spiffe://acme.example/a ", "spiffe://acme.example/a"),
        ("spiffe://acme.example/*", "spiffe://acme.example/*"),
        ("spiffe://acme.example", "spiffe://acme.example"),
        ("spiffe://acme.example/A/.b_c-D", "spiffe://acme.example/A/.b_c-D"),
        ("Billing.ACME.example", "billing.acme.example"),
        ("localhost", "localhost"),
    ],
)
def test_patterns_are_kept_as_certificates_write_them(text: str, kept: str) -> None:
    assert checked_pattern(text) == kept


@pytest.mark.parametrize("path", ["/", "//a", "/.", "/..", "/a/../b", "/a/", "/%61", "/a b", "/ä"])
def test_a_path_has_no_two_spellings(path: str) -> None:
    assert not is_spiffe_id(f"spiffe://acme.example{path}")


def test_no_token_has_the_hash_of_a_pattern() -> None:
    pattern = "spiffe://acme.example/a"
    for token in (pattern, f"certificate{pattern}", f"certificate {pattern}"):
        assert hashlib.sha256(token.encode()).digest() != digest_of(pattern)
