"""Where documents of issuers are had from, and which of their keys are used."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any, cast

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from service.federation.documents import DocumentError, Documents, Reach, is_within
from service.federation.key_sets import MAX_WAITING, PAUSE_SECONDS, STALE_SECONDS, KeySets, fits


@pytest.mark.parametrize(
    ("address", "reaches"),
    [
        ("8.8.8.8", "public private local"),
        ("2606:4700::1111", "public private local"),
        ("10.1.2.3", "private local"),
        ("192.168.1.1", "private local"),
        ("172.16.0.1", "private local"),
        ("fd00::1", "private local"),
        ("::ffff:10.1.2.3", "private local"),
        ("127.0.0.1", "local"),
        ("::1", "local"),
        ("::ffff:127.0.0.1", "local"),
        ("169.254.169.254", ""),
        ("::ffff:169.254.169.254", ""),
        ("fe80::1", ""),
        ("0.0.0.0", ""),
        ("::", ""),
        ("224.0.0.1", ""),
        ("ff02::1", ""),
        ("255.255.255.255", ""),
        ("240.0.0.1", ""),
    ],
)
def test_issuers_are_where_they_may_be(address: str, reaches: str) -> None:
    every: tuple[Reach, ...] = ("public", "private", "local")
    allowed = [reach for reach in every if is_within(reach, ipaddress.ip_address(address))]
    assert " ".join(allowed) == reaches


@pytest.mark.parametrize(
    ("reach", "url"),
    [
        ("public", "http://login.acme.example/keys"),
        ("private", "http://10.0.0.1/keys"),
        ("public", "https://10.0.0.1/keys"),
        ("public", "https://[::1]/keys"),
        ("public", "https://localhost/keys"),
        ("private", "https://localhost:1/keys"),
        ("local", "http://169.254.169.254/latest/meta-data"),
        ("local", "file:///etc/passwd"),
        ("local", "gopher://127.0.0.1/"),
    ],
)
async def test_nobody_is_asked_where_issuers_may_not_be(reach: str, url: str) -> None:
    documents = Documents(cast("Reach", reach))
    with pytest.raises(DocumentError, match=r"not https|may not have|cannot be read"):
        await documents.fetch(url)
    await documents.close()


class Shown:
    """Shows keys as an issuer does, or fails when there are none."""

    def __init__(self, keys: list[Any] | None) -> None:
        self.keys = keys
        self.asked = 0

    async def fetch(self, url: str) -> dict[str, Any]:
        self.asked += 1
        if self.keys is None:
            raise DocumentError(url)
        return {"keys": self.keys}


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def key_sets(shown: Shown, clock: Clock) -> KeySets:
    return KeySets(cast("Documents", shown), clock)


EC = ECKey.generate_key("P-256", {"kid": "ec"})
PUBLIC = EC.as_dict(private=False)


@pytest.mark.parametrize(
    "unusable",
    [
        {**PUBLIC, "use": "enc"},
        {**PUBLIC, "key_ops": ["encrypt"]},
        {**PUBLIC, "kid": 7},
        {name: value for name, value in PUBLIC.items() if name != "kid"},
        {**PUBLIC, "x": "AAAA"},
        {**PUBLIC, "crv": "P-999"},
        {**PUBLIC, "kty": "oct", "k": "AAAA"},
        {**PUBLIC, "key_ops": 7},
        EC.as_dict(private=True),
        OctKey.generate_key(256, {"kid": "ec"}).as_dict(),
        RSAKey.generate_key(1024, {"kid": "ec"}).as_dict(private=False),
        "text",
        None,
        [],
    ],
)
async def test_what_is_no_public_key_for_signatures_is_left_out(unusable: Any) -> None:
    other = ECKey.generate_key("P-256", {"kid": "other"}).as_dict(private=False)
    keys = key_sets(Shown([unusable, other]), Clock())
    assert await keys.find("i", "u", "ec") is None
    assert await keys.find("i", "u", "other") is not None


async def test_keys_are_asked_for_anew_but_not_all_the_time() -> None:
    shown, clock = Shown([PUBLIC]), Clock()
    keys = key_sets(shown, clock)
    assert await keys.find("i", "u", "ec")
    for _ in range(5):
        assert await keys.find("i", "u", "other") is None
    assert shown.asked == 1
    clock.now += PAUSE_SECONDS
    assert await keys.find("i", "u", "other") is None
    assert shown.asked == 2


async def test_keys_of_an_issuer_in_trouble_last_for_a_day() -> None:
    shown, clock = Shown([PUBLIC]), Clock()
    keys = key_sets(shown, clock)
    assert await keys.find("i", "u", "ec")
    shown.keys = None
    clock.now += STALE_SECONDS - 1
    assert await keys.find("i", "u", "ec")
    clock.now += 2
    assert await keys.find("i", "u", "ec") is None


def test_a_key_is_for_one_algorithm() -> None:
    rsa = RSAKey.generate_key(2048, {"kid": "r", "alg": "RS256"})
    assert [name for name in ("ES256", "ES384", "RS256", "EdDSA") if fits(EC, name)] == ["ES256"]
    assert [name for name in ("RS256", "PS256", "ES256") if fits(rsa, name)] == ["RS256"]


class Slow(Shown):
    """Answers when it is told to."""

    def __init__(self, keys: list[Any]) -> None:
        super().__init__(keys)
        self.go = asyncio.Event()

    async def fetch(self, url: str) -> dict[str, Any]:
        await self.go.wait()
        return await super().fetch(url)


async def test_those_who_come_at_once_wait_for_one_answer_but_not_without_end() -> None:
    shown = Slow([PUBLIC])
    keys = key_sets(shown, Clock())
    asking = [asyncio.create_task(keys.find("i", "u", "ec")) for _ in range(MAX_WAITING + 5)]
    await asyncio.sleep(0.01)
    assert sum(task.done() for task in asking) == 5
    asking[0].cancel()
    shown.go.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert sum(isinstance(key, ECKey) for key in found) == MAX_WAITING - 1
    assert shown.asked == 1


async def test_nothing_is_left_when_a_worker_ends() -> None:
    keys = key_sets(Slow([PUBLIC]), Clock())
    asking = asyncio.create_task(keys.find("i", "u", "ec"))
    await asyncio.sleep(0)
    await keys.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
