"""Calls on users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from rollbook.attributes import USER
from rollbook.client.resources import Accounts, Contract
from rollbook.metadata import ORIGIN
from rollbook.v1 import user_service_pb2
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import BatchGetUsersResponse, ListUsersResponse
from rollbook.v1.user_service_pb2_grpc import UserServiceStub

if TYPE_CHECKING:
    from rollbook.client.options import CreateOptions, ReadOptions


class Users(Accounts[User, ListUsersResponse, BatchGetUsersResponse]):
    """Creates, finds, changes and deletes users."""

    _contract = Contract(USER, user_service_pb2, UserServiceStub)

    async def create(
        self, resource: User, *, imported: bool = False, **options: Unpack[CreateOptions]
    ) -> User:
        """Create a user and return it as stored, with its id; one that is `imported` from
        elsewhere says so as its origin. Raises AlreadyExistsError when its userName is taken,
        InvalidRequestError when a value is not valid or users come from SCIM alone."""
        return await self._create(resource, options, ((ORIGIN, "import"),) if imported else ())

    async def lookup(
        self,
        *,
        user_name: str | None = None,
        external_id: str | None = None,
        email: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> User:
        """The one user with that userName (in any case), externalId (exactly) or e-mail address
        (in any case). Raises NotFoundError; InvalidRequestError (TOO_MANY) when several have it;
        TypeError unless one key is given."""
        return await self._lookup(
            options, user_name=user_name, external_id=external_id, email=email
        )
