"""Where a drill happens: a private server made for it alone, or a configured instance beside its databases.

The rule: the ground is gone after the drill, whatever became of it; what a killed drill left goes with the next sweep.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from vya_backup.decisions.manifest import Manifest
from vya_backup.decisions.naming import USERS
from vya_backup.engines.answers import Server
from vya_backup.engines.choosing import choose_server
from vya_backup.engines.commands import Command
from vya_backup.engines.contract import Access, Engine
from vya_backup.engines.throwaway import Looks, Site, Throwaway
from vya_backup.engines.tools import Client
from vya_backup.errors import BackupError, ConfigurationError, RestoreRefused, SpaceMissing
from vya_backup.history.identifiers import new_id
from vya_backup.jobs.restore_source import Source
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.model import Instance
from vya_backup.transport import pipeline, private_server
from vya_backup.transport.connections import connect
from vya_backup.transport.disk import explained, space
from vya_backup.transport.limits import Limits
from vya_backup.transport.locks import hold
from vya_backup.transport.private_server import PrivateServer, Scratch, scratch
from vya_backup.transport.sandbox import Caps, Sandbox, Walls, account_for, sandbox
from vya_backup.transport.stopping import stop
from vya_backup.transport.tools import family_of, find_client

GRACE_SECONDS = 10.0
EMPTY_SERVER_BYTES = 512 << 20  # what a server takes before anything is in it, generously
ROOM_FACTOR = 2  # tables and their indexes against the plain text of the dump
SOCKET_PATH_BYTES = 107  # unix(7)
SHARED_PREFIX = "vya_drill_"


@dataclass(frozen=True)
class Ground:
    """A place that is ready to be restored into."""

    access: Access
    server: Server
    database: str
    walls: str
    """The sandbox, by its name."""
    confine: Callable[[Command], Command]
    lost: Callable[[], str]
    """Says why the private server is gone, although nobody wanted that; empty while it is there."""
    is_private: bool
    count: Callable[[str], Manifest] | None = None
    """Counts outside this process; None where a connection is asked."""
    answer: Callable[[str], bytes] | None = None
    """Runs one SELECT outside this process and returns its answer as JSON; None where a connection is asked."""


def folder_of(workspace: Workspace) -> Path:
    """Return where private servers live; /tmp may be memory, so it is not the first choice."""
    return workspace.configuration.drill.folder or Path(os.environ.get("TMPDIR") or "/var/tmp")  # noqa: S108 - 0700 below


def sweep(workspace: Workspace) -> None:
    """Remove the private servers' folders that killed drills left on this machine."""
    private_server.sweep(folder_of(workspace))


def shared_instance(workspace: Workspace, engine: Engine, database: str) -> Instance | None:
    """Return the configured instance that takes the dumps of an engine; None where a private server does.

    Accounts always take a private one: they belong to the whole server, and cannot stand beside those that are there.

    Raises:
        UsageError: `drill.instance` names none.
    """
    wanted = workspace.configuration.drill.instance if database != USERS else ""
    instance = workspace.instance(wanted) if wanted else None
    return instance if instance and workspace.engine(instance).family == engine.family else None


@contextmanager
def ground_for(workspace: Workspace, source: Source, limits: Limits) -> Iterator[Ground]:
    """Prepare the configured instance, where it takes such a dump, or else a private server; clear up after the block.

    Raises:
        BackupError: there is no such ground here; nothing was said about the backup.
    """
    instance = shared_instance(workspace, source.engine, source.key.database if source.key else "")
    if instance is not None:
        making = shared_ground(workspace, instance, source)
    else:
        making = private_ground(workspace, source, limits)
    with making as ground:
        yield ground


# --------------------------------------------------------------------------- a private server


