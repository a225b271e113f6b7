"""Which clients get packed answers, and how packed bodies are read."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest

from gateway.handlers.compression import Unpacker, accepts_gzip
from gateway.handlers.errors import HttpError
from gateway.scim.errors import ScimError


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("gzip,deflate", True),
        ("deflate, GZIP", True),
        ("br;q=1.0, gzip;q=0.2", True),
        ("gzip ; q=0.001", True),
        ("x-gzip", True),
        ("*", True),
        ("*;q=0.1", True),
        ("deflate", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.0, *", False),
        ("*;q=0", False),
        ("gzip;q=high", False),
        ("gzipped", False),
        ("", False),
        (",;,", False),
    ],
)
def test_accept_encoding(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_body_may_come_in_pieces_of_any_size(step: int) -> None:
    body = bytes(range(256)) * 20
    packed = gzip.compress(body)
    unpacker = Unpacker(limit=len(body))
    pieces = [packed[start : start + step] for start in range(0, len(packed), step)]
    assert b"".join(map(unpacker.feed, pieces)) == body
    unpacker.close()


def test_a_body_of_the_limit_is_taken_and_one_byte_more_refused() -> None:
    packed = gzip.compress(b" " * 100)
    assert Unpacker(100).feed(packed) == b" " * 100
    with pytest.raises(HttpError, match="99 bytes") as refused:
        Unpacker(99).feed(packed)
    assert refused.value.status == 413


def test_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    bomb = gzip.compress(b" " * 100_000_000, 9)
    tracemalloc.start()
    with pytest.raises(HttpError):
        Unpacker(10_000).feed(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_body_cut_short_is_malformed() -> None:
    unpacker = Unpacker(1000)
    unpacker.feed(gzip.compress(b"{}")[:-1])
    with pytest.raises(ScimError, match="gzip"):
        unpacker.close()
