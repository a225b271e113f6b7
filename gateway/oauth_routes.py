"""What is where of the authorization server: paths from the root of the host."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gateway.handlers.errors import HttpError
from gateway.handlers.oauth.answers import respond_json
from gateway.handlers.oauth.authorize import AuthorizeHandlers
from gateway.handlers.oauth.clients import ClientsHandlers
from gateway.handlers.oauth.endpoints import ClientEndpoints
from gateway.handlers.oauth.issuer import issuer_of
from gateway.handlers.oauth.metadata import MetadataHandler
from gateway.handlers.oauth.sign_in import ProviderHandlers
from gateway.routing import Route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp.web import Response

    from gateway.connection import Stubs
    from gateway.handlers.request import ScimRequest
    from gateway.routing import Handler
    from gateway.settings import Settings

WELL_KNOWN: Final = "/.well-known/oauth-authorization-server"


class OAuthRoute(Route):
    """An endpoint that tells of a wrong method too as RFC 6749 §5.2 has it."""

    def handler(self, method: str) -> Handler:
        """The handler of a method, or what answers 405."""
        try:
            return super().handler(method)
        except HttpError as error:
            headers = dict(error.headers)

        async def refuse(_: ScimRequest) -> Response:
            description = f"This endpoint takes {self.allow}."
            return respond_json(
                {"error": "invalid_request", "error_description": description},
                status=HTTPStatus.METHOD_NOT_ALLOWED,
                **headers,
            )

        return refuse


def with_issuer_first(path: str) -> str:
    """The path of a request, where the path of an issuer stands behind the well-known one (RFC
    8414 §3.1) as if it stood before it, like that of every other endpoint."""
    issuer = path.removeprefix(f"{WELL_KNOWN}/")
    return f"/{issuer}{WELL_KNOWN}" if issuer != path and issuer else path


def oauth_routes(settings: Settings, stubs: Stubs) -> Iterator[Route]:
    """The endpoints; a name that ends in `/{id}` stands for every last segment."""
    found_issuer = issuer_of(settings)
    clients = ClientsHandlers(stubs.oauth, settings, found_issuer)
    pages = AuthorizeHandlers(stubs.oauth, settings, found_issuer)
    providers = ProviderHandlers(stubs.oauth, settings, found_issuer)
    endpoints = ClientEndpoints(stubs.oauth, settings, found_issuer)
    yield OAuthRoute(WELL_KNOWN, GET=MetadataHandler(found_issuer).read)
    yield OAuthRoute("/oauth2/authorize", GET=pages.show, POST=pages.act)
    yield OAuthRoute("/oauth2/sign-in/{id}", GET=providers.begin)
    yield OAuthRoute("/oauth2/callback/{id}", GET=providers.finish)
    yield OAuthRoute("/oauth2/token", POST=endpoints.token)
    yield OAuthRoute("/oauth2/revoke", POST=endpoints.revoke)
    yield OAuthRoute("/oauth2/introspect", POST=endpoints.introspect)
    yield Route("/oauth2/clients", GET=clients.list, POST=clients.create)
    yield Route("/oauth2/clients/{id}", GET=clients.read, DELETE=clients.delete)
