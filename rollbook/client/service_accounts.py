"""Calls on service accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from rollbook.attributes import SERVICE_ACCOUNT
from rollbook.client.resources import Accounts, Contract
from rollbook.v1 import service_account_service_pb2
from rollbook.v1.service_account_pb2 import ServiceAccount
from rollbook.v1.service_account_service_pb2 import (
    BatchGetServiceAccountsResponse,
    ListServiceAccountsResponse,
)
from rollbook.v1.service_account_service_pb2_grpc import ServiceAccountServiceStub

if TYPE_CHECKING:
    from rollbook.client.options import ReadOptions


class ServiceAccounts(
    Accounts[ServiceAccount, ListServiceAccountsResponse, BatchGetServiceAccountsResponse]
):
    """Creates, finds, changes and deletes service accounts; their API keys are made by `Tokens`."""

    _contract = Contract(SERVICE_ACCOUNT, service_account_service_pb2, ServiceAccountServiceStub)

    async def lookup(
        self,
        *,
        display_name: str | None = None,
        external_id: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> ServiceAccount:
        """The one service account with that displayName (in any case) or externalId (exactly).
        Raises NotFoundError; InvalidRequestError (TOO_MANY) when several have it; TypeError unless
        one key is given."""
        return await self._lookup(options, display_name=display_name, external_id=external_id)
