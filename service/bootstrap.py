"""What has to be so before the first call: the schema, and someone who can get in."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from rollbook.tokens import hint_of, is_well_formed, new_token
from service.passwords import PasswordHasher
from service.storage import credentials, migrations, scim_connections
from service.storage.credentials import DEFAULT_TENANT, FROM_SETTINGS
from service.storage.database import Database

if TYPE_CHECKING:
    from service.settings import ScimAuth, Settings
    from service.storage.database import Connection

_BOOTSTRAP: Final = "bootstrap"


async def prepare(settings: Settings) -> str | None:
    """Migrate the schema and set up the configured credentials.

    Answers a new administrator's token when none was configured and nobody could get in
    otherwise: it is not kept, so it has to be shown now. Raises MigrationError, OSError.
    """
    url = settings.database_url.get_secret_value()
    await migrations.migrate(url)
    database = await Database.connect(url, max_connections=1)
    hasher = PasswordHasher()
    try:
        async with database.across_tenants() as connection:
            is_open = await credentials.administrator_exists(connection)
        async with database.connection(DEFAULT_TENANT) as connection:
            await scim_connections.configure(
                connection, DEFAULT_TENANT, enabled=settings.scim.enabled
            )
            await _set_up_basic(connection, hasher, settings.scim.auth)
            return await _set_up_token(connection, settings, is_open=is_open)
    finally:
        hasher.close()
        await database.close()


async def _set_up_token(connection: Connection, settings: Settings, *, is_open: bool) -> str | None:
    """`is_open` tells whether somebody can already get in."""
    made = None
    if settings.bootstrap_token is not None:
        token = settings.bootstrap_token.get_secret_value()
    elif is_open:
        return None
    else:
        token = made = new_token()
    await credentials.add_administrator(
        connection,
        DEFAULT_TENANT,
        _BOOTSTRAP,
        hashlib.sha256(token.encode()).digest(),
        hint=hint_of(token),
        has_checksum=is_well_formed(token),
    )
    return made


async def _set_up_basic(
    connection: Connection, hasher: PasswordHasher, auth: ScimAuth | None
) -> None:
    """Let the user name and password of the settings be valid, and earlier ones no more."""
    if auth is None:
        await credentials.remove_basic(connection, DEFAULT_TENANT, FROM_SETTINGS)
        return
    password = auth.password.get_secret_value()
    known = await credentials.basic_of_name(connection, DEFAULT_TENANT, FROM_SETTINGS)
    if known and known[0] == auth.username and await hasher.verify(known[1], password):
        return
    await credentials.set_basic(
        connection, DEFAULT_TENANT, FROM_SETTINGS, auth.username, await hasher.hash(password)
    )
