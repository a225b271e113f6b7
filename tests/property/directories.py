"""Directories of made-up resources, a tenant each, whose values hold what goes wrong easily."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from rollbook.attributes import GROUP, SERVICE_ACCOUNT, USER, Attribute, AttributeType, ResourceType
from service.domain.etag import of_version
from service.storage import resources
from service.storage.derived import View
from tests.property.device import DEVICE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

WORDS: Final = (
    *("a", "A", "ab", "aB", "abc", "b", "work", "WORK", "home", "100%", "100_", "1000", "a%b"),
    *("a\\b", "\\", "'", '"', "it's", " a", "a ", "ß", "ss", "SS", "İ", "i̇", "ı", "I", "ﬀ", "FF"),
    *("é", "e\u0301", "E\u0301", "Å", "\u212b", "ά", "Σ", "ς", "σ", "\ud7ff", "\ue000", "\uffff"),
    *("\U0001f600", "\U0010ffff", "a\U0010ffff", "\u0345", "ﷺ", "", "true", "0", "1"),
    *("urn:example:x", "Ada Lovelace", "ada", "lovelace"),
)
BINARY: Final = (b"", b"\0", b"\xfb\xff", b"abc", b"abcd")
INTEGERS: Final = (0, -1, 1, 2, 10, 2**53 + 1, 2**63 - 1, -(2**63))
DECIMALS: Final = (0.0, -0.0, 0.1, 1.0, 1.5, -1e-300, 1e22, 2.0**53, 1.7976931348623157e308)
SECONDS: Final = (-62135596800, -1, 0, 1_700_000_000, 253402300799)
NANOS: Final = (0, 1, 999, 1000, 123456000, 123456789, 999_999_999)
MICROSECONDS: Final = (0, 1, 123456, 999999)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Directory:
    """A tenant with its complete resources of each type, as clients see them."""

    tenant_id: UUID
    resources: dict[str, dict[UUID, Any]]


class _Maker:
    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.ids = [UUID(int=self._random.getrandbits(128)) for _ in range(90)]

    def resource(self, resource_type: ResourceType, id_: UUID) -> Any:
        resource: Any = resource_type.message()
        resource.id = str(id_)
        if self._random.random() < 0.5:
            resource.external_id = self._random.choice(WORDS)
        schema = resource_type.schema
        self._fill(resource, [a for a in schema.attributes if a.name not in _SET_BY_SERVICE])
        for extension in resource_type.extensions:
            if self._random.random() < 0.5:
                own = [each for each in extension.schema.attributes if not each.derived]
                self._fill(getattr(resource, extension.field), own)
        if resource_type is USER:
            resource.user_name = f"{self._random.choice(WORDS)}{id_.hex[:4]}"
        if resource_type is GROUP:
            resource.display_name = self._random.choice([word for word in WORDS if word])
        if resource_type is SERVICE_ACCOUNT:
            resource.display_name = f"{self._random.choice(WORDS)}{id_.hex[:4]}"
        return resource

    def _fill(self, message: Any, attributes: Any) -> None:
        for attribute in attributes:
            if attribute.multi_valued:
                values = getattr(message, attribute.field)
                for _ in range(self._random.choice((0, 0, 1, 1, 2, 3))):
                    if attribute.sub_attributes:
                        self._fill(values.add(), attribute.sub_attributes)
                    else:
                        values.append(self._value(attribute))
            elif self._random.random() < 0.4:
                self._set(message, attribute)

    def _set(self, message: Any, attribute: Attribute) -> None:
        if attribute.name in _NAMED_BY_SERVICE and attribute.mutability == "readOnly":
            return
        if attribute.sub_attributes:
            getattr(message, attribute.field).SetInParent()
            self._fill(getattr(message, attribute.field), attribute.sub_attributes)
        elif attribute.type is AttributeType.DATE_TIME:
            getattr(message, attribute.field).CopyFrom(self._value(attribute))
        else:
            setattr(message, attribute.field, self._value(attribute))

    def _value(self, attribute: Attribute) -> Any:
        if attribute.type is AttributeType.DATE_TIME:
            seconds, nanos = self._random.choice(SECONDS), self._random.choice(NANOS)
            return Timestamp(seconds=seconds, nanos=nanos)
        if attribute.canonical_values and self._random.random() < 0.8:
            return self._random.choice(attribute.canonical_values)
        is_id = attribute.name == "value" and attribute.type is AttributeType.STRING
        if is_id and attribute.case_exact and self._random.random() < 0.5:
            return str(self._random.choice(self.ids))
        return self._random.choice(_VALUES.get(attribute.type, WORDS))

    def time(self) -> datetime:
        seconds, micros = self._random.choice(SECONDS), self._random.choice(MICROSECONDS)
        return EPOCH + timedelta(seconds=seconds, microseconds=micros)

    def members(self, group_id: UUID) -> list[UUID]:
        """Users, service accounts and groups, in cycles too."""
        count = self._random.choice((0, 0, 1, 2, 3))
        return [id_ for id_ in self._random.sample(self.ids[:80], count) if id_ != group_id]


_VALUES: Final[dict[AttributeType, Sequence[Any]]] = {
    AttributeType.BOOLEAN: (False, True),
    AttributeType.INTEGER: INTEGERS,
    AttributeType.DECIMAL: DECIMALS,
    AttributeType.BINARY: BINARY,
}
_NAMED_BY_SERVICE: Final = {"$ref", "displayName", "display", "active"}
_SET_BY_SERVICE: Final = {"id", "externalId", "meta", "groups", "members"}


async def serve(connection: asyncpg.Connection[Any], tenant_id: UUID) -> None:
    """Let a connection see the rows of a tenant from now on."""
    await connection.execute(f"SET rollbook.tenant_id = '{tenant_id}'")


async def make_directory(connection: asyncpg.Connection[Any], seed: int) -> Directory:
    """Stores 40 users, 20 groups, 20 service accounts and 60 devices; some of the ids in them name
    nobody. The connection serves their tenant from then on."""
    maker, tenant_id = _Maker(seed), UUID(int=seed)
    await serve(connection, tenant_id)
    await connection.execute(
        "INSERT INTO tenants (tenant_id, name) VALUES ($1, $2)", tenant_id, f"tenant {seed}"
    )
    users, groups, accounts = maker.ids[:40], maker.ids[40:60], maker.ids[60:80]
    devices = [UUID(int=seed << 64 | number) for number in range(60)]
    kinds = ((USER, users), (GROUP, groups), (SERVICE_ACCOUNT, accounts), (DEVICE, devices))
    for resource_type, ids in kinds:
        for id_ in ids:
            await resources.insert(
                connection,
                tenant_id,
                resource_type,
                id_,
                maker.resource(resource_type, id_),
                maker.time(),
            )
    for group_id in groups:
        await connection.executemany(
            "INSERT INTO members (tenant_id, group_id, member_id) VALUES ($1, $2, $3)",
            [(tenant_id, group_id, member_id) for member_id in maker.members(group_id)],
        )
    stored = {}
    for resource_type, ids in kinds:
        read = _read_devices if resource_type is DEVICE else _read
        stored[resource_type.name] = await read(connection, tenant_id, resource_type, ids)
    return Directory(tenant_id, stored)


async def _read(
    connection: asyncpg.Connection[Any], tenant_id: UUID, kind: ResourceType, ids: Sequence[UUID]
) -> dict[UUID, Any]:
    forms = await resources.get_many(connection, tenant_id, kind, ids, View())
    return {id_: kind.message.FromString(form) for id_, form in forms.items()}


async def _read_devices(
    connection: asyncpg.Connection[Any], tenant_id: UUID, kind: ResourceType, _: Sequence[UUID]
) -> dict[UUID, Any]:
    """Devices are no resources of the contract, so the service cannot complete them."""
    rows = await connection.fetch(
        "SELECT * FROM resources WHERE tenant_id = $1 AND resource_type = $2", tenant_id, kind.name
    )
    found: dict[UUID, Any] = {row["id"]: kind.message.FromString(row["message"]) for row in rows}
    for row in rows:
        meta = found[row["id"]].meta
        meta.resource_type, meta.etag = kind.name, of_version(row["version"])
        meta.create_time.FromDatetime(row["create_time"])
        meta.update_time.FromDatetime(row["update_time"])
    return found
