"""What OpenID providers say of themselves (OpenID Connect Discovery 1.0), fetched and kept."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service.federation.documents import DocumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.federation.documents import Documents

FRESH_SECONDS: Final = 600.0
"""How long a configuration is believed without asking."""

STALE_SECONDS: Final = 86_400.0
"""How long while the provider cannot be asked."""

PAUSE_SECONDS: Final = 10.0
"""Between two attempts: anybody can begin to sign in."""

MAX_HELD: Final = 1_000

_PATH: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Where a provider is, how clients prove themselves to it (`secret_in_form`: by
    client_secret_post, as it does not know client_secret_basic), and whether it says who answers
    (`names_itself`, RFC 9207). `user_info_endpoint` is empty when there is none."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    user_info_endpoint: str
    secret_in_form: bool
    names_itself: bool


@dataclass(slots=True)
class _Held:
    """A configuration, when it came, and when it was last asked for in vain and why."""

    configuration: Configuration | None = None
    fetch_time: float = float("-inf")
    failure_time: float = float("-inf")
    failure: str = ""


class Configurations:
    """The configurations of all providers, for one event loop. `clock` tells seconds."""

    def __init__(self, documents: Documents, clock: Callable[[], float] = time.monotonic) -> None:
        self._documents = documents
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._fetching: dict[str, asyncio.Task[None]] = {}

    async def find(self, issuer: str) -> Configuration:
        """The configuration of a provider. Raises DocumentError."""
        held = self._held.get(issuer)
        if held is None or self._is_wanting(held):
            await self._fetched(issuer)
            held = self._held.get(issuer, _Held(failure=f"{issuer} was not asked"))
        if held.configuration is None or self._clock() - held.fetch_time > STALE_SECONDS:
            raise DocumentError(held.failure)
        return held.configuration

    async def close(self) -> None:
        """Ask no more."""
        tasks = list(self._fetching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_wanting(self, held: _Held) -> bool:
        now = self._clock()
        return now - held.fetch_time > FRESH_SECONDS and now - held.failure_time > PAUSE_SECONDS

    async def _fetched(self, issuer: str) -> None:
        """Those who come at once wait for one answer, and who gives up takes it from nobody."""
        task = self._fetching.get(issuer)
        if task is None:
            task = self._fetching[issuer] = asyncio.create_task(self._fetch(issuer))
            task.add_done_callback(lambda _: self._fetching.pop(issuer, None))
        await asyncio.shield(task)

    async def _fetch(self, issuer: str) -> None:
        held = self._held.pop(issuer, None) or _Held()
        self._held[issuer] = held
        while len(self._held) > MAX_HELD:
            del self._held[next(iter(self._held))]
        try:
            document = await self._documents.fetch(issuer.rstrip("/") + _PATH)
            held.configuration = self._read(issuer, document)
            held.fetch_time = self._clock()
        except DocumentError as error:
            held.failure, held.failure_time = str(error), self._clock()

    def _read(self, issuer: str, document: Mapping[str, Any]) -> Configuration:
        """Raises DocumentError."""
        # Exactly: a template, as that of Microsoft for all its tenants, is nobody (§4.3).
        if document.get("issuer") != issuer:
            raise DocumentError(f"the configuration of {issuer} names another issuer")
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return Configuration(
            self._endpoint(issuer, document, "authorization_endpoint"),
            self._endpoint(issuer, document, "token_endpoint"),
            self._endpoint(issuer, document, "jwks_uri"),
            self._endpoint(issuer, document, "userinfo_endpoint")
            if "userinfo_endpoint" in document
            else "",
            isinstance(methods, list)
            and "client_secret_basic" not in methods
            and "client_secret_post" in methods,
            document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _endpoint(self, issuer: str, document: Mapping[str, Any], name: str) -> str:
        url = document.get(name)
        if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
            raise DocumentError(f"the configuration of {issuer} has no {name}")
        self._documents.check(url)
        return url
