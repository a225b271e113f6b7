"""Credentials of every kind, right and wrong, each with what it is good for."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from rollbook.access import BY_ROLE, EVERY_SCOPE, Scope
from rollbook.client import RollbookClient, remove
from rollbook.tokens import new_token
from rollbook.v1.connection_pb2 import Connection
from rollbook.v1.service_account_pb2 import ServiceAccount
from rollbook.v1.user_pb2 import Role, User
from tests.harness.instance import BASIC_CREDENTIALS, BASIC_USER, TOKEN, connect_as_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

OWN: Final = EVERY_SCOPE - {Scope.PLATFORM}
ADMINISTRATOR: Final = Role(type="account_type", value="admin")
MISSING: Final = "CREDENTIALS_MISSING"
INVALID: Final = "CREDENTIALS_INVALID"


@dataclass(frozen=True)
class Given:
    """An `authorization` header (None: there is none), and what it makes of the caller: the
    scopes, or the reason of the refusal; `scim` is what it is refused for over SCIM alone, and
    `scim_after` for what it has the scope for; `tenant` is whose it is. With a certificate, which
    comes with the handshake, there is no header."""

    title: str
    header: str | None
    scopes: frozenset[Scope] = frozenset()
    refusal: str = ""
    scim: str = ""
    scim_after: str = ""
    tenant: str = "default"
    is_suspended: bool = False
    is_certificate: bool = False


class Minted:
    """Tokens that the service made: one for each scope alone, one for all, those of users and of
    SCIM connections, and ended ones."""

    def __init__(
        self,
        good: dict[str, tuple[str, frozenset[Scope]]],
        others: Sequence[Given],
        ended: dict[str, str],
    ) -> None:
        self._good = good
        self._others = others
        self._ended = ended

    @classmethod
    async def by(cls, service: str, database_url: str, others: Sequence[Given]) -> Minted:
        """Asks the service at an address for them; what time does is done in its database.
        `others` are credentials that are no tokens."""
        wanted = {f"a token for {scope} alone": frozenset({scope}) for scope in Scope}
        wanted |= {f"a token for all but {scope}": EVERY_SCOPE - {scope} for scope in Scope}
        good = {"an administrator's token": (TOKEN, EVERY_SCOPE)}
        async with RollbookClient(service, token=TOKEN) as rollbook:
            for title, scopes in wanted.items():
                made = await rollbook.tokens.create(title, scopes)
                good[title] = (made.secret, scopes)
            good |= {title: each async for title, each in _of_principals(rollbook)}
            others = [*others, *[each async for each in _of_connections(rollbook)]]
            others += [each async for each in _of_tenants(rollbook, service)]
            ended = {title: secret async for title, secret in _ended(rollbook)}
        connection = await connect_as_tenant(database_url)
        await connection.execute(
            "UPDATE credentials SET expire_time = now() - interval '1 s' WHERE name = 'expired'"
        )
        await connection.close()
        return cls(good, others, ended)

    @property
    def whole(self) -> str:
        """A token with a checksum that is good for everything but for platforms."""
        return self._good[f"a token for all but {Scope.PLATFORM}"][0]

    def all(self) -> Iterator[Given]:
        """Every kind of credential."""
        yield from self._others
        yield from self.right()
        yield from self.wrong()

    def right(self) -> Iterator[Given]:
        """Those that are somebody's."""
        for title, (token, scopes) in self._good.items():
            yield Given(title, f"Bearer {token}", scopes)
        for form in ("{}", "bearer {}", "BEARER {}", "bEaReR {}", "Bearer   {}", " Bearer {} "):
            yield Given(
                f"written {form!r}", form.format(self.whole), EVERY_SCOPE - {Scope.PLATFORM}
            )
        for scheme in ("Basic", "basic", "BASIC"):
            title = f"{scheme} credentials"
            scopes = frozenset({Scope.SCIM, Scope.DIRECTORY_READ, Scope.DIRECTORY_WRITE})
            yield Given(title, f"{scheme} {BASIC_CREDENTIALS}", scopes)

    def wrong(self) -> Iterator[Given]:
        """Those that are nobody's."""
        yield Given("none", None, refusal=MISSING)
        yield Given("an empty header", "", refusal=MISSING)
        yield Given("blanks", "   ", refusal=MISSING)
        for title, header in {**self._malformed(), **self._look_alikes()}.items():
            yield Given(title, header, refusal=INVALID)

    def truncated(self) -> Iterator[Given]:
        """The whole token, shorter by all there is to cut off."""
        for length in range(len(self.whole)):
            yield Given(f"cut to {length}", f"Bearer {self.whole[:length]}", refusal=INVALID)

    def flipped(self) -> Iterator[Given]:
        """The whole token with one bit turned round, anywhere."""
        for place, letter in enumerate(self.whole):
            for bit in range(7):
                other = chr(ord(letter) ^ 1 << bit)
                if other.isprintable() and not other.isspace():
                    text = self.whole[:place] + other + self.whole[place + 1 :]
                    yield Given(f"bit {bit} of letter {place}", f"Bearer {text}", refusal=INVALID)

    def _malformed(self) -> dict[str, str]:
        return {
            "a scheme alone": "Bearer",
            "another scheme": f"Digest {self.whole}",
            "nonsense": "Bearer nonsense",
            "two tokens": f"Bearer {self.whole} {self.whole}",
            "a long header": "Bearer " + "x" * 8_000,
            "Basic alone": "Basic",
            "no base64": "Basic %%%",
            "no colon": _basic(BASIC_USER),
            "no UTF-8": "Basic " + base64.b64encode(b"\xff:\xff").decode(),
            "NUL": _basic("a\0b:c"),
            "a token as Basic": f"Basic {self.whole}",
        }

    def _look_alikes(self) -> dict[str, str]:
        return {
            **{title: f"Bearer {token}" for title, token in self._ended.items()},
            "a token of nobody": f"Bearer {new_token()}",
            "the hash of a token": f"Bearer {sha256(self.whole.encode()).hexdigest()}",
            "a token in capitals": f"Bearer {self.whole.upper()}",
            "a token without its prefix": f"Bearer {self.whole.removeprefix('rbk_')}",
            "a token cut short": f"Bearer {self.whole[:-1]}",
            "half a token": f"Bearer {self.whole[: len(self.whole) // 2]}",
            "a token with more": f"Bearer {self.whole}0",
            "a token with a bit turned round": f"Bearer {self.whole[:-1]}{_other(self.whole[-1])}",
            "a wrong password": _basic(f"{BASIC_USER}:wrong"),
            "a wrong user name": _basic("nobody:correct horse battery staple"),
            "no password": _basic(f"{BASIC_USER}:"),
        }


