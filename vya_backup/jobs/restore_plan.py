"""Prepare a restore: choose, examine, resolve the target, check it, show it. Nothing is touched here.

The target that is shown is the one that is used: both come from the same `Prepared`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vya_backup.decisions.manifest import Manifest, counted
from vya_backup.decisions.metadata import human_size
from vya_backup.decisions.naming import Key, show
from vya_backup.engines.answers import Finding, Server
from vya_backup.engines.choosing import choose_loader
from vya_backup.engines.contract import Access, Engine, RestoreRequest
from vya_backup.engines.stages import Stage
from vya_backup.engines.tools import Client
from vya_backup.errors import BackupError, RestoreRefused, UsageError
from vya_backup.history.identifiers import new_id
from vya_backup.jobs.owners import told_where
from vya_backup.jobs.restore_source import Source, Wish, choose, examine
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.model import Instance
from vya_backup.transport import pipeline
from vya_backup.transport.connections import connect
from vya_backup.transport.tools import find_client

FRAMES = frozenset({"schema", "extension"})
"""Kinds of objects that a database without content may hold."""


@dataclass(frozen=True)
class Prepared:
    """A restore that passed every check, with everything resolved: what is shown is what is done."""

    source: Source
    target: Instance
    access: Access
    engine: Engine
    server: Server
    request: RestoreRequest
    notices: tuple[Finding, ...]
    requested: str
    """The wish in words, for the event."""
    recovery_id: str = ""

    @property
    def target_key(self) -> str:
        """Return the target as people read it."""
        return f"{self.target.id}/{show(self.request.database)}"


def prepare(workspace: Workspace, wish: Wish, progress: pipeline.Progress) -> Prepared:
    """Choose and examine the artifact, resolve and check the target; nothing is touched.

    Raises:
        RestoreRefused: something stands against it; every finding is in the message.
        BackupError: the artifact is damaged, the target unreachable, a tool missing.
    """
    source = choose(workspace, wish)
    target, database = _target(workspace, wish, source)
    engine, access = workspace.engine(target), workspace.access(target, "restore")
    source = examine(workspace, source, progress)
    with connect(engine, access) as connection:
        server = engine.server(connection)
        client = loader(workspace, engine, server, source)
        request = request_of(source, RestoreTarget(access, database, server), client, wish.words)
        request = replace(request, stage=wish.stage, exists=engine.target_exists(connection, request))
        findings = told_where(workspace, source, target, engine.check_target(connection, request))
    may_hold = wish.force or wish.stage is Stage.PROGRAMS
    is_empty = not request.exists or may_hold or holds_nothing(engine, access, server, database)
    blockers = [f for f in findings if f.blocks]
    if not is_empty:
        blockers.append(_not_empty(target, database))
    if blockers:
        raise _refusal(target, database, blockers)
    notices = tuple(f for f in findings if not f.blocks)
    return Prepared(source, target, access, engine, server, request, notices, str(wish), wish.recovery_id)


def second_half(prepared: Prepared) -> Prepared:
    """Return the restore of what is built on the tables that a prepared restore has brought."""
    short = new_id()[-12:]
    request = replace(
        prepared.request,
        stage=Stage.PROGRAMS,
        exists=True,
        staging=f"vya_staging_{short}",
        retired=f"vya_retired_{short}",
    )
    return replace(prepared, request=request, notices=())


def describe(prepared: Prepared, workspace: Workspace) -> list[str]:
    """Return the lines that show what goes where, before anything happens."""
    source, request, server = prepared.source, prepared.request, prepared.server
    manifest = request.manifest
    tables = len(manifest.rows) or manifest.count("table")
    rows = f"{counted(manifest.total_rows(), 'row')} in {counted(tables, 'table')}"
    lines = [
        f"from   {source.path}",
        f"       {source.key or 'unknown'}, dumped {_when(source, workspace)}",
        f"       {human_size(source.plain_bytes)}, {rows}",
        f"to     {prepared.target_key}  ({'REPLACES what is there' if request.exists else 'new'})",
        f"       {_address(prepared)}, {server.banner}",
        f"       environment: {workspace.configuration.application.environment}",
    ]
    if server.facts:
        lines.append("       " + ", ".join(f"{name}: {value}" for name, value in server.facts.items()))
    return lines + [f"note   {finding.message}. {finding.hint}".rstrip() for finding in prepared.notices]


def _target(workspace: Workspace, wish: Wish, source: Source) -> tuple[Instance, str]:
    if source.key is None and not (wish.target_instance and wish.to):
        raise UsageError(
            f"{source.path} has no sidecar that says where it belongs", "Say --target-instance ID and --to DATABASE."
        )
    if wish.file and wish.key and source.key and wish.key != source.key and not wish.to:
        raise UsageError(f"{source.path} is a dump of {source.key}, not of {wish.key}", "Say --to DATABASE to mean it.")
    instance_id = wish.target_instance or (wish.key or source.key or Key("", "")).instance
    target = workspace.instance(instance_id)
    if workspace.engine(target).family != source.engine.family:
        raise RestoreRefused(
            f"a dump of {source.engine.name} cannot go to {target.id}, which is {target.type}",
            "Name an instance of the same kind with --target-instance.",
        )
    return target, wish.to or (source.key or Key("", "")).database


def loader(workspace: Workspace, engine: Engine, server: Server, source: Source) -> Client:
    """Return the client that loads a dump into a server.

    Raises:
        ToolMissing: none was found, or none can.
    """
    found = find_client(engine.load_tool, workspace.configuration.backup.client_folders)
    return choose_loader(engine, found, server, source.needs)


@dataclass(frozen=True)
class RestoreTarget:
    """Where a restore goes."""

    access: Access
    database: str
    server: Server


def request_of(source: Source, target: RestoreTarget, client: Client, words: frozenset[str]) -> RestoreRequest:
    """Return all that a restore depends on, for a target that does not exist yet."""
    short = new_id()[-12:]
    return RestoreRequest(
        access=target.access,
        database=target.database,
        source_database=source.key.database if source.key else target.database,
        server=target.server,
        client=client,
        manifest=source.manifest or Manifest({}, {}, rows_exact=False),
        properties=source.properties,
        needs=source.needs,
        exists=False,
        staging=f"vya_staging_{short}",
        retired=f"vya_retired_{short}",
        allow=words,
    )


def holds_nothing(engine: Engine, access: Access, server: Server, database: str) -> bool:
    """Say whether a database holds nothing; one that cannot be read counts as holding something."""
    try:
        with connect(engine, access, database) as connection:
            survey = engine.survey(connection, server, database)
    except BackupError:
        return False
    return not any(names for kind, names in survey.objects.items() if kind not in FRAMES)


def _not_empty(target: Instance, database: str) -> Finding:
    return Finding(
        blocks=True,
        message=f"{target.id}/{show(database)} exists and is not empty",
        hint="Say --force to replace it (the old one survives until the new one stands), or --to NAME.",
    )


def _refusal(target: Instance, database: str, blockers: Sequence[Finding]) -> RestoreRefused:
    told = "\n".join(f"  - {finding.message}. {finding.hint}".rstrip() for finding in blockers)
    return RestoreRefused(f"{target.id}/{show(database)} cannot take the restore, nothing was touched:\n{told}")


def _when(source: Source, workspace: Workspace) -> str:
    if not source.started_at:
        return "at an unknown time"
    return source.started_at.astimezone(workspace.schedule.zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def _address(prepared: Prepared) -> str:
    target = prepared.target
    port = target.port or prepared.engine.default_port
    return target.path or str(target.socket or f"{target.host}:{port}")
