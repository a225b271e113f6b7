"""Methods of PasswordService."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import USER
from rollbook.v1.password_service_pb2 import SetPasswordResponse, VerifyPasswordResponse
from rollbook.v1.user_pb2 import User
from service.directory import reading, writing
from service.directory.writing import Writer
from service.domain.errors import invalid_value
from service.domain.membership import parse_id
from service.rpc.gate.gateways import site_of
from service.storage import passwords
from service.storage.derived import BARE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from service.passwords import PasswordHasher
    from service.rpc.calls import Answer, Call
    from service.rpc.gate.user_passwords import UserPasswords
    from service.rpc.writes import Writes
    from service.storage.database import Connection

MIN_LENGTH: Final = 8
"""The shortest password that an administrator may set, in characters (NIST SP 800-63B §5.1.1)."""


class PasswordMethods:
    """Checks and sets passwords of users."""

    def __init__(
        self, user_passwords: UserPasswords, hasher: PasswordHasher, writes: Writes
    ) -> None:
        self._passwords = user_passwords
        self._hasher = hasher
        self._writes = writes

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {"VerifyPassword": self.verify, "SetPassword": self.set}

    async def verify(self, request: Any, call: Call) -> bytes:
        """Whether a password is right."""
        user = _named(request)
        user_id = await self._passwords.verify(
            call.tenant_id,
            # An id that is none is the name of nobody: it is not refused any faster.
            (parse_id(user) if request.HasField("user_id") else user) or "",
            request.password,
            client=_client(request.client_address),
            caller=str(call.caller.credential_id),
        )
        return VerifyPasswordResponse(
            valid=user_id is not None, user_id=str(user_id or "")
        ).SerializeToString()

    async def set(self, request: Any, call: Call) -> bytes:
        """A new password, or none."""
        named = _named(request)
        if request.password and len(request.password) < MIN_LENGTH:
            raise invalid_value("password", f"A password has {MIN_LENGTH} characters or more.")
        fingerprint = self._writes.fingerprint(request)
        hashed = await self._hasher.hash(request.password) if request.password else None

        async def work(connection: Connection) -> bytes:
            identifier = await _user_id(connection, call.tenant_id, request, named)
            kind = call.schemas.resource_type(USER.name)
            writer = Writer(connection, call.author, call.schemas, kind, BARE)
            resource = kind.message(id=str(identifier), password=hashed)
            answer = await writing.update(writer, identifier, resource, ["password"], request.etag)
            etag = User.FromString(answer).meta.etag
            return SetPasswordResponse(user_id=str(identifier), etag=etag).SerializeToString()

        return await self._writes.run(call, request, fingerprint, work)


def _named(request: Any) -> str:
    """The id or userName that a request has. Raises INVALID_VALUE."""
    field = request.WhichOneof("user")
    named: str = getattr(request, field) if field else ""
    if not named:
        raise invalid_value("user", "Say which user, by user_name or user_id.")
    return named


async def _user_id(connection: Connection, tenant_id: UUID, request: Any, named: str) -> UUID:
    """The id of the user that a request names. Raises USER_NOT_FOUND."""
    if request.HasField("user_id"):
        return reading.identifier_of(USER, named)
    found = await passwords.of_user(connection, tenant_id, named)
    if found is None:
        raise reading.not_found(USER, named)
    return found.user_id


def _client(address: str) -> str:
    """The name that the attempts from an address are counted under; empty when none is given.
    Raises INVALID_VALUE."""
    if not address:
        return ""
    try:
        return site_of(ip_address(address))
    except ValueError:
        raise invalid_value("client_address", "client_address must be an IP address.") from None
