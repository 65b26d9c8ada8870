"""Events to fill catalogs with, and a plain connection to tamper with them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vya_backup.clock import now
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event, Process
from vya_backup.history.events import (
    Abandoned,
    AccountsChanged,
    Checksummed,
    Damaged,
    DrillAbandoned,
    Drilled,
    DrillStarted,
    Dumped,
    Failed,
    Held,
    Leftover,
    Missing,
    Pruned,
    RecordedGap,
    Released,
    Removed,
    Started,
    Verified,
)
from vya_backup.history.hook_events import HookRan
from vya_backup.history.notice_events import NotificationFailed, Notified
from vya_backup.history.recovery_events import Recovered, RecoveredDatabase, RecoveryFailed, RecoveryStarted
from vya_backup.history.restore_events import RestoreCleaned, Restored, RestoreFailed, RestoreStarted
from vya_backup.history.run_events import (
    CatalogCreated,
    CatalogRebuilt,
    Configured,
    ConfiguredInstance,
    Discovered,
    DiscoveryFailed,
    Exclusion,
    RunFinished,
    RunStarted,
    TaskForgotten,
    TaskRecorded,
)
from vya_backup.history.schedule_events import Missed, Scheduled

PROCESS = Process(host="wfdb02", boot_id="0f1e", pid=4711, started_ticks=99)
DAY = timedelta(days=1)


class Steps:
    """A clock that is set by hand and moves a second at each look."""

    def __init__(self, at: datetime | None = None) -> None:
        self.at = at or datetime(2026, 1, 9, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


def opened(folder: Path, clock: Callable[[], datetime] = now) -> Catalog:
    """Open (and where needed create) the catalog of a test."""
    return Catalog.open(folder / "own" / "catalog.db", host="wfdb02", now=clock)


@contextmanager
def plain(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection as anyone with the file may open it: no authorizer, SQLite's defaults, committed at once."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def started(
    backup_id: str = "b1", instance: str = "prod", database: str = "shop", at: datetime | None = None
) -> Started:
    """A dump that begins in a slot of a day around `at`."""
    middle = at or now()
    return Started(
        instance=instance,
        database=database,
        backup_id=backup_id,
        engine="mysql",
        path=f"{database}/{backup_id}.sql.gz",
        shape="s1",
        slot_start=middle - DAY / 2,
        slot_end=middle + DAY / 2,
        reason="no good backup covers the slot",
        process=PROCESS,
        client="mysqldump 8.4",
        server="8.4.2",
    )


def dumped(backup_id: str = "b1", instance: str = "prod", database: str = "shop", size: int = 1000) -> Dumped:
    """A dump that is published."""
    return Dumped(
        instance=instance,
        database=database,
        backup_id=backup_id,
        path=f"{database}/{backup_id}.sql.gz",
        size_bytes=size,
        plain_bytes=size * 5,
        sha256="5" * 64,
        plain_sha256="6" * 64,
        compression="gzip",
        duration_seconds=1.5,
        counts={"table": 3},
        rows=30,
        schema_hash="7" * 64,
        gaps=(RecordedGap(kind="table", name="t", reason="FLOAT"),),
    )


def checksummed(backup_id: str = "b1", instance: str = "prod", database: str = "shop", size: int = 1000) -> Checksummed:
    """A backup that became good."""
    return Checksummed(
        instance=instance,
        database=database,
        backup_id=backup_id,
        path=f"{database}/{backup_id}.sql.gz",
        size_bytes=size,
        sha256="5" * 64,
        duration_seconds=0.2,
        from_disk=True,
    )


def good(
    backup_id: str = "b1", instance: str = "prod", database: str = "shop", size: int = 1000, at: datetime | None = None
) -> tuple[Event, ...]:
    """The whole way to a good backup."""
    where = (backup_id, instance, database)
    return (started(*where, at=at), dumped(*where, size=size), checksummed(*where, size=size))


def one_of_each(backup_id: str = "b1", restore_id: str = "r1", database: str = "shop") -> dict[str, Event]:
    """Return an event of every type this program knows, by type."""
    where = {"instance": "prod", "database": database, "backup_id": backup_id}
    target = {"restore_id": restore_id, "target_instance": "prod", "target_database": "copy"}
    path = f"{database}/{backup_id}.sql.gz"
    kinds = (
        *good(backup_id, database=database),
        AccountsChanged(**where, before="b0", added=1, words=("eve was added (user)",)),
        Verified(**where, path=path, verdict="pass"),
        DrillStarted(**where, process=PROCESS, target_instance="standby"),
        DrillAbandoned(**where, reason="its process is gone", target_instance="standby", left="drop it"),
        Drilled(**where, verdict="pass", duration_seconds=3, rows=30),
        Failed(**where, step="dump", code="unreachable", message="no connection", hint="Start it."),
        Abandoned(**where, reason="its process is gone", process=PROCESS),
        Missing(**where, path=path),
        Damaged(**where, path=path, reason="digest differs", check="read back"),
        Pruned(**where, path=path, reason="older than 7 daily", policy="keep 7 daily"),
        Removed(**where, paths=(path,), left=(Leftover(path="x", reason="changed"),), freed_bytes=1000),
        Held(**where, reason="audit"),
        Released(**where, reason="audit is over"),
        RestoreStarted(**where, **target, source_path=path, requested="latest", process=PROCESS),
        Restored(**where, **target, duration_seconds=2, rows=30, plain_bytes=5000),
        RestoreFailed(**where, **target, code="restore", message="psql failed", left="the old database stands"),
        RestoreCleaned(**where, **target, mended=("drop vya_staging_1",)),
        Configured(
            environment="test",
            timezone="UTC",
            interval_minutes=1440,
            instances=(ConfiguredInstance(id="prod", type="postgresql", enabled=True, databases=("*",)),),
            retention={"strategy": "gfs", "daily_keep": 7},
            verify_every_days=30,
            drill_max_age_days=0,
            min_free_percent=5,
        ),
        RecoveryStarted(
            instance="prod",
            recovery_id="c1",
            target_instance="new",
            databases=(database,),
            requested="newest good backups",
            process=PROCESS,
        ),
        Recovered(
            instance="prod",
            recovery_id="c1",
            target_instance="new",
            duration_seconds=9,
            results=(RecoveredDatabase(database=database, result="restored"),),
        ),
        RecoveryFailed(
            instance="prod",
            recovery_id="c1",
            target_instance="new",
            duration_seconds=9,
            results=(RecoveredDatabase(database=database, result="failed", reason="psql failed"),),
        ),
        Discovered(instance="prod", server="8.4.2", found=(database,), excluded=(Exclusion(name="x", reason="glob"),)),
        DiscoveryFailed(instance="prod", code="login", message="password refused"),
        RunStarted(command="backup", version="2.0.0", environment="test"),
        RunFinished(exit_status=1, results={"failed": 1}),
        HookRan(**where, hook="thaw", moment="after_backup", program="/srv/thaw", status=1, problem="status 1"),
        Scheduled(
            job="backup",
            outcome="started",
            through=datetime(2026, 1, 9, 1, 34, tzinfo=UTC),
            expected_at=datetime(2026, 1, 9, 1, 30, tzinfo=UTC),
            timetable="01:30 (UTC)",
            process=PROCESS,
        ),
        Missed(
            job="backup",
            count=2,
            expected_at=datetime(2026, 1, 7, 1, 30, tzinfo=UTC),
            until=datetime(2026, 1, 8, 1, 30, tzinfo=UTC),
            cause="off",
            reason="the machine was off",
        ),
        Notified(channel="mail:error", level="ERROR", about=("r1",), what="1 failed", to=("o***@example.org",)),
        NotificationFailed(channel="mail:error", level="ERROR", about=("r1",), code="mail", message="no answer"),
        TaskRecorded(task=f"checksum:{database}", state={"deps:": [path], path: 12.5}),
        TaskForgotten(task=f"checksum:{database}"),
        CatalogCreated(schema_version=1, program_version="2.0.0"),
        CatalogRebuilt(source="copies", events=40, kept={"c1": 40}, lost={"c1": 45}),
    )
    return {kind.type: kind for kind in kinds}
