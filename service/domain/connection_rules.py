"""What an administrator may make of a SCIM connection: its fields, checked and put in form."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from rollbook.dialects import DIALECT_NAMES, UNKNOWN_ATTRIBUTES
from rollbook.v1.connection_pb2 import AdoptionPolicy, Connection
from service.domain import field_masks
from service.domain.errors import invalid_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_CONNECTIONS: Final = 50
"""How many connections a tenant has."""

MAX_NAME: Final = 100
MAX_ENTRIES: Final = 100
"""How many networks, and how many redirect URIs, a connection has."""

_MAX_URI: Final = 2_000

CHANGEABLE: Final = (
    "name",
    "enabled",
    "dialect",
    "require_email_user_names",
    "adoption",
    "lock_synced",
    "ip_allow_list",
    "redirect_uris",
    "makes_administrators",
    "unknown_attributes",
)
"""The fields that are an administrator's to set."""


def completed(given: Connection) -> Connection:
    """What a new connection is to be, with defaults for what is not set. Raises INVALID_VALUE."""
    return checked(field_masks.merged(Connection(), given, CHANGEABLE))


def updated(before: Connection, given: Connection, mask: Sequence[str]) -> Connection:
    """A connection with the fields that the mask names replaced: "*" names all, an empty mask those
    that are set. Raises INVALID_PATH, INVALID_VALUE."""
    return checked(field_masks.updated(before, given, mask, CHANGEABLE, "a connection"))


def checked(connection: Connection) -> Connection:
    """The same in its canonical form, with every field set. Raises INVALID_VALUE."""
    if not connection.HasField("enabled"):
        connection.enabled = True
    connection.name = _name(connection.name)
    connection.dialect = _dialect(connection.dialect)
    connection.require_email_user_names = connection.require_email_user_names
    connection.lock_synced = connection.lock_synced
    connection.makes_administrators = connection.makes_administrators
    connection.unknown_attributes = _unknown_attributes(connection.unknown_attributes)
    connection.adoption = _adoption(connection.adoption)
    networks = _each(connection.ip_allow_list, "ip_allow_list", _network)
    uris = _each(connection.redirect_uris, "redirect_uris", _redirect_uri)
    connection.ClearField("ip_allow_list")
    connection.ClearField("redirect_uris")
    connection.ip_allow_list.extend(networks)
    connection.redirect_uris.extend(uris)
    return connection


def _name(text: str) -> str:
    trimmed = text.strip()
    if not trimmed or len(trimmed) > MAX_NAME or not trimmed.isprintable():
        raise invalid_value(
            "name", f"name tells connections apart, in 1 to {MAX_NAME} printable characters."
        )
    return trimmed


def _dialect(name: str) -> str:
    if name and name not in DIALECT_NAMES:
        raise invalid_value(
            "dialect", f"{name[:100]!r} is no dialect; there are {', '.join(DIALECT_NAMES)}."
        )
    return name


def _unknown_attributes(policy: str) -> str:
    if policy and policy not in UNKNOWN_ATTRIBUTES:
        raise invalid_value(
            "unknown_attributes",
            f"unknown_attributes is one of {', '.join(UNKNOWN_ATTRIBUTES)}, not {policy[:100]!r}.",
        )
    return policy


def _adoption(policy: AdoptionPolicy.ValueType) -> AdoptionPolicy.ValueType:
    if policy == AdoptionPolicy.ADOPTION_POLICY_UNSPECIFIED:
        return AdoptionPolicy.ADOPTION_POLICY_REFUSE
    if policy not in AdoptionPolicy.values():
        raise invalid_value("adoption", f"{policy} is no adoption policy.")
    return policy


def _each(texts: Sequence[str], field: str, check: Callable[[str], str]) -> list[str]:
    if len(texts) > MAX_ENTRIES:
        raise invalid_value(field, f"{field} has {len(texts)} entries; {MAX_ENTRIES} are the most.")
    return list(dict.fromkeys(map(check, texts)))


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip()))
    except ValueError as error:
        raise invalid_value(
            "ip_allow_list",
            f"{text[:100]!r} is no network such as 192.0.2.0/24 or 2001:db8::/32: {error}",
        ) from None


def _redirect_uri(text: str) -> str:
    """A redirect URI is compared as a whole: RFC 6749 §3.1.2 wants it absolute and without a
    fragment; plain HTTP does for the loopback interface alone (RFC 8252 §7.3)."""
    problem = _problem_of_uri(text)
    if problem:
        raise invalid_value("redirect_uris", f"{text[:200]!r} is no redirect URI: {problem}.")
    return text


def _problem_of_uri(text: str) -> str:
    if len(text) > _MAX_URI or not text.isascii() or not text.isprintable() or " " in text:
        return f"it is not of at most {_MAX_URI} visible ASCII characters"
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return "it cannot be read"
    if not host or parts.scheme not in {"http", "https"}:
        return "it does not begin with https:// and a host"
    if parts.scheme == "http" and host not in {"localhost", "127.0.0.1", "::1"}:
        return "only addresses of the same machine go without https"
    return "it has a fragment" if "#" in text else ""
