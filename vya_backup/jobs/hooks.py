"""Run the operator's own programs around backups, restores and runs, and keep what came of each in an event.

The rule: what follows a `before` hook that was called runs always, also when the work failed or the run was stopped, so
that whatever was paused goes on. A hook that fails in front stops its own database; one behind is told, and fails the
run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

from vya_backup import log
from vya_backup.clock import monotonic
from vya_backup.decisions.hooks import Occasion, called, environment, kept
from vya_backup.engines.commands import Command
from vya_backup.errors import BackupError, HookFailed, TimedOut
from vya_backup.history.hook_events import HookRan
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.hooks_model import Hook, Moment, objection
from vya_backup.transport.limits import Limits
from vya_backup.transport.processes import Child
from vya_backup.transport.stopping import stop

Work = Literal["run", "backup", "restore"]
BEFORE: dict[Work, Moment] = {"run": "before_run", "backup": "before_backup", "restore": "before_restore"}
AFTER: dict[Work, Moment] = {"run": "after_run", "backup": "after_backup", "restore": "after_restore"}


class Told:
    """What the hooks behind the work will be told of it; whoever does the work fills it in."""

    def __init__(self, occasion: Occasion) -> None:
        self.occasion = occasion

    def note(self, **facts: str | int) -> None:
        """Add facts of `Occasion`: the id of the backup, the path of its artifact."""
        self.occasion = replace(self.occasion, **facts)  # type: ignore[arg-type]


@contextmanager
def around(workspace: Workspace, work: Work, occasion: Occasion) -> Iterator[Told]:
    """Run the hooks before the block, and always those behind it; what failed also calls the hooks of failures.

    Raises:
        HookFailed: a hook in front failed; the block was not entered. What the block raises passes through.
    """
    told = Told(occasion)
    try:
        before(workspace, BEFORE[work], occasion)
        yield told
    except BackupError as error:
        try:
            after(workspace, AFTER[work], told.occasion.ended("failed", error.code, error.message))
        finally:
            failed(workspace, told.occasion, error)
        raise
    except BaseException as error:
        after(workspace, AFTER[work], told.occasion.ended("failed", "bug", type(error).__name__))
        raise
    after(workspace, AFTER[work], told.occasion.ended("ok"))


def before(workspace: Workspace, moment: Moment, occasion: Occasion) -> None:
    """Run the hooks of a moment in their order, up to the first that fails.

    Raises:
        HookFailed: that one; the message says what it said last, and what to do.
        Interrupted: the run was stopped meanwhile; the hook was ended.
    """
    for hook in _called(workspace, moment, occasion):
        if problem := _run(workspace, hook, occasion):
            what = f"{occasion.instance}/{occasion.database}" if occasion.instance else "the run"
            raise HookFailed(
                f"{what} was not begun: hook {hook.name} ({moment}): {problem}",
                f"Run {hook.program} by hand, or see its output in the event hook_ran.",
            )


def after(workspace: Workspace, moment: Moment, occasion: Occasion) -> None:
    """Run every hook of a moment to its end or limit, although a stop was requested; failures are kept as warnings.

    Raises:
        CatalogError: what one of them came to could not be recorded; those behind it were run all the same.
    """
    unrecorded: list[BackupError] = []
    with stop.shielded():
        for hook in _called(workspace, moment, occasion):
            try:
                problem = _run(workspace, hook, occasion)
            except BackupError as error:  # what it paused and the next one lets go on must not stay paused
                unrecorded.append(error)
                problem = error.message
            if problem:
                key = f" for {occasion.instance}/{occasion.database}" if occasion.instance else ""
                workspace.hook_warnings.append(f"hook {hook.name} ({moment}){key}: {problem}")
    if unrecorded:
        raise unrecorded[0]


def failed(workspace: Workspace, occasion: Occasion, error: BackupError) -> None:
    """Run the hooks of failures."""
    after(workspace, "on_failure", occasion.ended("failed", error.code, error.message))


def _called(workspace: Workspace, moment: Moment, occasion: Occasion) -> tuple[Hook, ...]:
    hooks = workspace.configuration.hooks
    return called(hooks, moment, occasion) if hooks else ()


def _run(workspace: Workspace, hook: Hook, occasion: Occasion) -> str:
    """Run one hook, append `hook_ran`, and return why it failed, or an empty text.

    Raises:
        Interrupted: the run was stopped, and nothing shields this hook from that; its event is appended first.
    """
    began, status, child, error = monotonic(), None, None, None
    problem = objection(hook)
    if not problem:
        command = Command(hook.command, environment(hook, occasion, workspace.catalog.run_id or ""))
        try:
            with Child(command, mixed=True) as child:
                status = child.wait(Limits.of_seconds(hook.timeout_seconds))
            problem = _fault(status, child.stderr)
        except TimedOut as late:
            problem = f"it did not end within {hook.timeout_seconds:g} s and was killed"
            log.event("hook_killed", level="warning", hook=hook.name, message=str(late))
        except BackupError as caught:
            error, problem = caught, caught.message
    said = child.stderr if child else ""
    workspace.catalog.append(_event(hook, occasion, status, problem, monotonic() - began, said))
    if error is not None and error.code == "interrupted":
        raise error
    return problem


def _fault(status: int, said: str) -> str:
    if not status:
        return ""
    last = said.strip().rpartition("\n")[2]
    how = f"it was ended by signal {-status}" if status < 0 else f"it ended with status {status}"
    return f"{how}: {last}" if last else how


def _event(hook: Hook, occasion: Occasion, status: int | None, problem: str, seconds: float, said: str) -> HookRan:
    return HookRan(
        instance=occasion.instance or None,
        database=occasion.database or None,
        backup_id=occasion.backup_id or None,
        hook=hook.name,
        moment=hook.when,
        program=str(hook.program),
        status=status,
        problem=problem,
        duration_seconds=round(seconds, 3),
        output=kept(said),
        path=occasion.path,
    )
