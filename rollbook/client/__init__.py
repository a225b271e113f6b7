"""The asynchronous client of the identity service.

    async with RollbookClient("127.0.0.1:50051", token="…") as rollbook:
        ada = await rollbook.users.lookup(user_name="ada@acme.example")
        async for user in rollbook.users.list(filter=where("title") == "CTO"):
            ...
        await rollbook.users.patch(ada.id, [replace("displayName", "Ada")])

The generated messages (`rollbook.v1`) are its values, the exceptions are in `rollbook.errors`.
"""

from __future__ import annotations

from rollbook.client.basic_logins import BasicLogins
from rollbook.client.channel import TLS
from rollbook.client.client import RollbookClient
from rollbook.client.directory import Directory
from rollbook.client.filters import Condition, Operand, ascending, descending, where
from rollbook.client.groups import Groups
from rollbook.client.issuers import Issuers
from rollbook.client.listing import Listing
from rollbook.client.oauth import OAuthClients
from rollbook.client.patches import Change, add, remove, replace
from rollbook.client.paths import ENTERPRISE, ORIGIN
from rollbook.client.schemas import Schemas
from rollbook.client.scim_connections import ScimConnections
from rollbook.client.service_accounts import ServiceAccounts
from rollbook.client.tenants import Tenants
from rollbook.client.tokens import Tokens
from rollbook.client.users import Users
from rollbook.client.workloads import Workloads

__all__ = [
    "ENTERPRISE",
    "ORIGIN",
    "TLS",
    "BasicLogins",
    "Change",
    "Condition",
    "Directory",
    "Groups",
    "Issuers",
    "Listing",
    "OAuthClients",
    "Operand",
    "RollbookClient",
    "Schemas",
    "ScimConnections",
    "ServiceAccounts",
    "Tenants",
    "Tokens",
    "Users",
    "Workloads",
    "add",
    "ascending",
    "descending",
    "remove",
    "replace",
    "where",
]
