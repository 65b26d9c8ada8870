"""Dumps and restores through the real transport, as the jobs do it: describe, run, undo in reverse.

The rule: it decides nothing, so that whatever a test sees was said by the engine or done by the tools.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.servers import MySqlServer
from vya_backup.decisions.manifest import Manifest, differences
from vya_backup.engines.answers import Finding, Server, Survey
from vya_backup.engines.contract import Access, RestoreRequest
from vya_backup.engines.dumping import DumpRequest
from vya_backup.engines.mysql import MySqlEngine, engine
from vya_backup.engines.steps import Ask, Compare, Load, PointOfNoReturn, Run, Sql, Step
from vya_backup.engines.tools import Client
from vya_backup.errors import BackupError, RestoreFailed
from vya_backup.transport import pipeline
from vya_backup.transport.compression import Compressor
from vya_backup.transport.connections import connect
from vya_backup.transport.tools import find_client

STAGING = "vya_staging_1"
RETIRED = "vya_retired_1"


@dataclass(frozen=True)
class Dumped:
    """One dump in a file, with all that a restore needs of it."""

    database: str
    path: Path
    survey: Survey
    manifest: Manifest
    stderr: str

    @property
    def text(self) -> bytes:
        """Return the plain dump."""
        import zstandard

        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(self.path.read_bytes())) as reader:
            return reader.read()


def engine_of(server: MySqlServer) -> MySqlEngine:
    """Return the engine of a server's flavour."""
    return engine(server.engine)


def client_of(server: MySqlServer, *, loads: bool = False) -> Client:
    """Return the server's own dump tool or client."""
    spec = engine_of(server).load_tool if loads else engine_of(server).dump_tool
    return next(c for c in find_client(spec, (server.client_folder,)) if c.path.parent == server.client_folder)


def ask(server: MySqlServer, database: str | None = None, access: Access | None = None) -> Any:
    """Open a connection as the product does."""
    return connect(engine_of(server), access or server.access(), database)


def surveyed(server: MySqlServer, database: str, access: Access | None = None) -> tuple[Server, Survey]:
    """Survey a database."""
    with ask(server, database, access) as connection:
        found = engine_of(server).server(connection)
        return found, engine_of(server).survey(connection, found, database)


def dump(server: MySqlServer, database: str, folder: Path, access: Access | None = None) -> Dumped:
    """Survey and dump a database into a file of the folder."""
    access = access or server.access()
    found, survey = surveyed(server, database, access)
    return _dumped(server, DumpRequest(access, database, found, client_of(server), survey, "marker", 30), folder)


def dump_surveyed(
    server: MySqlServer, database: str, survey: Survey, folder: Path, lock_wait_seconds: float = 30
) -> Dumped:
    """Dump with a survey made before."""
    found, _survey = surveyed(server, "mysql")
    request = DumpRequest(
        server.access(), database, found, client_of(server), survey, "marker", lock_wait_seconds
    )  # fmt: skip
    return _dumped(server, request, folder)


def dump_with(server: MySqlServer, earlier: Dumped, access: Access, folder: Path, only: str) -> Manifest:
    """Dump one part again with an earlier survey and another account."""
    found, _survey = surveyed(server, "mysql")
    request = DumpRequest(access, earlier.database, found, client_of(server), earlier.survey, "marker", 30)
    engine = engine_of(server)
    parts = [part for part in engine.dump(request) if part.name == only]
    compressor = Compressor("gzip", "auto")
    streamed = pipeline.dump(parts, io.BytesIO(), engine.observer(), engine=engine, compressor=compressor)
    return streamed.observation.manifest


def _dumped(server: MySqlServer, request: DumpRequest, folder: Path) -> Dumped:
    engine = engine_of(server)
    path = folder / f"{server.engine}-{len(list(folder.iterdir()))}.sql.zst"
    with path.open("wb") as file:
        streamed = pipeline.dump(
            engine.dump(request), file, engine.observer(), engine=engine, compressor=Compressor("zstd", "auto")
        )
    return Dumped(request.database, path, request.survey, streamed.observation.manifest, streamed.stderr)


