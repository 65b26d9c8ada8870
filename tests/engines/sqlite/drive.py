"""Runs what the engine describes: real processes, real connections, undos in reverse; a restore in forty lines.

The rule: it knows nothing of SQLite, so that whatever a test sees was said by the engine.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vya_backup.decisions.manifest import differences
from vya_backup.engines.answers import Survey
from vya_backup.engines.commands import Command, ReportPath
from vya_backup.engines.contract import Access, RestoreRequest
from vya_backup.engines.dumping import DumpRequest, Observation
from vya_backup.engines.sqlite import engine as engine_of
from vya_backup.engines.sqlite.sqlite_engine import SqliteEngine
from vya_backup.engines.steps import Compare, Load, PointOfNoReturn, Run, Step
from vya_backup.errors import BackupError, RestoreFailed
from vya_backup.settings.model import Instance
from vya_backup.transport.connections import connect


@dataclass(frozen=True)
class Dumped:
    """One dump with all that a restore needs of it."""

    database: str
    content: bytes
    observation: Observation
    survey: Survey


def access_to(path: Path | str) -> Access:
    """Return an access to an instance of this path, folder or glob."""
    return Access(Instance(id="local", type="sqlite", path=str(path)))


def fresh_engine() -> SqliteEngine:
    """Return an engine that remembers nothing."""
    return engine_of("sqlite")  # type: ignore[return-value]


def ended(command: Command, stdin: bytes = b"") -> tuple[int, bytes, str, str]:
    """Run a command and return status, output, standard error and report."""
    report = os.memfd_create("report")
    argv = [f"/proc/self/fd/{report}" if isinstance(a, ReportPath) else str(a) for a in command.argv]
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, pass_fds=(report,), umask=0o077, check=False)
        text = os.pread(report, os.fstat(report).st_size, 0).decode()
    finally:
        os.close(report)
    return done.returncode, done.stdout, done.stderr.decode(), text


def names(engine: SqliteEngine, access: Access) -> dict[str, str]:
    """Return the problems by name of database, empty where there is none."""
    with connect(engine, access) as connection:
        return {found.name: found.problem for found in engine.databases(connection, access)}


def dump(access: Access, database: str, *, wait: float = 5, scratch: Path | None = None) -> Dumped:
    """Survey and dump one database.

    Raises:
        BackupError: as the engine explains it.
    """
    engine = fresh_engine()
    with connect(engine, access, database) as connection:
        server = engine.server(connection)
        survey = engine.survey(connection, server, database)
    request = DumpRequest(access, database, server, None, survey, "marker", wait, scratch=scratch)  # type: ignore[arg-type]
    (part,) = engine.dump(request)
    status, output, stderr, report = ended(part.command)
    if status:
        raise engine.explain_tool("sqlite", status, stderr)
    observer = engine.observer()
    observer.feed(output)
    observer.note_report(report)
    observer.end_part(part.name)
    return Dumped(database, output, observer.finish(), survey)


def request_of(dumped: Dumped, access: Access, to: str | None = None, *, exists: bool = False) -> RestoreRequest:
    """Return the request that restores a dump."""
    engine = fresh_engine()
    with connect(engine, access) as connection:
        server = engine.server(connection)
    return RestoreRequest(
        access=access,
        database=to or dumped.database,
        source_database=dumped.database,
        server=server,
        client=None,
        manifest=dumped.observation.manifest,
        properties=dumped.survey.properties,
        needs=dumped.survey.needs,
        exists=exists,
        staging="shop__staging",
        retired="shop__retired",
    )


def restore(dumped: Dumped, request: RestoreRequest, *, before: Callable[[Step], None] = lambda step: None) -> None:
    """Run a restore; `before` is called before each step and may break something.

    Raises:
        BackupError: a step failed; what was done has been taken back.
    """
    engine, undos = fresh_engine(), []
    try:
        for step in engine.restore(request):
            before(step)
            if isinstance(step, PointOfNoReturn):
                undos = []
                continue
            _take(engine, request.access, step, dumped)
            undos.append(getattr(step, "undo", ()))
    except BackupError:
        for undo in reversed(undos):
            for step in undo:
                _take(engine, request.access, step, dumped)
        raise


def _take(engine: SqliteEngine, access: Access, step: Step, dumped: Dumped) -> None:
    if isinstance(step, Compare):
        with connect(engine, access, step.database) as connection:
            found = engine.count(connection, engine.server(connection), step.database)
        if unequal := differences(dumped.observation.manifest, found):
            raise RestoreFailed("; ".join(unequal))
        return
    assert isinstance(step, Load | Run)
    status, _, stderr, _ = ended(step.command, dumped.content if isinstance(step, Load) else b"")
    if status:
        raise engine.explain_tool("sqlite", status, stderr)
