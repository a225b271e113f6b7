"""Who may call what: the one table of scopes for every RPC and every HTTP route.

A method or route that is not listed here is not served: the service and the gateway refuse to
start, and a test fails. Nothing else in Rollbook decides about scopes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Scope(StrEnum):
    """What a credential is good for. All but `platform` hold within its tenant."""

    SCIM = "scim"
    """Provision over SCIM: what an identity provider gets."""

    DIRECTORY_READ = "directory.read"
    """Read users, groups and service accounts over gRPC."""

    DIRECTORY_WRITE = "directory.write"
    """Change users, groups and service accounts over gRPC."""

    ACCESS_READ = "access.read"
    """Ask who may do what."""

    PASSWORDS_VERIFY = "passwords.verify"
    """Ask whether a password is a user's: what a service gets that people log in to."""

    ADMIN = "admin"
    """Change how the tenant works: schemas, connections, clients."""

    CREDENTIALS = "credentials"
    """Make and revoke credentials, of no wider scope than one's own."""

    PLATFORM = "platform"
    """Create, suspend and delete tenants, and act in any of them."""


EVERY_SCOPE: Final = frozenset(Scope)

BY_ROLE: Final = frozenset(
    {Scope.SCIM, Scope.DIRECTORY_WRITE, Scope.ADMIN, Scope.CREDENTIALS, Scope.PLATFORM}
)
"""Scopes that a credential of a user or service account is good for only as long as the roles of
these grant them: those that change something."""

_BY_NAME: Final = {scope.value: scope for scope in Scope}


