"""Dump one database: gather, decide, stream, publish, append.

The order of effects is such that an abort at any line leaves something the next run can finish or sweep: `started`
names the final path before the first byte; the sidecars are published before the dump, the dump before `dumped`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from vya_backup import log
from vya_backup.clock import monotonic, parse_rfc3339
from vya_backup.decisions.evidence import error_in, facts_of
from vya_backup.decisions.hooks import Occasion
from vya_backup.decisions.manifest import missing_objects
from vya_backup.decisions.metadata import encode
from vya_backup.decisions.naming import ArtifactName, Key, free_name
from vya_backup.decisions.plan import Work
from vya_backup.engines.answers import MissingPrivilege, Server, Survey
from vya_backup.engines.choosing import choose_client
from vya_backup.engines.contract import Access, Engine
from vya_backup.engines.dumping import DumpRequest
from vya_backup.engines.tools import Client
from vya_backup.errors import BackupError, DumpDisturbed, DumpFailed, DumpIncomplete, HookFailed, PrivilegeMissing
from vya_backup.history.events import Failed
from vya_backup.history.identifiers import new_id
from vya_backup.jobs import hooks
from vya_backup.jobs.facts import DumpFacts, dumped_event, sidecar_of, started_event
from vya_backup.jobs.lock_watch import watching
from vya_backup.jobs.planning import Planned, decide_again
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport import pipeline
from vya_backup.transport.compression import Compressor, Level
from vya_backup.transport.connections import connect
from vya_backup.transport.drafts import Draft
from vya_backup.transport.limits import Limits
from vya_backup.transport.retrying import attempts
from vya_backup.transport.storage import Store
from vya_backup.transport.tools import find_client, stdbuf

SECONDS_PER_MINUTE = 60
SLACK = 1.2  # a dump may grow by a fifth between two runs before the check for room is wrong
NAMED = 5  # so many objects are named in a message; the rest is counted


@dataclass(frozen=True)
class Order:
    """One dump to be made."""

    planned: Planned
    forced: bool = False
    level: Level | None = None
    """A compression level said on the command line, for this run only."""


@dataclass(frozen=True)
class Dump:
    """A published dump, not yet read back."""

    backup_id: str
    path: str
    size_bytes: int
    plain_bytes: int
    seconds: float
    warnings: tuple[str, ...] = ()


def dump_database(workspace: Workspace, order: Order, progress: pipeline.Progress) -> Dump | None:
    """Dump a database under its lock, again where the failure passes; None when another run did it meanwhile.

    Raises:
        BackupError: the last attempt's failure, which is in the catalog as `failed`.
        AlreadyRunning: another process is at it.
    """
    key = order.planned.key
    with workspace.turn(order.planned.instance), workspace.locked(key, f"backup of {key}"):
        decision = decide_again(workspace, order.planned, forced=order.forced)
        if decision.work is not Work.DUMP:
            return None
        fresh = replace(order, planned=replace(order.planned, decision=decision, artifact=_free(workspace, order)))
        try:
            with hooks.around(workspace, "backup", Occasion(key.instance, key.database)) as told:
                return _attempted(workspace, fresh, progress, told)
        except HookFailed as error:
            workspace.catalog.append(_failure(key, error, "hook"))
            raise


def _attempted(workspace: Workspace, order: Order, progress: pipeline.Progress, told: hooks.Told) -> Dump:
    numbers = iter(range(1, workspace.configuration.backup.retries + 2))

    def attempt() -> Dump:
        one = _Attempt(workspace, order, progress, next(numbers))
        told.note(backup_id=one.backup_id)
        return one.run()

    done = attempts(workspace.configuration.backup, attempt)
    told.note(path=str(workspace.store.path(done.path)))
    return done


def _free(workspace: Workspace, order: Order) -> ArtifactName:
    return free_name(order.planned.artifact, lambda path: workspace.store.size(path) is not None)


@dataclass(frozen=True)
class _Scene:
    """What was gathered before the first byte."""

    engine: Engine
    access: Access
    server: Server
    client: Client
    survey: Survey


class _Attempt:
    """One attempt at one dump, with an id of its own."""

    def __init__(self, workspace: Workspace, order: Order, progress: pipeline.Progress, number: int) -> None:
        self.workspace = workspace
        self.order = order
        self.progress = progress
        self.number = number
        self.backup_id = new_id()
        self.begun = False
        self.published = False

    def run(self) -> Dump:
        """Gather, begin, stream, publish; a failure is appended before it leaves."""
        try:
            with log.about(backup_id=self.backup_id):
                scene = self._gather()
                self._ensure_room(scene.survey)
                return self._dump(scene, self._begin(scene))
        except BackupError as error:
            if not self.published:  # else the dump stands and only its event is missing: the next run adopts it
                self._record(error)
            raise

    def _gather(self) -> _Scene:
        planned = self.order.planned
        if planned.problem:
            raise DumpFailed(f"{planned.key} cannot be dumped: {planned.problem}")
        engine, access = (
            self.workspace.engine(planned.instance, planned.key.database),
            self.workspace.access(planned.instance),
        )
        with connect(engine, access, planned.key.database) as connection:
            server = engine.server(connection)
            _demand_privileges(planned, engine.missing_privileges(connection, server, planned.key.database))
            survey = engine.survey(connection, server, planned.key.database)
        found = find_client(engine.dump_tool, self.workspace.configuration.backup.client_folders)
        return _Scene(engine, access, server, choose_client(engine, found, server), survey)

    def _ensure_room(self, survey: Survey) -> None:
        newest = self.order.planned.decision.backup
        needed = newest.size_bytes * SLACK if newest else (survey.size_bytes or 0)
        self.workspace.store.ensure_room(int(needed), self.workspace.configuration.storage.min_free_percent)

    def _begin(self, scene: _Scene) -> datetime:
        """Append `started`, and return its time: the sidecar says the same one, should the catalog be lost."""
        banners = (scene.client.banner, scene.server.banner)
        started = started_event(self.workspace, self.order.planned, self.backup_id, self.number, banners)
        (recorded,) = self.workspace.catalog.append(started)
        self.begun = True
        return parse_rfc3339(recorded.at)

    def _dump(self, scene: _Scene, started_at: datetime) -> Dump:
        artifact, store = self.order.planned.artifact, self.workspace.store
        with store.draft(artifact.dump) as draft:
            streamed = self._stream(scene, draft)
            self._believe(streamed)
            self._compare_with_server(scene, streamed)
            sidecar = sidecar_of(self.workspace, self._facts(scene, streamed, started_at))
            checksum = artifact.checksum_line(sidecar.sha256).encode()
            metadata = encode(sidecar)
            _publish(store, draft, {artifact.metadata: metadata, artifact.checksum: checksum})
        self.published = True
        self.workspace.catalog.append(dumped_event(sidecar, artifact.dump, metadata, facts_of(streamed.stderr)))
        self.workspace.keep_words(self.backup_id, streamed.stderr)
        warnings = tuple(f"{gap.kind} {gap.name}: {gap.reason}" for gap in scene.survey.gaps)
        sizes = (streamed.stored_bytes, streamed.plain_bytes)
        return Dump(self.backup_id, artifact.dump, *sizes, streamed.duration_seconds, warnings)

    def _stream(self, scene: _Scene, draft: Draft) -> pipeline.Streamed:
        settings = self.workspace.configuration.backup
        marker = f"vya-backup-{self.backup_id}"
        request = DumpRequest(
            access=scene.access,
            database=self.order.planned.key.database,
            server=scene.server,
            client=scene.client,
            survey=scene.survey,
            marker=marker,
            lock_wait_seconds=settings.lock_wait_seconds,
            stdbuf=stdbuf(),
            scratch=self.workspace.store.temp_path,
        )
        with watching(scene.engine, scene.access, marker, settings.max_blocking_seconds) as given_up:
            return pipeline.dump(
                scene.engine.dump(request),
                draft,
                scene.engine.observer(),
                engine=scene.engine,
                compressor=Compressor(settings.compression, self._level),
                limits=Limits(deadline=self._deadline(), given_up=given_up),
                progress=self.progress,
                pace=self.workspace.pace(self.order.planned.instance),
                extra_digests=("md5",) if self.workspace.configuration.storage.checksums.algorithm == "md5" else (),
            )

    def _believe(self, streamed: pipeline.Streamed) -> None:
        if said := error_in(streamed.stderr):
            error = DumpIncomplete(f"{self.order.planned.key}: the tool ended with 0, but said: {said}")
            error.stderr = streamed.stderr
            raise error

    def _compare_with_server(self, scene: _Scene, streamed: pipeline.Streamed) -> None:
        key = self.order.planned.key
        with connect(scene.engine, scene.access, key.database) as connection:
            after = scene.engine.survey(connection, scene.server, key.database)
        if after.objects != scene.survey.objects:
            raise DumpDisturbed(f"{key}: objects were created or dropped while it was dumped")
        lacking = missing_objects(after.objects, streamed.observation.manifest.objects)
        if lacking:
            raise DumpIncomplete(
                f"{key}: {len(lacking)} objects of the server are not in the dump: {_some(lacking)}",
                "Check the account's privileges with: doit config test-connections",
            )

    def _facts(self, scene: _Scene, streamed: pipeline.Streamed, started_at: datetime) -> DumpFacts:
        planned, level = self.order.planned, self._level
        return DumpFacts(self.backup_id, planned, started_at, scene.client, scene.server, scene.survey, streamed, level)

    @property
    def _level(self) -> Level:
        said = self.order.level
        return said if said is not None else self.workspace.configuration.backup.compression_level

    def _deadline(self) -> float:
        own = monotonic() + self.workspace.configuration.backup.timeout_minutes * SECONDS_PER_MINUTE
        whole_run = self.workspace.run_deadline
        return own if whole_run is None else min(own, whole_run)

    def _record(self, error: BackupError) -> None:
        backup_id = self.backup_id if self.begun else None
        self.workspace.catalog.append(_failure(self.order.planned.key, error, "dump", backup_id))
        self.workspace.keep_words(self.backup_id, error.stderr)


def _failure(key: Key, error: BackupError, step: str, backup_id: str | None = None) -> Failed:
    return Failed(
        instance=key.instance,
        database=key.database,
        backup_id=backup_id,
        step=step,
        code=error.code,
        message=error.message,
        hint=error.hint,
        stderr=facts_of(error.stderr),
    )


def _publish(store: Store, draft: Draft, sidecars: Mapping[str, bytes]) -> None:
    """Publish the sidecars, then the dump, whose final name is the commit; a failure leaves none of them."""
    written: list[str] = []
    try:
        for path, content in sidecars.items():
            store.write_sidecar(path, content)
            written.append(path)
        draft.publish(numbered=False)
    except BackupError:
        for path in written:
            store.unlink(path)
        raise


def _demand_privileges(planned: Planned, missing: tuple[MissingPrivilege, ...]) -> None:
    if missing:
        first = missing[0]
        others = f" (and {len(missing) - 1} more privileges)" if len(missing) > 1 else ""
        message = f"{planned.key}: the account lacks {first.privilege}: {first.reason}{others}"
        raise PrivilegeMissing(message, f"Run on the server: {first.remedy}")


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + rest