async def _of_user(rollbook: RollbookClient, name: str, *roles: Role) -> str:
    """A token of a new user for all that one may ask for."""
    user = await rollbook.users.create(User(user_name=name, roles=roles))
    return (await rollbook.tokens.create(name, OWN, principal_id=user.id)).secret


async def _of_principals(
    rollbook: RollbookClient,
) -> AsyncIterator[tuple[str, tuple[str, frozenset[Scope]]]]:
    """Tokens of users and service accounts for all that these may ask for, with what their roles
    make of it."""
    admin, other = ADMINISTRATOR, Role(type="department", value="admin")
    yield "a user's token", (await _of_user(rollbook, "ada"), OWN - BY_ROLE)
    yield "an administrator's own token", (await _of_user(rollbook, "root", admin), OWN)
    yield "a token of a user with a role", (await _of_user(rollbook, "bob", other), OWN - BY_ROLE)
    former = await _of_user(rollbook, "former", admin)
    former_id = (await rollbook.users.lookup(user_name="former")).id
    await rollbook.users.patch(former_id, [remove("roles")])
    yield "a former administrator's token", (former, OWN - BY_ROLE)
    for name, roles, scopes in (("plain", [], OWN - BY_ROLE), ("admin", [admin], OWN)):
        account = await rollbook.service_accounts.create(
            ServiceAccount(display_name=name, roles=roles)
        )
        made = await rollbook.tokens.create(name, OWN, principal_id=account.id)
        yield f"a key of a service account ({name})", (made.secret, scopes)


async def _of_connections(rollbook: RollbookClient) -> AsyncIterator[Given]:
    """Tokens of SCIM connections: one that is as any, one that is switched off, and one that
    others than this machine provision by."""
    for title, fields, scim, scim_after in (
        ("a connection", {}, "", ""),
        ("a switched-off connection", {"enabled": False}, "SCIM_DISABLED", ""),
        (
            "a connection from elsewhere",
            {"ip_allow_list": ["192.0.2.0/24"]},
            "",
            "ADDRESS_NOT_ALLOWED",
        ),
    ):
        options: dict[str, Any] = dict(fields)
        made = await rollbook.connections.create(Connection(name=title, **options))
        token = await rollbook.tokens.create(title, [Scope.SCIM], connection_id=made.id)
        yield Given(
            f"a token of {title}",
            f"Bearer {token.secret}",
            frozenset({Scope.SCIM}),
            scim=scim,
            scim_after=scim_after,
        )


async def _of_tenants(rollbook: RollbookClient, service: str) -> AsyncIterator[Given]:
    """Tokens of another tenant, for everything and for SCIM, and of one that is suspended."""
    for name, scopes in (("other", EVERY_SCOPE), ("other-scim", {Scope.SCIM}), ("gone", OWN)):
        tenant = name.removesuffix("-scim")
        if name == tenant:
            await rollbook.tenants.create(name)
        async with RollbookClient(service, token=TOKEN, tenant=tenant) as client:
            made = await client.tokens.create(name, scopes)
        header, is_gone = f"Bearer {made.secret}", tenant == "gone"
        title = f"a token of the tenant {name}"
        yield Given(title, header, frozenset(scopes), tenant=tenant, is_suspended=is_gone)
    await rollbook.tenants.suspend("gone")


async def _ended(rollbook: RollbookClient) -> AsyncIterator[tuple[str, str]]:
    """Tokens that were good once; one is to expire yet."""
    yield "an expired token", (await rollbook.tokens.create("expired", EVERY_SCOPE)).secret
    revoked = await rollbook.tokens.create("revoked", EVERY_SCOPE)
    await rollbook.tokens.revoke(revoked.token.id)
    yield "a revoked token", revoked.secret
    replaced = await rollbook.tokens.create("replaced", EVERY_SCOPE)
    await rollbook.tokens.rotate(replaced.token.id, overlap=timedelta(0))
    yield "a replaced token", replaced.secret
    for title, end in (
        ("deactivated", rollbook.users.deactivate),
        ("deleted", rollbook.users.delete),
        ("reactivated", partial(_restart, rollbook)),
    ):
        secret = await _of_user(rollbook, title)
        await end((await rollbook.users.lookup(user_name=title)).id)
        yield f"a token of a {title} user", secret


async def _restart(rollbook: RollbookClient, user_id: str) -> None:
    await rollbook.users.deactivate(user_id)
    await rollbook.users.activate(user_id)


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def _other(letter: str) -> str:
    return "1" if letter == "0" else "0"
