"""The administrator's token: made at the first start, shown once, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rollbook.tokens import new_token

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import SecretStr

MARK: Final = "token-issued"

MARK_TEXT: Final = """\
A token was shown at the first start; the database holds its hash. Remove this file to have another
one made at the next start.
"""


@dataclass(frozen=True, slots=True)
class FirstToken:
    """The token to hand to the service, if any, and what to tell about it."""

    value: str | None
    remark: str
    mark: Path | None = None

    def shown(self) -> None:
        """Notes that the token was shown, so that later starts make no other."""
        if self.mark is not None:
            self.mark.write_text(MARK_TEXT)


def first_token(configured: SecretStr | None, data_dir: Path) -> FirstToken:
    """The configured token, else a new one unless one was shown before."""
    if configured is not None:
        return FirstToken(configured.get_secret_value(), "from ROLLBOOK_BOOTSTRAP_TOKEN")
    mark = data_dir / MARK
    if mark.exists():
        return FirstToken(None, "as printed at the first start")
    return FirstToken(new_token(), "shown this once, keep it", mark)