def request_for(
    server: MySqlServer, dumped: Dumped, to: str | None = None, access: Access | None = None
) -> RestoreRequest:
    """Return the restore of a dump to a database, under its own name by default."""
    database = to or dumped.database
    with ask(server, access=access) as connection:
        found = engine_of(server).server(connection)
    held = server.sql(
        "SELECT count(*) FROM information_schema.schemata WHERE cast(schema_name AS binary) = cast(%s AS binary)",
        parameters=[database],
    )
    return RestoreRequest(
        access or server.access(), database, dumped.database, found, client_of(server, loads=True), dumped.manifest,
        dumped.survey.properties, dumped.survey.needs, bool(held[0][0]), STAGING, RETIRED,
    )  # fmt: skip


def findings(server: MySqlServer, request: RestoreRequest) -> tuple[Finding, ...]:
    """Ask what stands against a restore."""
    with ask(server, access=request.access) as connection:
        return engine_of(server).check_target(connection, request)


def restore(server: MySqlServer, dumped: Dumped, to: str | None = None, **more: Any) -> list[Step]:
    """Carry out a restore; return the steps done. On a failure the undos run in reverse and the error is raised."""
    request = replace(request_for(server, dumped, to), **more)
    return run_steps(server, dumped, request)


def run_steps(
    server: MySqlServer, dumped: Dumped, request: RestoreRequest, fail_after: int | None = None
) -> list[Step]:
    """Do the steps of a request as the jobs do; `fail_after` lets it fail when that many are done."""
    steps, done, answer = engine_of(server).restore(request), [], None
    undos: list[Step] = []
    try:
        while True:
            step = steps.send(answer)
            undos = [] if isinstance(step, PointOfNoReturn) else [*getattr(step, "undo", ()), *undos]
            answer = _do(server, dumped, request, step)
            done.append(step)
            if len(done) == fail_after:
                raise RestoreFailed("stopped by the test")
    except StopIteration:
        return done
    except BackupError:
        for undo in undos:
            _do(server, dumped, request, undo)
        raise


def _do(server: MySqlServer, dumped: Dumped, request: RestoreRequest, step: Step) -> Any:
    if isinstance(step, Sql):
        return _sql(server, request, step)
    if isinstance(step, Load):
        spans = tuple(part for part in dumped.manifest.parts if part.name in step.parts)
        return pipeline.load(dumped.path, "zstd", step.command, engine=engine_of(server), spans=spans, edit=step.edit)
    if isinstance(step, Run):
        return pipeline.run(step.command, engine=engine_of(server))
    if isinstance(step, Ask):
        with ask(server, step.database, request.access) as connection:
            return step.question(connection)
    if isinstance(step, Compare):
        return _compare(server, dumped, step)
    return None


def _sql(server: MySqlServer, request: RestoreRequest, step: Sql) -> None:
    try:
        with ask(server, step.database, request.access) as connection:
            for statement in step.statements:
                connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    except BackupError:
        if not step.may_fail:
            raise


def _compare(server: MySqlServer, dumped: Dumped, step: Compare) -> None:
    found = counted(server, step.database)
    expected = dumped.manifest
    if step.kinds:
        expected = replace(expected, objects={k: v for k, v in expected.objects.items() if k in step.kinds})
        found = replace(found, objects={k: v for k, v in found.objects.items() if k in step.kinds})
    if not step.rows:
        expected = replace(expected, rows={}, sequences={})
    unlike = differences(expected, found)
    if unlike:
        raise RestoreFailed("; ".join(unlike))


def counted(server: MySqlServer, database: str) -> Manifest:
    """Count a database exactly."""
    with ask(server, database) as connection:
        return engine_of(server).count(connection, engine_of(server).server(connection), database)
