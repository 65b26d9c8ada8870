"""Tells people what came of a run, once it is recorded: gather, decide, send, append.

The rule: nothing here fails a backup or changes how a run ended. What a channel does not take is an event, and told by
the next message that it takes; the catalog is the only memory of who knows what.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from vya_backup import clock
from vya_backup.decisions.owing import Owed, earlier, joined, owed_to, unsettled, without_a_run
from vya_backup.decisions.telling import MISSPELT_STATUS, Told, cut_short, told
from vya_backup.decisions.tidings import Earlier, Letter, Tidings
from vya_backup.errors import BackupError
from vya_backup.history import notices
from vya_backup.history.event import Event
from vya_backup.history.notice_events import NotificationFailed, Notified
from vya_backup.history.notices import Notice, ToldRun
from vya_backup.jobs.channels import Channel, Envelope, Receipt, channels, message_id, ping_address
from vya_backup.jobs.notice_facts import is_gone_run, is_whole_backup, run_facts, surroundings
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.notifications_model import TROUBLE, Level
from vya_backup.transport.pinging import ping

LEAST_SECONDS = 3.0
"""So long a channel is tried even when those before it have used up the time."""
UNHEARD = timedelta(days=14)
MOST_UNHEARD = 50
"""So far back, in time and in runs, a run is looked for that died before it could tell anybody."""
QUIET_STATUSES = frozenset({0, MISSPELT_STATUS})
"""How a run may end of which nobody has to hear late: well, or by what somebody at a terminal misspelt."""
THREAD = timedelta(days=3)
"""A list that hears of trouble only is not told of its end; what comes later is another story."""

Compose = Callable[[Tidings], Letter]


@dataclass
class Telling:
    """One message to each channel about one run, or about what could not be told before."""

    workspace: Workspace
    compose: Compose
    run: ToldRun | None
    """None where it did nothing, or nothing of it could be recorded."""
    run_id: str = ""
    broken: str = ""
    letters: dict[tuple[bool, tuple[str, ...], tuple[str, ...]], tuple[Tidings, Letter]] = field(default_factory=dict)
    levels: dict[str, Level] = field(default_factory=dict)

    @property
    def about(self) -> str:
        """Return what the run is called in a notice."""
        return self.run.run_id if self.run else f"run {self.run_id}"

    @cached_property
    def told(self) -> Told | None:
        """Return what the run amounts to, None where it did nothing."""
        if self.run is None:
            return cut_short(self.broken) if self.broken else None
        stands = is_whole_backup(self.run)
        return told(run_facts(self.workspace, self.run, broken=self.broken, stands=stands))

    @cached_property
    def unheard(self) -> list[ToldRun]:
        """Return the runs that died untold: seen once, before the first channel hears of them."""
        own = self.run.run_id if self.run else ""
        return [one for one in unheard_runs(self.workspace) if one.run_id != own]

    def late(self, owed: Owed) -> list[Earlier]:
        """Return what a message has to tell of earlier runs, and of what left none."""
        runs = {run.run_id: run for run in notices.runs_of(self.workspace.catalog, owed.earlier)}
        zone = self.workspace.configuration.scheduling.zone
        found = [self._late(about, runs.get(about), owed.untaken.get(about)) for about in owed.earlier]
        return [replace(one, at=one.at.astimezone(zone)) for one in found if one]

    def _late(self, about: str, run: ToldRun | None, notice: Notice | None) -> Earlier | None:
        if run is None:
            return without_a_run(about, notice) if notice else None
        facts = run_facts(self.workspace, run)
        return earlier(facts, told(facts), str(notice.data.get("message", "")) if notice else "")

    def concerns(self, channel: Channel, run: ToldRun) -> bool:
        """Say whether a channel is for what an earlier run amounts to."""
        if run.run_id not in self.levels:
            self.levels[run.run_id] = told(run_facts(self.workspace, run)).level
        return self.levels[run.run_id] in channel.levels

    def letter(self, owed: Owed) -> tuple[Tidings, Letter]:
        """Return what is said to those who are owed the same, and were not told it for the same reasons."""
        key = (owed.this, owed.earlier, tuple(str(one.data.get("message")) for one in owed.untaken.values()))
        if key not in self.letters:
            # beside what is told late good news of this run are welcome to all, its trouble to those it is for
            is_fit = owed.this or (self.told is not None and self.told.level == "SUCCESS")
            about = surroundings(self.workspace, self.run if is_fit else None)
            tidings = joined(about, self.told if is_fit else None, self.late(owed))
            self.letters[key] = (tidings, self.compose(tidings))
        return self.letters[key]


def tell(workspace: Workspace, compose: Compose, run_id: str | None, broken: str = "") -> list[BackupError]:
    """Tell every channel what it is owed at the end of a run, None for one that did nothing; return what did not work.

    With `broken`, what ended it, a run is told of also where the catalog took no event of it.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    runs = notices.runs_of(workspace.catalog, [run_id] if run_id else [])
    telling = Telling(workspace, compose, runs[0] if runs else None, run_id or "", broken)
    failures = []
    deadline: dict[str, float] = {}
    for channel in channels(workspace):
        kind = channel.name.partition(":")[0]
        until = deadline.setdefault(kind, clock.monotonic() + channel.seconds)  # one server serves all lists
        try:
            failure = _tell(telling, channel, max(until - clock.monotonic(), min(LEAST_SECONDS, channel.seconds)))
        except BackupError as error:  # the catalog did not take what was said; the others shall hear of it all the same
            failure = type(error)(f"{channel.name}: what was told is not recorded: {error.message}", error.hint)
        if failure:
            failures.append(failure)
    return failures


