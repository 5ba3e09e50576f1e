"""Connections to PostgreSQL, whoever runs it."""

from __future__ import annotations

import select
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from ratchet.domain.errors import Misconfigured, Transient
from ratchet.telemetry import tracing

Connection = AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]

MIN_SERVER = 15
MIN_VECTOR = (0, 7)  # the first with halfvec
APPLICATION_NAME = "ratchet"
CONNECT_TIMEOUT = 10
POOL_TIMEOUT = 15.0
STATEMENT_TIMEOUT = 30.0
IDLE_TRANSACTION_TIMEOUT = 60.0

CHECK_SERVER = """
SELECT current_setting('server_version_num')::int / 10000 AS server,
       (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS installed,
       (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS available
"""

TOO_MUCH = (psycopg.errors.ProgramLimitExceeded, psycopg.errors.StatementTooComplex)
REFUSALS = (
    psycopg.errors.InvalidAuthorizationSpecification,
    psycopg.errors.InvalidPassword,
    psycopg.errors.InvalidCatalogName,
)


@dataclass(frozen=True)
class Database:
    """What query modules take: connections are autocommit, a transaction is an explicit block.

    Raises Transient when the server is away, restarts or gives up on a lock or a statement, and when no
    connection is free.
    """

    conninfo: str = field(repr=False)
    pool: Pool

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for statements that each stand alone."""
        with translated_errors():
            async with self.pool.connection() as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction: committed when the block ends, rolled back when it raises."""
        with translated_errors():
            async with self.pool.connection() as connection, connection.transaction():
                yield connection


@asynccontextmanager
async def open_database(conninfo: str, *, min_size: int = 2, max_size: int = 10) -> AsyncIterator[Database]:
    """A pool for the length of the block. Raises as `open_pool`."""
    pool = await open_pool(conninfo, min_size=min_size, max_size=max_size)
    try:
        yield Database(conninfo, pool)
    finally:
        await pool.close()


async def open_pool(
    conninfo: str,
    *,
    min_size: int = 2,
    max_size: int = 10,
    statement_timeout: float = STATEMENT_TIMEOUT,
) -> Pool:
    """An open pool of autocommit connections; `statement_timeout` in seconds, 0 for none.

    Raises Misconfigured when the server refuses us, is too old or has no pgvector, Transient when it is away.
    """
    await check_server(conninfo)
    pool: Pool = AsyncConnectionPool(
        conninfo,
        kwargs=connection_kwargs(conninfo, statement_timeout),
        min_size=min_size,
        max_size=max_size,
        timeout=POOL_TIMEOUT,
        check=check_line,
        configure=traced if tracing.configured() else None,
        open=False,
        name=APPLICATION_NAME,
    )
    try:
        with translated_errors():
            await pool.open(wait=True, timeout=POOL_TIMEOUT)
    except Transient:
        await pool.close()
        raise
    return pool


async def traced(connection: Connection) -> None:
    """Each statement within a trace that is kept is a span: the SQL, which is ours, and no values.

    The others are not wrapped: the wrapping costs more than all else that tracing does.
    """
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor  # noqa: PLC0415  # only where traced

    plain = connection.cursor_factory
    PsycopgInstrumentor.instrument_connection(connection)
    wrapped = connection.cursor_factory

    def chosen(*args: Any, **kwargs: Any) -> AsyncCursor[Any]:
        return (wrapped if tracing.recording() else plain)(*args, **kwargs)

    connection.cursor_factory = cast("type[AsyncCursor[Any]]", chosen)  # psycopg only calls it


async def check_line(connection: Connection) -> None:
    """A restarted server is not felt: it closes its connections, which makes them readable.

    One with nothing to read is taken as it is, without the round trip that asking would cost each time.
    """
    line = select.poll()
    line.register(connection.fileno(), select.POLLIN)
    if line.poll(0):
        await AsyncConnectionPool.check_connection(connection)


