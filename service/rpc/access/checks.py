"""Methods of AccessService that are answered from memory: checks, and what principals have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from rollbook.attributes import USER
from rollbook.v1 import access_pb2, access_service_pb2
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.directory.access import checks as access_checks
from service.directory.access.cache import UnknownPrincipalError
from service.directory.access.checks import Decision, role_of
from service.directory.paging import page_size_of
from service.directory.reading import identifier_of, not_found
from service.domain.access.graph import NEVER, RolesPage
from service.domain.access.role_catalogue import RoleKey
from service.domain.errors import DomainError, invalid_value
from service.domain.membership import parse_id
from service.domain.search import page_token
from service.domain.search.folding import fold
from service.domain.search.page_token import Position
from service.domain.timestamps import timestamp
from service.storage.database import NO_TENANT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from service.directory.access.cache import CachedPrincipals
    from service.directory.access.looks import AccessLooks
    from service.domain.access.graph import Effective
    from service.domain.access.revisions import Revisions
    from service.rpc.calls import Answer, Call

Found = TypeVar("Found")

MAX_CHECKS: Final = 1_000
"""How many checks one call makes."""

MAX_PRINCIPALS: Final = 100
"""Of how many principals one call lists the roles."""

MAX_ROLES: Final = 1_000
"""How many roles of each principal a call on several lists."""

_RESULTS: Final = {
    decision: access_service_pb2.CheckAccessResponse(
        allowed=decision is Decision.GRANTED, reason=reason
    )
    for decision, reason in (
        (Decision.GRANTED, access_pb2.ACCESS_REASON_GRANTED),
        (Decision.NOT_GRANTED, access_pb2.ACCESS_REASON_NOT_GRANTED),
        (Decision.INACTIVE, access_pb2.ACCESS_REASON_PRINCIPAL_INACTIVE),
        (Decision.UNKNOWN, access_pb2.ACCESS_REASON_PRINCIPAL_NOT_FOUND),
    )
}
_WIRE: Final = {decision: each.SerializeToString() for decision, each in _RESULTS.items()}


class AccessCheckMethods:
    """Checks access and membership, and lists effective roles."""

    def __init__(
        self, looks: AccessLooks, revisions: Revisions, check_past: Answer, page_key: bytes
    ) -> None:
        self._looks = looks
        self._revisions = revisions
        self._check_past = check_past
        self._page_key = page_key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "CheckAccess": self.check,
            "BatchCheckAccess": self.batch_check,
            "CheckMembership": self.check_membership,
            "ListEffectiveRoles": self.list_roles,
            "BatchListEffectiveRoles": self.batch_list_roles,
        }

    async def check(self, request: Any, call: Call) -> bytes:
        """Whether a principal has a role."""
        if request.HasField("as_of"):
            return await self._check_past(request, call)
        role = role_of(request.type, request.value)
        identifier = parse_id(request.principal_id)

        def work(principals: CachedPrincipals) -> Decision:
            return access_checks.decide(principals, identifier, role)

        ids = () if identifier is None else (identifier,)
        return _WIRE[await self._answer(request, call, ids, work)]

    async def batch_check(self, request: Any, call: Call) -> bytes:
        """Several checks of one moment."""
        _check_number("checks", request.checks, MAX_CHECKS)
        if any(each.at_least_as_fresh or each.HasField("as_of") for each in request.checks):
            raise invalid_value(
                "checks",
                "Checks of a batch are all of the present, and at_least_as_fresh is said for all.",
            )
        checks = [
            (parse_id(each.principal_id), role_of(each.type, each.value)) for each in request.checks
        ]

        def work(principals: CachedPrincipals) -> list[Decision]:
            return [access_checks.decide(principals, *each) for each in checks]

        ids = list({identifier for identifier, _ in checks if identifier is not None})
        decisions = await self._answer(request, call, ids, work)
        return access_service_pb2.BatchCheckAccessResponse(
            results=[_RESULTS[decision] for decision in decisions]
        ).SerializeToString()

    async def check_membership(self, request: Any, call: Call) -> bytes:
        """Whether a principal belongs to a group."""
        identifier, group_id = parse_id(request.principal_id), parse_id(request.group_id)
        if identifier is None or group_id is None:
            return b""

        def work(principals: CachedPrincipals) -> tuple[bool, bool]:
            return access_checks.is_member(principals, identifier, group_id)

        belongs, direct = await self._answer(request, call, (identifier,), work)
        return access_service_pb2.CheckMembershipResponse(
            is_member=belongs, direct=direct
        ).SerializeToString()

    async def list_roles(self, request: Any, call: Call) -> bytes:
        """One page of what a principal has."""
        identifier = identifier_of(USER, request.principal_id)
        role_type = request.type if request.HasField("type") else None
        size = max(1, page_size_of(request))
        digest = page_token.digest(
            call.method.encode(),
            call.tenant_id.bytes,
            identifier.bytes,
            b"" if role_type is None else b"=" + role_type.encode(),
        )
        after = self._position(request.page_token, digest, size)

        page = RolesPage(size + 1, after, _key_of(role_type))

        def work(principals: CachedPrincipals) -> list[Effective]:
            return access_checks.effective_roles(principals, identifier, page)

        try:
            roles = await self._answer(request, call, (identifier,), work)
        except UnknownPrincipalError:
            raise not_found(USER, request.principal_id) from None
        more = len(roles) > size
        return access_service_pb2.ListEffectiveRolesResponse(
            roles=map(_message, roles[:size]),
            next_page_token=self._token(roles[size - 1].key, digest, size) if more else "",
        ).SerializeToString()

    async def batch_list_roles(self, request: Any, call: Call) -> bytes:
        """What several principals have."""
        _check_number("principal_ids", request.principal_ids, MAX_PRINCIPALS)
        role_type = request.type if request.HasField("type") else None
        page = RolesPage(MAX_ROLES + 1, type_key=_key_of(role_type))
        wanted = {text: parse_id(text) for text in request.principal_ids}

        def work(principals: CachedPrincipals) -> dict[str, list[Effective]]:
            found = {}
            for text, identifier in wanted.items():
                if identifier is not None and _exists(principals, identifier):
                    found[text] = access_checks.effective_roles(principals, identifier, page)
            return found

        ids = [identifier for identifier in wanted.values() if identifier is not None]
        found = await self._answer(request, call, ids, work)
        return access_service_pb2.BatchListEffectiveRolesResponse(
            principals=[
                access_pb2.PrincipalRoles(
                    principal_id=text,
                    roles=map(_message, roles[:MAX_ROLES]),
                    truncated=len(roles) > MAX_ROLES,
                )
                for text, roles in found.items()
            ],
            missing_ids=[text for text in wanted if text not in found],
        ).SerializeToString()

    async def _answer(
        self,
        request: Any,
        call: Call,
        ids: Sequence[UUID],
        work: Callable[[CachedPrincipals], Found],
    ) -> Found:
        """As fresh as the request demands. Raises INVALID_VALUE."""
        revision = request.at_least_as_fresh
        transaction_id = self._revisions.transaction_of(call.tenant_id, revision)
        return await self._looks.answer(call.tenant_id, ids, work, transaction_id)

    def _position(self, token: str, digest: str, size: int) -> RoleKey | None:
        if not token:
            return None
        position = page_token.decode(token, digest, size, self._page_key)
        assert position.key is not None
        role_type, _, value = position.key.partition("\0")
        return RoleKey(role_type, value)

    def _token(self, key: RoleKey, digest: str, size: int) -> str:
        place = Position(f"{key.type}\0{key.value}", NO_TENANT)
        return page_token.encode(place, digest, size, self._page_key)


def _key_of(role_type: str | None) -> str | None:
    return None if role_type is None else fold(role_type)


def _exists(principals: CachedPrincipals, identifier: UUID) -> bool:
    try:
        principals.held(identifier)
    except UnknownPrincipalError:
        return False
    return True


def _check_number(field: str, given: Sequence[object], most: int) -> None:
    if len(given) > most:
        raise DomainError(
            ErrorReason.ERROR_REASON_TOO_MANY,
            f"{len(given)} {field} were given; {most} are the most at once.",
            field=field,
        )


def _message(role: Effective) -> access_pb2.EffectiveRole:
    return access_pb2.EffectiveRole(
        type=role.type,
        value=role.value,
        display=role.display,
        direct=role.direct,
        implied=role.implied,
        expire_time=timestamp(_moment(role.until)),
    )


def _moment(seconds: float) -> datetime | None:
    return None if seconds == NEVER else datetime.fromtimestamp(seconds, UTC)
