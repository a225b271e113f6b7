"""What an issuer may be, and what the claims of its tokens are good for."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from google.protobuf.duration_pb2 import Duration

from rollbook.access import Scope
from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.issuer_service_pb2 import Issuer, ScopeRule
from service.domain import field_masks
from service.domain.errors import DomainError, invalid_value
from service.domain.token_rules import check_not_wider, checked_name, checked_scopes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

ALGORITHMS: Final = frozenset(
    (
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
    )
)
"""Those with a public key: with any other, who can check a token can make one (RFC 8725 §2.1)."""

DEFAULT_ALGORITHMS: Final = ("ES256", "RS256")

MAX_URL: Final = 500
MAX_AUDIENCES: Final = 10
MAX_RULES: Final = 50
MAX_CLAIMS: Final = 10
MAX_TEXT: Final = 255

DEFAULT_LIFETIME: Final = 3_600
MAX_LIFETIME: Final = 86_400
DEFAULT_SKEW: Final = 30
MAX_SKEW: Final = 60
"""Seconds."""

CHANGEABLE: Final = (
    "name",
    "jwks_uri",
    "audiences",
    "algorithms",
    "rules",
    "max_lifetime",
    "clock_skew",
)
"""The fields that are an administrator's to change: with another URL it is another issuer."""

_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")


def digest_of(issuer: str, audience: str) -> bytes:
    """What the registration of an issuer is found by."""
    parts = (hashlib.sha256(text.encode()).digest() for text in (issuer, audience))
    return hashlib.sha256(b"".join(parts)).digest()


def checked_issuer(
    given: Issuer, tenant_id: UUID, own: frozenset[Scope], *, plain_http: bool
) -> Issuer:
    """An issuer as it is kept, defaults filled in. `own` are the caller's scopes; `plain_http`
    tells whether URLs may be http. Raises INVALID_VALUE, SCOPE_MISSING."""
    audiences = _checked_audiences(given.audiences, tenant_id, own)
    return Issuer(
        name=checked_name(given.name),
        issuer=checked_url("issuer.issuer", given.issuer, plain_http=plain_http),
        jwks_uri=given.jwks_uri
        and checked_url("issuer.jwks_uri", given.jwks_uri, plain_http=plain_http),
        audiences=audiences,
        algorithms=checked_algorithms("issuer.algorithms", given.algorithms),
        rules=_checked_rules(given.rules, own),
        max_lifetime=_seconds(given, "max_lifetime", DEFAULT_LIFETIME, MAX_LIFETIME),
        clock_skew=_seconds(given, "clock_skew", DEFAULT_SKEW, MAX_SKEW),
    )


def updated_issuer(
    before: Issuer,
    given: Issuer,
    mask: Sequence[str],
    tenant_id: UUID,
    own: frozenset[Scope],
    *,
    plain_http: bool,
) -> Issuer:
    """An issuer with the fields that the mask names replaced. All of it has to be the caller's to
    register: by other keys or a wider audience its rules would give to others what they give.
    Raises INVALID_PATH, INVALID_VALUE, SCOPE_MISSING."""
    if given.issuer and given.issuer != before.issuer:
        raise invalid_value(
            "issuer.issuer", "The URL of an issuer cannot be changed; register another issuer."
        )
    after = field_masks.updated(before, given, mask, CHANGEABLE, "an issuer")
    return checked_issuer(after, tenant_id, own, plain_http=plain_http)


def changed_fields(before: Issuer, after: Issuer) -> list[str]:
    """The names of those that differ, of the fields that can be changed."""
    return [name for name in CHANGEABLE if getattr(before, name) != getattr(after, name)]


def scopes_of(rules: Iterable[ScopeRule], claims: Mapping[str, Any]) -> frozenset[str]:
    """The names of the scopes that a token with these claims has; none when no rule fits."""
    fitting = [rule for rule in rules if rule.claims and have(claims, rule.claims)]
    return frozenset(scope for rule in fitting for scope in rule.scopes)