def connection_kwargs(conninfo: str, statement_timeout: float = STATEMENT_TIMEOUT) -> dict[str, Any]:
    """How every connection of ours is opened; `conninfo` may override what is about the network."""
    given = conninfo_to_dict(conninfo)
    options = (
        f"-c statement_timeout={int(statement_timeout * 1000)}"
        f" -c idle_in_transaction_session_timeout={int(IDLE_TRANSACTION_TIMEOUT * 1000)}"
        f" {given.get('options') or ''}"
    )
    defaults = {
        "application_name": APPLICATION_NAME,
        "connect_timeout": CONNECT_TIMEOUT,
        "keepalives_idle": 30,
        "tcp_user_timeout": 30_000,  # milliseconds: a server that vanished from the network is noticed
    }
    ours = {name: value for name, value in defaults.items() if name not in given}
    return {"autocommit": True, "options": options.strip(), **ours}


async def check_server(conninfo: str) -> None:
    """Raises Misconfigured with the remedy unless the server will do."""
    with translated_errors():
        async with await connect(conninfo) as connection:
            row = await (await connection.execute(CHECK_SERVER)).fetchone()
    assert row is not None
    server, installed, available = row
    if server < MIN_SERVER:
        raise Misconfigured(
            f"The database server is PostgreSQL {server}; Ratchet needs {MIN_SERVER} or newer."
            " Upgrade it, or unset RATCHET_DATABASE_* to use the embedded one."
        )
    check_vector(server, installed or available)


def check_vector(server: int, version: str | None) -> None:
    """`version` is pgvector's, None when the server does not have it."""
    remedy = (
        f"Install it on the database server (Debian, Ubuntu: postgresql-{server}-pgvector),"
        " or unset RATCHET_DATABASE_* to use the embedded one."
    )
    if version is None:
        raise Misconfigured(f"The database server has no pgvector extension. {remedy}")
    if tuple(int(part) for part in version.split(".")[:2]) < MIN_VECTOR:
        wanted = ".".join(map(str, MIN_VECTOR))
        raise Misconfigured(
            f"The database has pgvector {version}; Ratchet needs {wanted} or newer. {remedy}"
            " Then run: ALTER EXTENSION vector UPDATE"
        )


async def connect(conninfo: str, statement_timeout: float = STATEMENT_TIMEOUT) -> Connection:
    """One autocommit connection outside a pool. Raises Misconfigured, Transient."""
    try:
        kwargs = connection_kwargs(conninfo, statement_timeout)
    except psycopg.ProgrammingError:  # its text may quote the URL, and with it the password
        raise Misconfigured(
            "RATCHET_DATABASE_URL is not a PostgreSQL URL such as postgresql://user:password@host:5432/name."
        ) from None
    with translated_errors():
        return await AsyncConnection.connect(conninfo, **kwargs)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Failures that are the connection's or the moment's, not the statement's, become errors of ours."""
    try:
        yield
    except TOO_MUCH:
        raise  # what was asked for is too large, and would be again
    except REFUSALS as error:
        raise Misconfigured(_refusal(error)) from error
    except (PoolTimeout, PoolClosed) as error:
        raise Transient("No database connection is free, or the server is away") from error
    except psycopg.OperationalError as error:
        if _refused(error):
            raise Misconfigured(_refusal(error)) from error
        raise Transient(f"The database did not answer as it should: {_first_line(error)}") from error


def _refused(error: psycopg.Error) -> bool:
    """libpq reports a refused connection without its SQLSTATE; only the text is left."""
    text = str(error)
    return "FATAL" in text and any(
        sign in text for sign in ("authentication failed", "does not exist", "no pg_hba.conf entry")
    )


def _refusal(error: psycopg.Error) -> str:
    return (
        f"The database server refuses the connection: {_first_line(error)}."
        " Check RATCHET_DATABASE_URL, or the user, password and name in RATCHET_DATABASE_*."
    )


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