@contextmanager
def private_ground(workspace: Workspace, source: Source, limits: Limits) -> Iterator[Ground]:
    """Make and start a private server, and remove it after the block.

    Raises:
        BackupError: no server program fits, no sandbox, no room, it does not start.
    """
    engine, wanted, parent = source.engine, workspace.configuration.drill.sandbox, folder_of(workspace)
    program = _program(workspace, source)
    _demand_room(parent, source)
    account = account_for(wanted)
    with ExitStack() as stack:
        folders = stack.enter_context(scratch(parent, account))
        database = source.key.database if source.key else "drill"
        described = engine.throwaway(Site(program, folders.work, database, source.properties))
        if described.serve:
            _demand_short(folders)
        described = replace(described, access=replace(described.access, answer_seconds=workspace.answer_seconds))
        box = sandbox(wanted, account, _walls(workspace, source, folders, described), _caps(workspace))
        limits = replace(limits, given_up=_keeping_free(workspace, parent))
        for command in described.make:
            pipeline.run(box.confine(command), engine=engine, limits=limits)
        server = stack.enter_context(_served(described, box, limits)) if described.serve else None
        if server:
            server.wait_until_ready(engine, described.access)
        yield _private(engine, described, box, server, limits)


def _program(workspace: Workspace, source: Source) -> Client:
    engine = source.engine
    found = find_client(engine.server_tool, workspace.configuration.backup.client_folders)
    return choose_server(engine, [one for one in found if family_of(one.banner) in {"", engine.family}], source.needs)


def _demand_room(parent: Path, source: Source) -> None:
    wanted = ROOM_FACTOR * source.plain_bytes + EMPTY_SERVER_BYTES
    with explained("measure", parent):
        free = space(parent).free
    if free < wanted:
        raise SpaceMissing(
            f"{parent} has {free:,} bytes free, a drill of this backup may take {wanted:,}",
            "Free some space, or set drill.folder to a folder on a larger disk.",
        )


def _demand_short(folders: Scratch) -> None:
    longest = folders.work / ".s.PGSQL.5432.lock"
    if len(os.fsencode(longest)) > SOCKET_PATH_BYTES:
        raise ConfigurationError(
            f"drill.folder {folders.work.parent.parent} is too long for the path of a socket in it",
            f"Take a shorter one: {longest} may have {SOCKET_PATH_BYTES} bytes.",
        )


def _walls(workspace: Workspace, source: Source, folders: Scratch, described: Throwaway) -> Walls:
    """Let through what the programs need; what is secret stays hidden even where it lies below such a folder."""
    configuration = workspace.configuration
    loaders = find_client(source.engine.load_tool, configuration.backup.client_folders)
    prefixes = [client.path.resolve().parent.parent for client in loaders]
    tools = [prefix / name for prefix in prefixes for name in ("bin", "lib", "lib64", "share")]
    catalog, credentials = configuration.catalog.path, configuration.credentials
    hides = [configuration.storage.base_path, credentials.file.parent, credentials.key_path.parent]
    hides += [catalog.parent] if catalog else []
    return Walls(folders.work, folders.system, (*described.shows, *tools), tuple(hides))


def _caps(workspace: Workspace) -> Caps:
    limits = workspace.configuration.drill.limits
    return Caps(limits.memory_mb << 20, limits.file_mb << 20, limits.processes, round(workspace.answer_seconds))


def _keeping_free(workspace: Workspace, parent: Path) -> Callable[[], BackupError | None]:
    """Return what is asked at every wait for a program of the drill: whether it has filled the disk."""
    wanted = workspace.configuration.drill.limits.min_free_mb << 20

    def look() -> BackupError | None:
        with explained("measure", parent):
            free = space(parent).free
        if free >= wanted:
            return None
        return SpaceMissing(
            f"the drill was ended, since {parent} had only {free:,} bytes left of the {wanted:,} that stay free",
            "Give drill.folder more room, or lower drill.limits.min_free_mb.",
        )

    return look


def _served(described: Throwaway, box: Sandbox, limits: Limits) -> PrivateServer:
    assert described.serve is not None  # noqa: S101  the caller has looked
    # Behind walls everything dies at once and nothing outside can be left; without, a server has to clear up itself.
    return PrivateServer(box.confine(described.serve), 0 if box.name != "none" else GRACE_SECONDS, limits.given_up)


