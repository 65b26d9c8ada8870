"""What a run owes to the schedule: it records that a timer started it, and every expected run that did not happen."""

from __future__ import annotations

from vya_backup.command_line.session import Session
from vya_backup.decisions.missed import words
from vya_backup.jobs.timekeeping import begin, note_missed

STARTED_BY_TIMER: list[str] = []
"""The job that `schedule run` was told to start, for the run inside of it; a person's run has none."""


def account(session: Session) -> None:
    """Record what the schedule has to know of this run, and say what was missed."""
    workspace = session.workspace
    found = begin(workspace, STARTED_BY_TIMER[-1]) if STARTED_BY_TIMER else note_missed(workspace)
    for event in found:
        session.screen.line(f"warning: {words(event, workspace.schedule.zone)}")