def have(claims: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """Whether a token has all the claims of these names, with these values."""
    return all(_fits(claims, *pair) for pair in wanted.items())


def _fits(claims: Mapping[str, Any], name: str, wanted: str) -> bool:
    return any(
        value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted
        for value in _texts(_claim(claims, name))
    )


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of a name; else, with dots in it, what the name leads to."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _texts(value: Any) -> Iterator[str]:
    """A claim's values as texts; of what is no text only true and false have one spelling."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, bool):
            yield "true" if one else "false"
        elif isinstance(one, str):
            yield one


def checked_url(field: str, text: str, *, plain_http: bool) -> str:
    """The URL of an issuer. Raises INVALID_VALUE."""
    try:
        parts = urlsplit(text)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        parts, has_port = urlsplit(""), False
    schemes = {"https", "http"} if plain_http else {"https"}
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    fit = parts.scheme in schemes and parts.hostname and has_port and plain
    if not fit or len(text) > MAX_URL or _CONTROL.search(text) or not text.isascii():
        raise invalid_value(
            field,
            f"{text[:100]!r} is no URL such as https://login.acme.example, without a query.",
        )
    return text


def _checked_audiences(texts: Iterable[str], tenant_id: UUID, own: frozenset[Scope]) -> list[str]:
    audiences = list(dict.fromkeys(texts))
    if not 1 <= len(audiences) <= MAX_AUDIENCES:
        raise invalid_value("issuer.audiences", f"An issuer has 1 to {MAX_AUDIENCES} audiences.")
    for audience in audiences:
        check_text("issuer.audiences", audience)
        # Or the tokens that are meant for another tenant could be claimed here.
        if str(tenant_id) not in audience and Scope.PLATFORM not in own:
            raise DomainError(
                ErrorReason.ERROR_REASON_SCOPE_MISSING,
                f"The audience {audience[:100]!r} does not contain the tenant's id {tenant_id}; to "
                "use it all the same takes the scope platform.",
                field="issuer.audiences",
                metadata={"scope": Scope.PLATFORM, "tenantId": str(tenant_id)},
            )
    return audiences


def checked_algorithms(field: str, names: Iterable[str]) -> list[str]:
    """The algorithms of an issuer, those that are usual without any. Raises INVALID_VALUE."""
    algorithms = sorted(set(names)) or list(DEFAULT_ALGORITHMS)
    if unknown := [name for name in algorithms if name not in ALGORITHMS]:
        raise invalid_value(
            field,
            f"{unknown[0][:100]!r} is no algorithm with a public key; there are "
            f"{', '.join(sorted(ALGORITHMS))}.",
        )
    return algorithms


def _checked_rules(rules: Iterable[ScopeRule], own: frozenset[Scope]) -> list[ScopeRule]:
    checked = [_checked_rule(rule, own) for rule in rules]
    if not 1 <= len(checked) <= MAX_RULES:
        raise invalid_value("issuer.rules", f"An issuer has 1 to {MAX_RULES} rules.")
    return checked


def _checked_rule(rule: ScopeRule, own: frozenset[Scope]) -> ScopeRule:
    scopes = checked_scopes(rule.scopes)
    check_not_wider(scopes, own)
    if not rule.claims:
        raise invalid_value("issuer.rules", f"A rule asks for 1 to {MAX_CLAIMS} claims.")
    check_claims("issuer.rules", rule.claims)
    return ScopeRule(claims=rule.claims, scopes=sorted(scopes))


def check_claims(field: str, claims: Mapping[str, str]) -> None:
    """Claims that are asked for. Raises INVALID_VALUE."""
    if len(claims) > MAX_CLAIMS:
        raise invalid_value(field, f"{MAX_CLAIMS} claims are the most to be asked for.")
    for pair in claims.items():
        for text in pair:
            check_text(field, text)


def check_text(field: str, text: str) -> None:
    """A text that claims are compared with. Raises INVALID_VALUE."""
    if not text or len(text) > MAX_TEXT or not text.isprintable():
        raise invalid_value(field, f"{text[:100]!r} has not 1 to {MAX_TEXT} printable characters.")


def _seconds(given: Issuer, name: str, default: int, longest: int) -> Duration:
    """A duration in whole seconds. Raises INVALID_VALUE."""
    duration: Duration = getattr(given, name)
    seconds = duration.seconds if given.HasField(name) else default  # type: ignore[arg-type]
    if duration.nanos or not 0 <= seconds <= longest or (name == "max_lifetime" and not seconds):
        raise invalid_value(f"issuer.{name}", f"{name} is in whole seconds, at most {longest}.")
    return Duration(seconds=seconds)
