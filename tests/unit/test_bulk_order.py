"""The order in which the operations of a bulk run."""

from __future__ import annotations

from itertools import pairwise

import pytest

from service.domain.bulk_order import components
from service.domain.bulk_references import Footprint


def create(name: str, *mentions: str) -> Footprint:
    return Footprint(name, frozenset(mentions), creates=True)


def change(target: str, *mentions: str) -> Footprint:
    return Footprint(target, frozenset(mentions))


def delete(target: str) -> Footprint:
    return Footprint(target, frozenset(), deletes=True)


@pytest.mark.parametrize(
    ("operations", "order"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([create("a"), change("X"), delete("Y")], [[0], [1], [2]], id="independent"),
        pytest.param([create("a"), create("b", "a")], [[0], [1]], id="reference backwards"),
        pytest.param([create("b", "a"), create("a")], [[1], [0]], id="reference forwards"),
        pytest.param(
            [create("b", "a"), delete("X"), create("a"), delete("Y")],
            [[1], [2], [0], [3]],
            id="who waits holds up nobody",
        ),
        pytest.param(
            [create("c", "b"), create("b", "a"), create("a")], [[2], [1], [0]], id="chain"
        ),
        pytest.param([create("a", "a")], [[0]], id="reference to itself"),
        pytest.param([create("a", "b"), create("b", "a")], [[0, 1]], id="circle"),
        pytest.param(
            [create("a", "b"), create("x", "a"), create("b", "c"), create("c", "a")],
            [[0, 2, 3], [1]],
            id="circle and who refers to it",
        ),
        pytest.param(
            [create("a", "b"), create("b", "a"), create("c", "d"), create("d", "c")],
            [[0, 1], [2, 3]],
            id="two circles",
        ),
        pytest.param([change("a"), create("a")], [[1], [0]], id="change of what is created later"),
        pytest.param(
            [change("X", "a"), change("X"), create("a")],
            [[2], [0], [1]],
            id="changes of one resource keep their order",
        ),
        pytest.param(
            [change("X", "a"), delete("M"), change("X", "M"), create("a")],
            [[1], [3], [0], [2]],
            id="a deletion does not wait for what names the resource after it",
        ),
        pytest.param(
            [change("X", "a", "M"), delete("M"), create("a")],
            [[2], [0], [1]],
            id="a deletion waits for what names the resource before it",
        ),
        pytest.param(
            [create("g", "a", "M"), delete("M"), create("a")],
            [[2], [0], [1]],
            id="a deletion waits for a creation that names the resource before it",
        ),
        pytest.param([create(""), create(""), change("")], [[0], [1], [2]], id="without names"),
        pytest.param([create("b", "nobody")], [[0]], id="reference to nobody"),
    ],
)
def test_order(operations: list[Footprint], order: list[list[int]]) -> None:
    assert components(operations) == order


def test_long_chains_and_large_circles_are_ordered() -> None:
    names = [f"u{i}" for i in range(1000)]
    chain = [create(name, below) for name, below in pairwise(names)]
    assert components([*chain, create(names[-1])]) == [[i] for i in reversed(range(1000))]
    assert components([*chain, create(names[-1], names[0])]) == [list(range(1000))]


def test_everybody_may_refer_to_everybody() -> None:
    names = [f"g{i}" for i in range(300)]
    assert components([create(name, *names) for name in names]) == [list(range(300))]
