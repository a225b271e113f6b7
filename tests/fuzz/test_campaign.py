"""A small campaign of hostile requests, each time the same; `make fuzz` runs a large one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fuzz.campaign import Campaign
from tests.fuzz.generation import Generator
from tests.fuzz.requests import load_corpus, shown
from tests.fuzz.resources import Bystanders, Targets
from tests.fuzz.soundness import unsoundness

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.scim import ScimClient

REQUESTS = 2_000

MAX_SECONDS = 20
"""No test is timed, but a request that holds everybody up is a failure on any machine."""


async def test_hostile_requests_do_no_harm(
    scim: ScimClient, database: asyncpg.Connection[Any]
) -> None:
    generate = Generator(load_corpus(), "suite")
    bystanders = Bystanders(scim)
    await bystanders.make()
    campaign = Campaign(scim.base_url, generate, Targets(scim), max_seconds=MAX_SECONDS)
    report = await campaign.run(range(REQUESTS), lambda: None)
    assert not report.findings, "\n".join(
        f"{what}\n  {shown(generate(number))}" for number, what in report.findings[:5]
    )
    assert report.statuses[200] > REQUESTS / 10
    assert report.statuses[400] > REQUESTS / 10
    assert await bystanders.changes() == []
    assert await unsoundness(scim, database) == []


def test_a_request_is_known_by_its_number() -> None:
    corpus = load_corpus()
    one, other = Generator(corpus, "suite"), Generator(corpus, "suite")
    numbers = range(500)
    assert [one(number) for number in numbers] == [other(number) for number in reversed(numbers)][
        ::-1
    ]
    assert one(7) != Generator(corpus, "another")(7)
