"""A directory as simple as can be: what users, service accounts, groups and members should look
like."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.harness.representation import (
    ENTERPRISE_SCHEMA,
    GROUP_SCHEMA,
    SERVICE_ACCOUNT_SCHEMA,
    USER_SCHEMA,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.harness.operations import Document


@dataclass
class ModelUser:
    """A user by what a client has written of it; `manager` is an id."""

    user_name: str
    title: str = ""
    active: bool = True
    manager: str = ""


@dataclass
class ModelAccount:
    """A service account by what a client has written of it; `owner` is an id."""

    display_name: str
    active: bool = True
    owner: str = ""


@dataclass
class ModelGroup:
    """A group; members are ids of whatever there is."""

    display_name: str
    members: set[str] = field(default_factory=set)


@dataclass
class Directory:
    """Resources by id."""

    users: dict[str, ModelUser] = field(default_factory=dict)
    groups: dict[str, ModelGroup] = field(default_factory=dict)
    accounts: dict[str, ModelAccount] = field(default_factory=dict)

    def is_taken(self, user_name: str, by_other_than: str = "") -> bool:
        """Whether another user has the name, in any case."""
        return any(
            user.user_name.casefold() == user_name.casefold()
            for identifier, user in self.users.items()
            if identifier != by_other_than
        )

    def is_name_taken(self, display_name: str, by_other_than: str = "") -> bool:
        """Whether another service account has the name, in any case."""
        return any(
            account.display_name.casefold() == display_name.casefold()
            for identifier, account in self.accounts.items()
            if identifier != by_other_than
        )

    def parents(self, member: str) -> set[str]:
        """The groups that someone belongs to itself."""
        return {key for key, group in self.groups.items() if member in group.members}

    def ancestors(self, member: str) -> set[str]:
        """The groups that someone belongs to, itself or through others."""
        found: set[str] = set()
        frontier = self.parents(member)
        while frontier:
            found |= frontier
            frontier = set().union(*map(self.parents, frontier)) - found
        return found

    def delete(self, identifier: str) -> set[str]:
        """Removes a resource; the ids of the others that change with it."""
        touched = self.parents(identifier)
        for group in touched:
            self.groups[group].members.discard(identifier)
        for key, user in self.users.items():
            if user.manager == identifier:
                user.manager = ""
                touched.add(key)
        for key, account in self.accounts.items():
            if account.owner == identifier:
                account.owner = ""
                touched.add(key)
        self.users.pop(identifier, None)
        self.accounts.pop(identifier, None)
        self.groups.pop(identifier, None)
        return touched - {identifier}

    def shown_users(self) -> dict[str, Document]:
        """Every user as answers show it, without meta."""
        return {identifier: self._shown_user(identifier) for identifier in self.users}

    def shown_accounts(self) -> dict[str, Document]:
        """Every service account as answers show it, without meta."""
        return {identifier: self._shown_account(identifier) for identifier in self.accounts}

    def shown_groups(self) -> dict[str, Document]:
        """Every group as answers show it, without meta."""
        return {identifier: self._shown_group(identifier) for identifier in self.groups}

    def _shown_user(self, identifier: str) -> Document:
        user = self.users[identifier]
        shown: Document = {
            "schemas": [USER_SCHEMA],
            "id": identifier,
            "userName": user.user_name,
            "active": user.active,
        }
        if user.title:
            shown["title"] = user.title
        if user.manager:
            shown["schemas"].append(ENTERPRISE_SCHEMA)
            shown[ENTERPRISE_SCHEMA] = {"manager": {"value": user.manager}}
        if above := self.ancestors(identifier):
            shown["groups"] = self._shown_groups_of(identifier, above)
        return shown

    def _shown_account(self, identifier: str) -> Document:
        account = self.accounts[identifier]
        shown: Document = {
            "schemas": [SERVICE_ACCOUNT_SCHEMA],
            "id": identifier,
            "displayName": account.display_name,
            "active": account.active,
        }
        if account.owner:
            shown["owner"] = {"value": account.owner}
        if above := self.ancestors(identifier):
            shown["groups"] = self._shown_groups_of(identifier, above)
        return shown

    def _shown_groups_of(self, member: str, above: Iterable[str]) -> list[Document]:
        parents = self.parents(member)
        return [
            {
                "value": group,
                "display": self.groups[group].display_name,
                "type": "direct" if group in parents else "indirect",
            }
            for group in sorted(above)
        ]

    def _shown_group(self, identifier: str) -> Document:
        group = self.groups[identifier]
        shown: Document = {
            "schemas": [GROUP_SCHEMA],
            "id": identifier,
            "displayName": group.display_name,
        }
        if group.members:
            shown["members"] = [self._shown_member(each) for each in sorted(group.members)]
        return shown

    def _shown_member(self, identifier: str) -> Document:
        if identifier in self.users:
            return {"value": identifier, "type": "User"}
        is_account = identifier in self.accounts
        resource = self.accounts[identifier] if is_account else self.groups[identifier]
        kind = "ServiceAccount" if is_account else "Group"
        return {"value": identifier, "type": kind, "display": resource.display_name}
