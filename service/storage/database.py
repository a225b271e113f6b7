"""The connection to PostgreSQL: a pool, transactions, and what its errors mean.

Everything else in this package is handed a `Connection` and runs statements on it.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from uuid import UUID

import asyncpg
import structlog

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.storage import isolation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

Result = TypeVar("Result")

log = structlog.get_logger(__name__)

ATTEMPTS: Final = 4
"""How often a transaction is tried when it collides with another."""

ACQUIRE_TIMEOUT: Final = 5.0
"""How long a call waits for a connection, in seconds, before it is told to come back later."""

STATEMENT_TIMEOUT: Final = 30.0
"""How long one statement may run, in seconds."""

STATEMENT_LIFETIME: Final = 15
"""How long a prepared statement is used, in seconds: its plan is as old as that at most, and fits
the tables as they are then."""

_SESSION: Final = {
    "application_name": "rollbook",
    "timezone": "UTC",
    # Statements are short: starting helpers would cost more than they save.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    # Every statement is served by an index. A plan is kept with its statement, and one made while
    # a table is nearly empty would go on reading the whole table when it has grown.
    "enable_seqscan": "off",
}

_TRANSIENT: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)

_UNAVAILABLE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TooManyConnectionsError,
    # The server said goodbye to an idle connection, which has not noticed that it is closed.
    asyncpg.InternalClientError,
    # A primary that was switched over stays connected, but read-only.
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
)


NO_TENANT: Final = UUID(int=0)
"""What a connection serves that serves no tenant; no tenant has this id."""


class RetryableError(Exception):
    """A transaction met what another one did meanwhile; done again it will see it."""


class _Session(asyncpg.Connection):
    """A connection of the pool that knows which tenant it serves: the one that the setting
    `rollbook.tenant_id` names, by which row-level security goes."""

    __slots__ = ("_serves",)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._serves: UUID | None = None

    async def serve(self, tenant_id: UUID) -> None:
        """Serve a tenant from now on; costs a round trip only when it is another one.

        Never called in a transaction, whose end could take the setting back.
        """
        if self._serves == tenant_id:
            return
        # Until the server has said so it may be either: a statement can fail after its effect.
        self._serves = None
        await self.execute(f"SET rollbook.tenant_id = '{tenant_id}'")
        self._serves = tenant_id


class Database:
    """A pool of connections to one PostgreSQL. Each serves one tenant at a time."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool
        self._on_commit: Callable[[UUID], None] | None = None

    def on_commit(self, listener: Callable[[UUID], None]) -> None:
        """Let a listener hear of every transaction that may have been committed: of its tenant,
        after the commit and before whoever wrote goes on."""
        self._on_commit = listener

    @classmethod
    async def connect(cls, url: str, *, max_connections: int) -> Database:
        """Open the pool. Raises OSError or asyncpg.PostgresError when there is no database, and
        PermissionError when it would not isolate tenants."""
        pool = await asyncpg.create_pool(
            url,
            min_size=min(2, max_connections),
            max_size=max_connections,
            command_timeout=STATEMENT_TIMEOUT,
            max_inactive_connection_lifetime=300,
            max_cached_statement_lifetime=STATEMENT_LIFETIME,
            connection_class=_Session,
            init=isolation.enter,
            reset=_keep_session,
            server_settings=_SESSION,
        )
        return cls(pool)

    async def close(self) -> None:
        """Close every connection, waiting briefly for those in use."""
        try:
            await asyncio.wait_for(self._pool.close(), timeout=5)
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self, tenant_id: UUID) -> AsyncIterator[Connection]:
        """A connection that serves a tenant, for statements each of which is a transaction of its
        own: it sees and writes this tenant's rows and no others."""
        with _translated():
            connection = await self._acquire()
            try:
                await cast("_Session", connection).serve(tenant_id)
                yield connection
            finally:
                await self._pool.release(connection)

    def across_tenants(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for what is no tenant's, or has to find out which tenant it is about:
        signing keys, health, credentials by their hash. It sees no directory."""
        return self.connection(NO_TENANT)

    async def snapshot(
        self, tenant_id: UUID, work: Callable[[Connection], Awaitable[Result]]
    ) -> Result:
        """Run statements that read a tenant's rows and have to agree with one another."""
        async with (
            self.connection(tenant_id) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await work(connection)

    async def transaction(
        self,
        tenant_id: UUID,
        work: Callable[[Connection], Awaitable[Result]],
        *,
        rollback: bool = False,
    ) -> Result:
        """Run `work` on a tenant's rows in one transaction and commit it; with `rollback`, undo it
        instead.

        When it collides with another transaction it is run again, a few times. Raises CONFLICT
        when it still collides, UNAVAILABLE when the database cannot be reached.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._attempt(tenant_id, work, rollback=rollback)
            except (*_TRANSIENT, RetryableError) as error:
                log.info("transaction.retry", attempt=attempt, error=type(error).__name__)
                await asyncio.sleep(0.01 * attempt**2)
        raise DomainError(
            ErrorReason.ERROR_REASON_CONFLICT,
            "Other changes to the same resources kept coming in between; try again.",
        )

    async def _attempt(
        self,
        tenant_id: UUID,
        work: Callable[[Connection], Awaitable[Result]],
        *,
        rollback: bool,
    ) -> Result:
        async with self.connection(tenant_id) as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                result = await work(connection)
            except BaseException:
                await _undo(transaction)
                raise
            if rollback:
                await transaction.rollback()
            else:
                await self._commit(transaction, tenant_id)
            return result

    async def _commit(self, transaction: asyncpg.transaction.Transaction, tenant_id: UUID) -> None:
        try:
            await transaction.commit()
        finally:
            # Also when the answer to the commit was lost: then nobody knows.
            if self._on_commit is not None:
                self._on_commit(tenant_id)

    async def _acquire(self) -> PoolConnectionProxy[asyncpg.Record]:
        try:
            return await self._pool.acquire(timeout=ACQUIRE_TIMEOUT)
        except TimeoutError as error:
            raise _unavailable("Every database connection is busy; try again.") from error


async def transaction_of(connection: Connection) -> int:
    """The id of the transaction under way. Whoever sees that it has ended sees all that it has
    seen, too: one that found nothing to do has an id as well."""
    return int(await connection.fetchval("SELECT pg_current_xact_id()::text"))


async def _keep_session(_connection: Connection) -> None:
    """What happens to a connection that returns to the pool: nothing.

    The pool would send a RESET each time, a second round trip for every read. Nothing in this
    package leaves a trace in a session but the tenant, which the session keeps track of: other
    settings are SET LOCAL, locks end with a transaction.
    """


async def _undo(transaction: asyncpg.transaction.Transaction) -> None:
    """Roll back; a connection that is lost has rolled back by itself."""
    try:
        await transaction.rollback()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        log.info("transaction.rollback_failed", error=type(error).__name__)


class _translated:  # noqa: N801  # reads as a phrase: with _translated():
    """Turn the driver's errors into the domain's; leave collisions to be retried."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if error is None or isinstance(error, (DomainError, RetryableError, *_TRANSIENT)):
            return
        if isinstance(error, (asyncpg.QueryCanceledError, TimeoutError)):
            raise DomainError(
                ErrorReason.ERROR_REASON_DEADLINE_EXCEEDED,
                "The database took too long over this; ask for less at once.",
            ) from error
        if isinstance(error, _UNAVAILABLE) or _is_closed(error):
            log.warning("database.unavailable", error=type(error).__name__)
            raise _unavailable("The database cannot be reached; try again.") from error


def _is_closed(error: BaseException) -> bool:
    """Whether the driver says that a connection or the pool is gone: it has no class of its own
    for that, and its other InterfaceErrors are our mistakes."""
    return isinstance(error, asyncpg.InterfaceError) and "clos" in str(error)


def _unavailable(message: str) -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_UNAVAILABLE, message)