def _tell(telling: Telling, channel: Channel, seconds: float) -> BackupError | None:
    workspace, run = telling.workspace, telling.run
    exchanged = notices.exchanged(workspace.catalog, channel.name)
    untaken = unsettled(exchanged)
    unheard = [one.run_id for one in telling.unheard if telling.concerns(channel, one)]
    owed = owed_to(channel.levels, telling.told, untaken, unheard)
    if owed.is_nothing:
        return None
    about = (*owed.earlier, *([telling.about] if owed.this else []))
    said, failure = attempt(workspace, channel, telling.letter(owed), about, seconds)
    if isinstance(said, NotificationFailed):
        said = said.model_copy(update={"about": tuple(one for one in about if one not in untaken)})
        if not said.about and exchanged[-1].data.get("code") == said.code:
            return failure  # the catalog knows it, and a down server fills it with nothing new
    append(workspace, said, is_of_a_run=run is not None)
    return failure


def unheard_runs(workspace: Workspace) -> list[ToldRun]:
    """Return the late runs that were killed, or ended badly, and of which no notice tells, oldest first.

    Their process is gone: one that is still there tells by itself. One that told somebody has told all whom it
    concerned then: a list that is new, or named anew, is no reason to tell it again.
    """
    since = workspace.clock() - UNHEARD
    recent = notices.runs_since(workspace.catalog, 0, limit=MOST_UNHEARD)
    bad = [one for one in recent if one.started_at > since and one.exit_status not in QUIET_STATUSES]
    silent = [one for one in bad if is_gone_run(workspace, one)]
    if not silent:
        return []
    heard = notices.named_since(workspace.catalog, silent[0].sequence)
    return [one for one in silent if one.run_id not in heard]


def attempt(
    workspace: Workspace,
    channel: Channel,
    written: tuple[Tidings, Letter],
    about: tuple[str, ...],
    seconds: float,
    *,
    is_another: bool = False,
) -> tuple[Event, BackupError | None]:
    """Hand a letter to a channel; return the event of what came of it, and the failure.

    `is_another` is said of a letter that is not to be taken for one that was sent about the same before.
    """
    tidings, letter = written
    last, now = notices.newest(workspace.catalog, channel.name, "notified"), workspace.clock()
    names = (*about, now.isoformat()) if is_another else about
    own_id = message_id(channel, names, workspace.configuration.application.host())
    envelope = Envelope(tidings.level, now, own_id, *_thread(last, now))
    common: dict[str, Any] = {"channel": channel.name, "level": tidings.level, "about": about, "what": tidings.what}
    try:
        receipt = channel.deliver(letter, envelope, seconds)
    except BackupError as error:
        failed = NotificationFailed(**common, code=error.code, message=error.message, hint=error.hint)
        return failed, type(error)(f"{channel.name} was not told: {error.message}", error.hint)
    return _notified(common, channel, letter, envelope, receipt), None


def _notified(
    common: dict[str, Any], channel: Channel, letter: Letter, envelope: Envelope, receipt: Receipt
) -> Notified:
    return Notified(
        **common,
        to=channel.to,
        answer=receipt.answer,
        refused=receipt.refused,
        message_id=envelope.message_id,
        thread=envelope.thread or envelope.message_id,
        sha256=hashlib.sha256(letter.text.encode()).hexdigest(),
        note=letter.problem,
    )


def _thread(last: Notice | None, now: datetime) -> tuple[str, str]:
    """Return thread and mail that the next one refers to: a thread is trouble that goes on, up to the good news."""
    if last is None or last.data.get("level") not in TROUBLE or not now - last.at < THREAD:
        return "", ""
    return str(last.data.get("thread", "")), str(last.data.get("message_id", ""))


def append(workspace: Workspace, event: Event, *, is_of_a_run: bool) -> None:
    """Record what was told; under the run that it is about, and begin none for it."""
    if not is_of_a_run:
        workspace.catalog.append(event)
        return
    with workspace.catalog.aftermath():
        workspace.catalog.append(event)


# ------------------------------------------------------------------ pings


def ping_end(workspace: Workspace, run: ToldRun | None, exit_status: int, headline: str = "") -> BackupError | None:
    """Ping that a backup came to its end; a run that did nothing is alive too, and leaves no event."""
    level = "ERROR" if exit_status else "SUCCESS"
    nothing = "nothing is recorded" if exit_status else "nothing was due"
    words = [f"run {run.run_id}" if run else nothing, f"exit status {exit_status}", headline]
    seconds = workspace.configuration.notifications.pings.timeout_seconds
    common: dict[str, Any] = {
        "channel": "ping",
        "level": level,
        "about": (run.run_id,) if run else (),
        "what": f"exit {exit_status}",
    }
    failure: BackupError | None = None
    said: Event
    try:
        url = ping_address(workspace.configuration, workspace.credentials, "fail" if exit_status else "success")
        if not url:
            return None
        said = Notified(**common, answer=ping(url, "\n".join(filter(None, words)), seconds))
    except BackupError as error:
        failure = type(error)(f"the ping was not taken: {error.message}", error.hint)
        said = NotificationFailed(**common, code=error.code, message=error.message, hint=error.hint)
    try:
        if run:
            append(workspace, said, is_of_a_run=True)
    except BackupError as error:
        return failure or type(error)(f"the ping is not recorded: {error.message}", error.hint)
    return failure