def _private(
    engine: Engine, described: Throwaway, box: Sandbox, server: PrivateServer | None, limits: Limits
) -> Ground:
    with connect(engine, described.access) as connection:
        told = engine.server(connection)

    def output(command: Command) -> bytes:
        return pipeline.output(box.confine(command), engine=engine, limits=limits)

    looks: Looks | None = described.looks
    return Ground(
        access=described.access,
        server=told,
        database=described.database,
        walls=box.name,
        confine=box.confine,
        lost=lambda: server.lost if server else "",
        is_private=True,
        count=(lambda database: looks.counted(output(looks.count(database)))) if looks else None,
        answer=(lambda sql: output(looks.ask(sql))) if looks else None,
    )


# --------------------------------------------------------------------------- a configured instance


@contextmanager
def shared_ground(workspace: Workspace, instance: Instance, source: Source) -> Iterator[Ground]:
    """Take a database of its own on an instance that others may use, and drop it after the block.

    One drill of this host at a time, so that every other copy of this host there is what a killed one left: it goes.

    Raises:
        AlreadyRunning: another drill is at work there.
        RestoreRefused: the account or the server is none to run other people's code with.
        BackupError: the instance is not there, or no sandbox can be had for the tool that loads.
    """
    engine, wanted = source.engine, workspace.configuration.drill.sandbox
    access = workspace.access(instance, "restore")
    with connect(engine, access) as connection:
        told = engine.server(connection)
        objections = engine.drill_objections(connection, told)
    if objections:
        raise RestoreRefused(
            f"{instance.id} is no place for a drill: {'; '.join(objections)}",
            "Give it an entry with purpose: restore for an account of its own, or leave drill.instance empty.",
        )
    ours = _prefix(workspace)
    account = account_for(wanted)
    with _alone_on(workspace, instance), scratch(folder_of(workspace), account) as folders:
        box = sandbox(wanted, account, _walls_towards(workspace, source, folders, instance), _caps(workspace))
        try:
            database = ours + new_id()[-12:]
            yield Ground(access, told, database, box.name, box.confine, lambda: "", is_private=False)
        finally:
            with stop.shielded():
                _drop_all(engine, access, ours)


def clear(workspace: Workspace, instance: Instance) -> None:
    """Drop what drills of this host that were cut off have left on a configured instance.

    Raises:
        AlreadyRunning: a drill is at work there, and drops it.
        BackupError: the instance is not there, or refused.
    """
    with _alone_on(workspace, instance):
        _drop_all(workspace.engine(instance), workspace.access(instance, "restore"), _prefix(workspace))


def _alone_on(workspace: Workspace, instance: Instance) -> AbstractContextManager[None]:
    key = f"drills on {instance.id}"
    return hold(workspace.state / "locks", key, key)


def _prefix(workspace: Workspace) -> str:
    """Return how the names of this host's copies begin."""
    return f"{SHARED_PREFIX}{hashlib.sha256(workspace.configuration.application.host().encode()).hexdigest()[:8]}_"


def _drop_all(engine: Engine, access: Access, prefix: str) -> None:
    """Drop every copy whose name begins so."""
    with connect(engine, access) as connection:
        for found in engine.databases(connection, access):
            for statement in engine.drop(found.name) if found.name.startswith(prefix) else ():
                connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _walls_towards(workspace: Workspace, source: Source, folders: Scratch, instance: Instance) -> Walls:
    """Let the loading tool reach the server: through its socket, or over the network."""
    nothing = Throwaway(Access(instance), "")
    walls = _walls(workspace, source, folders, nothing)
    address = Path(instance.socket or instance.host)
    is_socket = address.is_absolute()
    tls = instance.tls
    certificates = [path for path in (tls.ca_cert, tls.client_cert, tls.client_key) if path]
    more = [address] if is_socket else certificates
    return Walls(walls.work, walls.system, (*walls.shows, *more), walls.hides, network=not is_socket)