def scopes_named(names: Iterable[str]) -> frozenset[Scope]:
    """The scopes of these names; a name that only a later release knows is worth nothing."""
    return frozenset(_BY_NAME[name] for name in names if name in _BY_NAME)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a method takes: one of `scopes` when it is called over gRPC; the scope `scim` when
    the gateway calls it for a SCIM client, if `over_scim`; nothing when it is `public`. What is
    `optional` also answers those who send no credentials at all."""

    scopes: frozenset[Scope] = frozenset()
    over_scim: bool = False
    public: bool = False
    optional: bool = False

    def takes_nobody(self, *, has_credentials: bool) -> bool:
        """Whether it does without knowing who calls."""
        return self.public or (self.optional and not has_credentials)

    def admits(self, scopes: Iterable[Scope], *, over_scim: bool) -> bool:
        """Whether a credential with these scopes may."""
        if self.public:
            return True
        if over_scim:
            return self.over_scim and Scope.SCIM in scopes
        return not self.scopes.isdisjoint(scopes)

    def demands(self, *, over_scim: bool) -> str:
        """The scopes to ask an administrator for, for people."""
        return Scope.SCIM if over_scim else " or ".join(sorted(self.scopes))


_READ: Final = Rule(frozenset({Scope.DIRECTORY_READ, Scope.DIRECTORY_WRITE}), over_scim=True)
_WRITE: Final = Rule(frozenset({Scope.DIRECTORY_WRITE}), over_scim=True)
_ADMIN: Final = Rule(frozenset({Scope.ADMIN}))
_LOOK: Final = Rule(frozenset({Scope.ADMIN, Scope.DIRECTORY_READ}), over_scim=True)
_ROLES: Final = Rule(frozenset({Scope.ADMIN, Scope.ACCESS_READ, Scope.DIRECTORY_READ}))
_MINT: Final = Rule(frozenset({Scope.CREDENTIALS}))
_VERIFY: Final = Rule(frozenset({Scope.PASSWORDS_VERIFY}))
_PLATFORM: Final = Rule(frozenset({Scope.PLATFORM}))
_ACCESS: Final = Rule(frozenset({Scope.ACCESS_READ}))
_MEMBERSHIP: Final = Rule(
    frozenset({Scope.ACCESS_READ, Scope.DIRECTORY_READ, Scope.DIRECTORY_WRITE})
)
_PUBLIC: Final = Rule(public=True)


def _rules(service: str, **methods: Rule) -> dict[str, Rule]:
    return {f"rollbook.v1.{service}/{name}": rule for name, rule in methods.items()}


RPCS: Final[Mapping[str, Rule]] = {
    **_rules(
        "UserService",
        CreateUser=_WRITE,
        GetUser=_READ,
        BatchGetUsers=_READ,
        LookupUser=_READ,
        ListUsers=_READ,
        UpdateUser=_WRITE,
        PatchUser=_WRITE,
        DeleteUser=_WRITE,
    ),
    **_rules(
        "GroupService",
        CreateGroup=_WRITE,
        GetGroup=_READ,
        BatchGetGroups=_READ,
        LookupGroup=_READ,
        ListGroups=_READ,
        UpdateGroup=_WRITE,
        PatchGroup=_WRITE,
        DeleteGroup=_WRITE,
        AddMembers=_WRITE,
        RemoveMembers=_WRITE,
        ListMembers=_READ,
        ListPrincipalGroups=_READ,
    ),
    **_rules(
        "ServiceAccountService",
        CreateServiceAccount=_WRITE,
        GetServiceAccount=_READ,
        BatchGetServiceAccounts=_READ,
        LookupServiceAccount=_READ,
        ListServiceAccounts=_READ,
        UpdateServiceAccount=_WRITE,
        PatchServiceAccount=_WRITE,
        DeleteServiceAccount=_WRITE,
    ),
    **_rules(
        "TenantService",
        CreateTenant=_PLATFORM,
        GetTenant=Rule(frozenset({Scope.PLATFORM, Scope.ADMIN})),
        ListTenants=_PLATFORM,
        UpdateTenant=_PLATFORM,
        SuspendTenant=_PLATFORM,
        ResumeTenant=_PLATFORM,
        DeleteTenant=_PLATFORM,
    ),
    **_rules("DirectoryService", SearchResources=_READ, Bulk=_WRITE),
    **_rules(
        "SchemaService",
        CreateSchema=_ADMIN,
        UpdateSchema=_ADMIN,
        DeleteSchema=_ADMIN,
        AttachSchema=_ADMIN,
        DetachSchema=_ADMIN,
        GetSchema=_LOOK,
        ListSchemas=_LOOK,
        GetSchemaSet=_LOOK,
    ),
    **_rules(
        "ConnectionService",
        CreateConnection=_ADMIN,
        GetConnection=_ADMIN,
        ListConnections=_ADMIN,
        UpdateConnection=_ADMIN,
        DeleteConnection=_ADMIN,
    ),
    **_rules(
        "RoleService",
        GetRoleCatalogue=replace(_ROLES, over_scim=True),
        UpdateRoleCatalogue=_ADMIN,
        RegisterRoleScopes=_ADMIN,
        UnregisterRoleScopes=_ADMIN,
        ListRoleScopes=_ROLES,
        GrantRole=_ADMIN,
        RevokeRole=_ADMIN,
        ListRoleAssignments=_ROLES,
    ),
    **_rules(
        "CredentialService",
        CreateToken=_MINT,
        ListTokens=_MINT,
        RotateToken=_MINT,
        RevokeToken=_MINT,
        CreateBasicLogin=_MINT,
        ListBasicLogins=_MINT,
        DeleteBasicLogin=_MINT,
        DescribeCaller=Rule(EVERY_SCOPE, over_scim=True),
    ),
    **_rules("PasswordService", VerifyPassword=_VERIFY, SetPassword=_ADMIN),
    # To trust whoever issues tokens is to make them.
    **_rules(
        "IssuerService",
        CreateIssuer=_MINT,
        ListIssuers=_MINT,
        UpdateIssuer=_MINT,
        DeleteIssuer=_MINT,
    ),
    # The authorities are the operator's: which tenant their certificates speak for is, too.
    **_rules(
        "WorkloadService",
        CreateCertificateIdentity=_PLATFORM,
        ListCertificateIdentities=_PLATFORM,
        DeleteCertificateIdentity=_PLATFORM,
    ),
    **_rules(
        "AccessService",
        CheckAccess=_ACCESS,
        BatchCheckAccess=_ACCESS,
        ListEffectiveRoles=_ACCESS,
        BatchListEffectiveRoles=_ACCESS,
        ListPrincipalsWithRole=_ACCESS,
        ExplainAccess=_ACCESS,
        ListTransitiveGroups=_MEMBERSHIP,
        ListTransitiveMembers=_MEMBERSHIP,
        CheckMembership=_MEMBERSHIP,
    ),
    # Like setting the password of an administrator.
    **_rules(
        "SignInProviderService",
        CreateSignInProvider=_ADMIN,
        GetSignInProvider=_ADMIN,
        ListSignInProviders=_ADMIN,
        UpdateSignInProvider=_ADMIN,
        DeleteSignInProvider=_ADMIN,
    ),
    **_rules(
        "OAuthService",
        CreateOAuthClient=_ADMIN,
        GetOAuthClient=_ADMIN,
        ListOAuthClients=_ADMIN,
        DeleteOAuthClient=_ADMIN,
        ListOAuthGrants=_ADMIN,
        RevokeOAuthGrant=_ADMIN,
        # The request itself says, and proves, who it comes from.
        GetOAuthAuthorization=_PUBLIC,
        SignIn=_PUBLIC,
        BeginProviderSignIn=_PUBLIC,
        FinishProviderSignIn=_PUBLIC,
        SignOut=_PUBLIC,
        DecideOAuthAuthorization=_PUBLIC,
        IssueOAuthToken=_PUBLIC,
        RevokeOAuthToken=_PUBLIC,
        # A client is asked for its own credentials instead.
        IntrospectOAuthToken=Rule(frozenset({Scope.ADMIN}), optional=True),
    ),
}
"""Methods by full name."""

_SCIM: Final = Rule(over_scim=True)
_DISCOVERY: Final = Rule(over_scim=True, optional=True)

ROUTES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(
        (
            "GET /.well-known/oauth-authorization-server",
            # The service asks whoever comes by these to prove who they are.
            "GET /oauth2/authorize",
            "POST /oauth2/authorize",
            "GET /oauth2/sign-in/{id}",
            "GET /oauth2/callback/{id}",
            "POST /oauth2/token",
            "POST /oauth2/revoke",
            "POST /oauth2/introspect",
        ),
        _PUBLIC,
    ),
    **dict.fromkeys(
        (
            "POST /oauth2/clients",
            "GET /oauth2/clients",
            "GET /oauth2/clients/{id}",
            "DELETE /oauth2/clients/{id}",
        ),
        _ADMIN,
    ),
    **dict.fromkeys(
        (
            "GET /",
            "GET /healthz",
            "GET /readyz",
        ),
        _PUBLIC,
    ),
    # Clients learn from them how to authenticate. With credentials they show what the connection
    # demands and what the tenant has registered too.
    **dict.fromkeys(
        (
            "GET ServiceProviderConfig",
            "GET ServiceProviderConfigs",
            "GET serviceConfiguration",
            "GET ResourceTypes",
            "GET ResourceTypes/{name}",
            "GET Schemas",
            "GET Schemas/{urn}",
        ),
        _DISCOVERY,
    ),
    # Answers that nobody can register.
    "POST Me": _PUBLIC,
    **dict.fromkeys(
        (
            "GET ",
            "POST .search",
            "POST Bulk",
            "GET Me",
            "PUT Me",
            "PATCH Me",
            "DELETE Me",
            "GET Users",
            "POST Users",
            "POST Users/.search",
            "GET Users/{id}",
            "PUT Users/{id}",
            "PATCH Users/{id}",
            "DELETE Users/{id}",
            "GET Groups",
            "POST Groups",
            "POST Groups/.search",
            "GET Groups/{id}",
            "PUT Groups/{id}",
            "PATCH Groups/{id}",
            "DELETE Groups/{id}",
            "GET Groups/{id}/members",
            "GET Roles",
            "GET Roles/{id}",
            "GET Entitlements",
            "GET Entitlements/{id}",
            "GET ServiceAccounts",
            "POST ServiceAccounts",
            "POST ServiceAccounts/.search",
            "GET ServiceAccounts/{id}",
            "PUT ServiceAccounts/{id}",
            "PATCH ServiceAccounts/{id}",
            "DELETE ServiceAccounts/{id}",
        ),
        _SCIM,
    ),
}
"""Routes of the gateway: method and path, relative to the SCIM base URL unless it begins with a
slash. HEAD is as GET, and OPTIONS is anybody's."""


def rule_of(method: str) -> Rule:
    """The rule of a method of gRPC or of a route of HTTP. Raises LookupError when it has none: it
    cannot be served then."""
    rule = RPCS.get(method) or ROUTES.get(method)
    if rule is None:
        raise LookupError(f"{method} has no rule in rollbook/access.py.")
    return rule
