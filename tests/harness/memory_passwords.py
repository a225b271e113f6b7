"""Passwords in memory, by the ids of users."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Passwords:
    """The passwords that were set by PasswordService."""

    by_id: dict[str, str] = field(default_factory=dict)

    def methods(self) -> dict[str, Callable[[Any], dict[str, Any]]]:
        return {"VerifyPassword": self.verify, "SetPassword": self.set}

    def verify(self, request: Any) -> dict[str, Any]:
        known = self.by_id.get(request.user_id)
        return {"valid": True, "user_id": request.user_id} if known == request.password else {}

    def set(self, request: Any) -> dict[str, Any]:
        self.by_id[request.user_id] = request.password
        return {"user_id": request.user_id}
