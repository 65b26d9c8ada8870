"""Which backup a restore takes, and what is known about it before the first byte."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Any

from vya_backup.decisions.manifest import Manifest
from vya_backup.decisions.metadata import Needs, Sidecar, decode
from vya_backup.decisions.naming import ArtifactName, Key
from vya_backup.decisions.verdict import metadata_faults
from vya_backup.engines import accounts_engine, engine_for, engine_of, has_accounts
from vya_backup.engines.contract import Engine
from vya_backup.engines.stages import Stage
from vya_backup.errors import ArtifactDamaged, RestoreRefused, UsageError
from vya_backup.history.views import BackupRow, RestorableRow, backups, restorable
from vya_backup.jobs.alarms import shrink_of
from vya_backup.jobs.checking import read_back, unpack
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport import pipeline, reading_back
from vya_backup.transport.compression import of_path
from vya_backup.transport.storage import Store

_TO_THE_SECOND = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(Z|[+-]\d\d:?\d\d)?")
FIRST_WORDS = {
    b"PostgreSQL database dump": "postgresql",
    b"MariaDB dump": "mariadb",
    b"MySQL dump": "mysql",
}
FIRST_WORDS_OF_ACCOUNTS = {
    b"PostgreSQL database cluster dump": "postgresql",
    b"VYA BackupDB accounts of mariadb": "mariadb",
    b"VYA BackupDB accounts of mysql": "mysql",
}


@dataclass(frozen=True)
class Wish:
    """What the command line asks for."""

    key: Key | None = None
    at: datetime | None = None
    latest: bool = False
    backup: str = ""
    file: Path | None = None
    to: str = ""
    target_instance: str = ""
    force: bool = False
    words: frozenset[str] = frozenset()
    stage: Stage = Stage.WHOLE
    recovery_id: str = ""
    """The recovery of a whole instance that it is part of."""

    def __str__(self) -> str:
        said = [f"backup {self.backup}"] if self.backup else [f"file {self.file}"] if self.file else []
        said += [f"at {self.at.isoformat()}"] if self.at else []
        said += [f"to {self.target_instance or ''}/{self.to}"] if self.to or self.target_instance else []
        said += ["force"] if self.force else []
        said += [f"recovery {self.recovery_id}"] if self.recovery_id else []
        return ", ".join(said) or "newest good backup"


@dataclass(frozen=True)
class Source:
    """An artifact to restore from."""

    store: Store
    path: str
    """Relative to the store."""
    engine: Engine
    key: Key | None
    """Where it came from; None for a file without a sidecar."""
    backup: BackupRow | None
    """Its history; None for a file that this catalog has never seen."""
    sidecar: Sidecar | None
    started_at: datetime | None
    plain_bytes: int = 0
    manifest: Manifest | None = None
    """From the sidecar, or read from the dump itself by `examine`; None where its bytes alone do not tell it."""

    @property
    def of_accounts(self) -> bool:
        """Say whether it holds the accounts of a server, and no database."""
        if self.key is not None:
            return self.key.is_users
        return has_accounts(self.engine.name) and self.engine is accounts_engine(self.engine.name)

    @property
    def needs(self) -> Needs:
        """Return what a server must have for it."""
        return self.sidecar.needs if self.sidecar else Needs()

    @property
    def properties(self) -> dict[str, Any]:
        """Return the recorded properties of its database; none without a sidecar."""
        return dict(self.sidecar.properties) if self.sidecar else {}


def choose(workspace: Workspace, wish: Wish) -> Source:
    """Find the artifact that a wish means.

    Raises:
        UsageError: the wish names something that does not exist.
        RestoreRefused: there is nothing to restore from, or the choice needs a word.
    """
    if wish.file is not None:
        return _from_file(wish.file)
    if wish.backup:
        return _from_row(workspace, _by_id(workspace, wish))
    if wish.key is None:
        raise UsageError("a restore names no database", "Say which: doit restore:INSTANCE/DATABASE.")
    return _from_row(workspace, _newest(workspace, wish.key, wish))


def examine(workspace: Workspace, source: Source, progress: pipeline.Progress) -> Source:
    """Read the artifact to its last byte and return it with its manifest; without a sidecar, its content tells that.

    Raises:
        ArtifactDamaged: it differs from what the catalog or its sidecar says.
    """
    if source.backup is not None and source.sidecar is not None:
        read_back(workspace, source.backup, progress)
        return replace(source, manifest=source.sidecar.manifest)
    if source.backup is not None:
        seen = unpack(workspace, source.backup, progress)
    else:
        seen = reading_back.unpack(source.store, source.path, of_path(source.path), source.engine.observer(), progress)
        _judge_foreign(source, seen)
    manifest = source.sidecar.manifest if source.sidecar else _seen_manifest(seen)
    return replace(source, manifest=manifest, plain_bytes=seen.plain_bytes)


def instant(workspace: Workspace, text: str, option: str = "--at") -> datetime:
    """Return the time that was said, in the configured zone where it names none; a day or a second means its end.

    Raises:
        UsageError: it is no time.
    """
    try:
        said = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is no time", "Write it as 2026-01-09 or '2026-01-09 02:30'.") from error
    if len(text) == len("2026-01-09"):  # the newest backup of that day
        said = said.replace(hour=23, minute=59, second=59, microsecond=999999)
    elif _TO_THE_SECOND.fullmatch(text):  # as screens show when a dump began, and none shows more
        said = said.replace(microsecond=999999)
    return said if said.tzinfo else said.replace(tzinfo=workspace.schedule.zone)


def restorable_rows(workspace: Workspace, key: Key) -> list[RestorableRow]:
    """Return what a database can be restored from, newest first."""
    return restorable(workspace.catalog, key.instance, key.database)


def _newest(workspace: Workspace, key: Key, wish: Wish) -> BackupRow:
    rows = restorable_rows(workspace, key)
    if not rows:
        raise RestoreRefused(f"there is no good backup of {key}", "See what there is with: doit backups")
    if wish.at is None:
        _refuse_shrunken(workspace, key, wish)
        return rows[0]
    fitting = [row for row in rows if row.started_at <= wish.at]
    if not fitting:
        oldest = rows[-1].started_at.astimezone(wish.at.tzinfo)
        raise RestoreRefused(
            f"no good backup of {key} is as old as {_seconds(wish.at)}",
            f"The oldest is of {_seconds(oldest)}; see: doit backups {quote(key.task)}",
        )
    return fitting[0]


def _seconds(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S %Z")


def _refuse_shrunken(workspace: Workspace, key: Key, wish: Wish) -> None:
    """A fresh, empty server must not become the source of the next restore just because it is the newest."""
    shrink = None if wish.latest else shrink_of(workspace, key)
    if shrink:
        before = f", or --backup {shrink.last_full} for the one before" if shrink.last_full else ""
        raise RestoreRefused(
            f"the newest backup of {key} is {shrink.percent:.0f} % smaller than the one before",
            f"Say --latest to take it all the same{before}.",
        )


def _by_id(workspace: Workspace, wish: Wish) -> BackupRow:
    key = wish.key
    rows = backups(workspace.catalog, key.instance, key.database) if key else backups(workspace.catalog)
    found = [row for row in rows if row.backup_id == wish.backup] or [
        row for row in rows if row.backup_id.startswith(wish.backup)
    ]
    if len(found) != 1:
        of = f" of {key}" if key else ""
        what = f"{len(found)} backups{of} have" if found else f"no backup{of} has"
        raise UsageError(f"{what} an id that begins with {wish.backup!r}", "See the ids with: doit backups")
    if found[0].state != "good":
        raise RestoreRefused(
            f"backup {found[0].backup_id} is {found[0].state}, not good", "See the good ones with: doit backups"
        )
    return found[0]


def _from_row(workspace: Workspace, row: BackupRow) -> Source:
    store, path = workspace.store, row.path or ""
    key = Key(row.instance, row.database)
    sidecar = sidecar_beside(store, path)
    if sidecar is not None and sidecar.backup_id != row.backup_id:
        raise ArtifactDamaged(
            f"the sidecar of {row.path} belongs to another backup: {sidecar.backup_id} instead of {row.backup_id}",
            "Move the wrong .metadata.json away; the restore then reads what it needs from the dump itself.",
        )
    if sidecar is not None and (fault := next(metadata_faults(row, _metadata(store, path)), None)):
        raise ArtifactDamaged(fault.words, "Move it away; the restore then reads what it needs from the dump itself.")
    return Source(
        store, path, engine_of(row.engine or "", row.database), key, row, sidecar, row.started_at, row.plain_bytes or 0
    )


def _from_file(file: Path) -> Source:
    if not file.is_file():
        raise UsageError(f"there is no file {file}")
    store = Store(file.absolute().parent)
    sidecar = sidecar_beside(store, file.name)
    if sidecar is None:
        engine = engine_for("sqlite") if ".db." in file.name else _engine_of_text(store, file.name)
        return Source(store, file.name, engine, None, None, None, None)
    key = Key(sidecar.instance, sidecar.database)
    return Source(
        store,
        file.name,
        engine_of(sidecar.engine, sidecar.database),
        key,
        None,
        sidecar,
        datetime.fromisoformat(sidecar.started_at),
    )


def _engine_of_text(store: Store, name: str) -> Engine:
    """Tell by a dump's first line which tool wrote it."""
    head = reading_back.beginning(store, name, of_path(name))
    for mark, engine in FIRST_WORDS_OF_ACCOUNTS.items():
        if mark in head:
            return accounts_engine(engine)
    for mark, engine in FIRST_WORDS.items():
        if mark in head:
            return engine_for(engine)
    raise RestoreRefused(f"{name} does not begin like a dump of PostgreSQL, MariaDB or MySQL, and has no sidecar")


