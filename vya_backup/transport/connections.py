"""Opens connections to database servers: the only module that does.

An engine describes the connection; what the driver then raises, on opening and inside the block, leaves as our errors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from vya_backup.errors import ConfigurationError
from vya_backup.transport.patience import cut_off

if TYPE_CHECKING:  # sqlalchemy takes 0.2 s to import; only what talks to a server pays for it
    from sqlalchemy import Connection
    from sqlalchemy import Engine as SqlEngine

    from vya_backup.engines.contract import Access, ConnectionSpec, Engine
    from vya_backup.errors import BackupError
    from vya_backup.settings.model import Instance

Errors = tuple[type[Exception], ...]


@contextmanager
def connect(
    engine: Engine, access: Access, database: str | None = None, *, timeout_seconds: float = 10
) -> Iterator[Connection]:
    """Open a connection of its own, with every statement committed by itself, and close it after the block.

    `database` None is the engine's maintenance database; the timeout is for connecting.

    Raises:
        ConfigurationError: a file of the instance's `ssl` cannot be read.
        TimedOut, Interrupted: the server did not answer within the access's time, or the run is to stop.
        BackupError: what `engine.explain` makes of the driver's own exception, on opening or inside the block.
    """
    _demand_files(access.instance)
    with _explained(engine, access, (OSError,)):  # a certificate file that is none
        spec = engine.connection(access, database, timeout_seconds=timeout_seconds)
    with ExitStack() as watched:
        source = _source(spec, lambda opened: watched.enter_context(cut_off(_descriptor(spec, opened), access)))
        driver_errors = _driver_errors(source)
        with _explained(engine, access, (*driver_errors, OSError)):
            connection = source.connect()
        try:
            with _explained(engine, access, driver_errors):
                for statement in spec.first_statements:
                    # Without parameters the drivers leave a percent sign alone.
                    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
                yield connection
        finally:
            connection.invalidate()  # closes without a last ROLLBACK, whose failure would hide the block's own
            connection.close()


def _descriptor(spec: ConnectionSpec, opened: Any) -> int | None:
    return spec.opened(opened) if spec.opened else None


def server_code(error: BackupError) -> str:
    """Return the code of the server behind an error of `connect`: `1146`, `42P01`; empty where it gave none."""
    cause = error.__cause__
    original = getattr(cause, "orig", None) or cause
    first = next(iter(getattr(original, "args", ())), "")
    code = first if isinstance(first, int) else getattr(original, "sqlstate", None) or first  # MySQL's has both
    return str(code) if str(code).isalnum() else ""


def _demand_files(instance: Instance) -> None:
    tls = instance.tls
    files = {"ca_cert": tls.ca_cert, "client_cert": tls.client_cert, "client_key": tls.client_key}
    for key, path in files.items():
        if tls.enabled and path is not None and not os.access(path, os.R_OK):
            why = "cannot be read" if path.exists() else "does not exist"
            raise ConfigurationError(f"{instance.id}: ssl.{key} {path} {why}", "Correct it in the configuration.")


def _source(spec: ConnectionSpec, watch: Callable[[Any], object]) -> SqlEngine:
    """Describe where connections come from; `watch` gets the driver's own before anything is asked of the server."""
    from sqlalchemy import NullPool, create_engine, event

    source = create_engine(
        spec.url,
        connect_args=dict(spec.connect_args),
        poolclass=NullPool,
        pool_reset_on_return=None,  # nothing is open to roll back, and a dead server would only make noise
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
    )
    if connect := spec.connect:
        event.listen(source, "do_connect", lambda dialect, record, words, named: connect(*words, **named))
    # SQLAlchemy itself asks some questions on its first connection, which a hung server leaves unanswered
    event.listen(source, "connect", lambda opened, record: watch(opened), insert=True)
    return source


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
