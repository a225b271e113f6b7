"""What the URL of a request said of its tenant, as the gateway passes it on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook.metadata import EXPECT_TENANT, EXPECTED_HOST, EXPECTED_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Expected:
    """The name in the path or host, and the host as it stands; None: nothing said of it. A name
    that no tenant can have is empty."""

    name: str | None = None
    host: str | None = None


NOTHING = Expected()


def expected_of(metadata: Mapping[str, str]) -> Expected:
    """Read `name:acme,host:scim.acme.example`. Neither names nor hosts have colons or commas."""
    text = metadata.get(EXPECT_TENANT)
    if not text:
        return NOTHING
    pairs = (part.partition(":") for part in text.split(","))
    said = {kind: name for kind, _, name in pairs}
    return Expected(said.get(EXPECTED_NAME), said.get(EXPECTED_HOST))