def _metadata(store: Store, path: str) -> bytes:
    return store.read_bytes(ArtifactName(path).metadata)


def sidecar_beside(store: Store, path: str) -> Sidecar | None:
    """Return what the sidecar of a dump says; None where there is none.

    Raises:
        ArtifactDamaged: it cannot be read.
    """
    name = ArtifactName(path).metadata
    if store.size(name) is None:
        return None
    try:
        return decode(_metadata(store, path))
    except ValueError as error:
        raise ArtifactDamaged(
            f"{name} cannot be read: {error}", "Move it away to restore from the dump alone."
        ) from error


def _judge_foreign(source: Source, seen: reading_back.Unpacked) -> None:
    if seen.fault:
        raise ArtifactDamaged(f"{source.path} is damaged: {seen.fault}")
    expected = source.sidecar.sha256 if source.sidecar else _stored_digest(source)
    if expected and expected != seen.sha256:
        raise ArtifactDamaged(f"{source.path} is damaged: its SHA-256 is {seen.sha256} instead of {expected}")


def _seen_manifest(seen: reading_back.Unpacked) -> Manifest | None:
    observation = seen.observation
    return observation.manifest if observation and observation.surveyed else None


def _stored_digest(source: Source) -> str:
    name = ArtifactName(source.path).checksum
    if source.store.size(name) is None:
        return ""
    return source.store.read_bytes(name).decode(errors="replace").lstrip("\\").split(" ")[0].strip()
