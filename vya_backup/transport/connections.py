"""Opens connections to database servers: the only module that does.

An engine describes the connection; what the driver then raises, on opening and inside the block, leaves as our errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # sqlalchemy takes 0.2 s to import; only what talks to a server pays for it
    from sqlalchemy import Connection
    from sqlalchemy import Engine as SqlEngine

    from vya_backup.engines.contract import Access, ConnectionSpec, Engine

Errors = tuple[type[Exception], ...]


@contextmanager
def connect(
    engine: Engine, access: Access, database: str | None = None, *, timeout_seconds: float = 10
) -> Iterator[Connection]:
    """Open a connection of its own, with every statement committed by itself, and close it after the block.

    `database` None is the engine's maintenance database; the timeout is for connecting.

    Raises:
        BackupError: what `engine.explain` makes of the driver's own exception, on opening or inside the block.
    """
    with _explained(engine, access, (OSError,)):  # a certificate file that is not there
        spec = engine.connection(access, database, timeout_seconds=timeout_seconds)
    source = _source(spec)
    driver_errors = _driver_errors(source)
    with _explained(engine, access, (*driver_errors, OSError)):
        connection = source.connect()
    with connection, _explained(engine, access, driver_errors):
        for statement in spec.first_statements:
            # Without parameters the drivers leave a percent sign alone.
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        yield connection


def _source(spec: ConnectionSpec) -> SqlEngine:
    from sqlalchemy import NullPool, create_engine

    return create_engine(
        spec.url,
        connect_args=dict(spec.connect_args),
        poolclass=NullPool,
        pool_reset_on_return=None,  # nothing is open to roll back, and a dead server would only make noise
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
    )


def _driver_errors(source: SqlEngine) -> Errors:
    from sqlalchemy.exc import DBAPIError

    return DBAPIError, source.dialect.loaded_dbapi.Error


@contextmanager
def _explained(engine: Engine, access: Access, errors: Errors) -> Iterator[None]:
    try:
        yield
    except errors as error:
        original = getattr(error, "orig", None)  # SQLAlchemy wraps what the driver said
        raise engine.explain(original if isinstance(original, Exception) else error, access) from error
