"""A host that makes backups night by night, its mail server, and what each of them knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from tests.engines.contract import Bench
from tests.history.samples import Steps, good
from tests.post import Post, post_office
from vya_backup.decisions.tidings import Letter, Tidings
from vya_backup.errors import BackupError
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event, Process
from vya_backup.history.events import Failed
from vya_backup.history.run_events import RunStarted
from vya_backup.jobs.health.notices import notifications
from vya_backup.jobs.notifying import tell
from vya_backup.jobs.unit_failure import Unit
from vya_backup.jobs.workspace import Workspace
from vya_backup.outlook.letters import letter
from vya_backup.settings.notifications_model import Email, Notifications

ADMIN, ONCALL = "admin@example.org", "oncall@example.org"
GONE = Process(host="testhost", boot_id="another boot", pid=1, started_ticks=1)
FAILED = Failed(instance="prod", database="crm", step="dump", code="space", message="no room left", hint="Free some.")


@dataclass
class Nights:
    """A host that makes backups night by night; the mail server is up or down as the test says."""

    workspace: Workspace
    clock: Steps
    composed: list[Tidings] = field(default_factory=list)

    def night(self, *events: Event, status: int = 0, command: str = "doit backup") -> list[BackupError]:
        """Let a day pass, and a run append these events and end; return what could not be told."""
        self.clock.at += timedelta(days=1)
        with self.workspace.catalog.run(RunStarted(command=command, version="2", environment="test")) as run:
            if events:
                self.workspace.catalog.append(*events)
            run.finish(status, {"ok": len(events) // 3, "failed": status})
        return self.tell(run.run_id if events else None)

    def killed(self, *events: Event) -> str:
        """Let a day pass, and a run begin and never end."""
        self.clock.at += timedelta(days=1)
        said = RunStarted(command="doit backup", version="2", environment="test", process=GONE)
        with self.workspace.catalog.run(said) as run:
            self.workspace.catalog.append(*events)
        return run.run_id

    def gone(self, *events: Event, status: int) -> list[BackupError]:
        """Let a day pass, and a run append these events, end and tell; its process is no more."""
        self.clock.at += timedelta(days=1)
        said = RunStarted(command="doit backup", version="2", environment="test", process=GONE)
        with self.workspace.catalog.run(said) as run:
            self.workspace.catalog.append(*events)
            run.finish(status, {"failed": status})
        return self.tell(run.run_id)

    def tell(self, run_id: str | None) -> list[BackupError]:
        """Do the last thing of a command."""
        return tell(self.workspace, self.compose, run_id)

    def compose(self, tidings: Tidings) -> Letter:
        """Write a letter, and keep what it is made of."""
        self.composed.append(tidings)
        return letter(tidings)

    def events(self) -> list[tuple[str, str]]:
        """Return type and channel of every notice."""
        found = self.workspace.catalog.rows("SELECT type, data FROM events WHERE type LIKE 'noti%' ORDER BY id")
        return [(row["type"], json.loads(row["data"])["channel"]) for row in found]

    def with_settings(self, **settings: Any) -> None:
        """Change how notifications are configured."""
        told = self.workspace.configuration.notifications.model_copy(update=settings)
        configuration = self.workspace.configuration.model_copy(update={"notifications": told})
        self.workspace = replace(self.workspace, configuration=configuration)


@pytest.fixture
def post() -> Iterator[Post]:
    """Give a mail server."""
    with post_office() as office:
        yield office


@pytest.fixture
def nights(bench: Bench, post: Post) -> Iterator[Nights]:
    """Give a host whose successes go to one person and whose failures to another."""
    clock = Steps()
    path = bench.workspace.catalog.path
    bench.workspace.catalog.close()
    catalog = Catalog.open(path, host="testhost", now=clock)
    email = Email(
        enabled=True,
        smtp_host="localhost",
        smtp_port=post.port,
        security="none",
        from_address="backups@example.org",
        success_recipients=(ADMIN,),
        error_recipients=(ONCALL,),
        timeout_seconds=5,
        give_up_seconds=10,
    )
    application = bench.workspace.configuration.application.model_copy(update={"hostname": "testhost"})
    told = {"application": application, "notifications": Notifications(email=email)}
    configuration = bench.workspace.configuration.model_copy(update=told)
    workspace = replace(bench.workspace, configuration=configuration, catalog=catalog, clock=clock)
    catalog.append(*shop(0), *crm(0))
    yield Nights(workspace, clock)
    catalog.close()


def subjects(post: Post, to: str) -> list[str]:
    """Return what somebody got."""
    return [one.message["Subject"].strip() for one in post.letters if one.to == [to]]


def crm(number: int) -> tuple[Event, ...]:
    """Give a good backup of crm."""
    return good(f"crm{number}", database="crm")


def shop(number: int) -> tuple[Event, ...]:
    """Give a good backup of shop."""
    return good(f"shop{number}")


def notifications_of(nights: Nights) -> Any:
    """Return what the health check finds."""

    @dataclass
    class Seen:
        configuration: Any
        credentials: Any
        catalog: Any

    found = Seen(nights.workspace.configuration, nights.workspace.credentials, nights.workspace.catalog)
    return notifications(found)  # type: ignore[arg-type]


UNIT = Unit("vya-backupdb-backup.service", {"Result": "signal", "ExecMainCode": "2", "ExecMainStatus": "9"})
