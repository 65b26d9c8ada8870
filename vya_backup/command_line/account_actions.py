"""What a restore task does when it is about accounts: what will happen on the screen, the job, a verdict for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from doit.exceptions import TaskFailed

from vya_backup.command_line.asking import demand_name
from vya_backup.command_line.session import Session
from vya_backup.decisions.accounts import Choice, Fate
from vya_backup.decisions.manifest import counted
from vya_backup.errors import UsageError
from vya_backup.history.restore_events import RestoredAccount
from vya_backup.jobs.accounts_plan import PreparedAccounts, describe, prepare
from vya_backup.jobs.accounts_restoring import RestoredAccounts, restore_accounts
from vya_backup.jobs.restore_source import Wish, choose
from vya_backup.jobs.workspace import Workspace
from vya_backup.outlook.figures import human_duration
from vya_backup.outlook.screen import Result

ONLY_ACCOUNTS = ("user", "exclude_user")
NAMED = 5  # so many accounts are named in a line of the result; each has its own line above


def means_accounts(workspace: Workspace, wish: Wish) -> bool:
    """Say whether a wish is about accounts: by its name, or by the file or backup that it names.

    Raises:
        BackupError: what it names cannot be used.
    """
    if wish.key is not None:
        return wish.key.is_users
    return bool(wish.file or wish.backup) and choose(workspace, wish).of_accounts


def demand_no_accounts(options: Mapping[str, Any]) -> None:
    """Accept a restore of a database.

    Raises:
        UsageError: it names accounts.
    """
    if any(options.get(name) for name in ONLY_ACCOUNTS):
        raise UsageError(
            "--user and --exclude-user choose accounts, and no database has any", "Restore INSTANCE/@users."
        )


def restore(session: Session, wish: Wish, options: Mapping[str, Any]) -> TaskFailed | None:
    """Restore accounts, or show with `--dry-run` what would be done; conflicts and failures are told one by one."""
    screen, workspace = session.screen, session.workspace
    choice = _choice(options, wish)
    with screen.working(f"{wish.key or wish.file} (reading both sides)", 0):
        prepared = prepare(workspace, wish, choice)
    screen.close()
    is_dry_run = bool(options.get("dry_run"))
    for line in describe(prepared, workspace, statements=is_dry_run):
        screen.line(line)
    if is_dry_run:
        conflicts = sum(1 for one in prepared.planned if one.fate is Fate.CONFLICT)
        told = f"{counted(conflicts, 'conflict')} would be left alone" if conflicts else "every check passed"
        screen.line(f"dry run: {told}, nothing was touched")
        return None
    replaced = [one for one in prepared.planned if one.fate is Fate.REPLACE]
    if replaced and not options.get("yes"):
        what = f"changes {counted(len(replaced), 'account')} of {prepared.key}"
        demand_name(
            f"{what} on {prepared.target.id} ({prepared.server.banner})", (str(prepared.key), prepared.target.id)
        )
    return _carried_out(session, prepared)


def _carried_out(session: Session, prepared: PreparedAccounts) -> TaskFailed | None:
    with session.screen.working(f"{prepared.key} (restoring)", 0):
        done = restore_accounts(session.workspace, prepared)
    for one in done.verdicts:
        for line in _told(one):
            session.screen.line(line)
    session.screen.result(Result(done.target, "ok" if done.ok else "failed", _summary(done), 0, 0, done.seconds))
    return None if done.ok else TaskFailed(_summary(done), report=False)


def _choice(options: Mapping[str, Any], wish: Wish) -> Choice:
    excluded = [name.strip() for said in options.get("exclude_user") or () for name in str(said).split(",")]
    only = tuple(str(name) for name in options.get("user") or ())
    return Choice(only, tuple(name for name in excluded if name), wish.force)


def _told(one: RestoredAccount) -> list[str]:
    if one.verdict not in {"failed", "waits"}:
        return []  # shown before anything was done
    lines = [f"  {one.verdict:10}  {one.name}"] + [f"              {words}" for words in one.words]
    if one.verdict == "waits":
        lines.append("              run the same command again after it is restored")
    return lines


def _summary(done: RestoredAccounts) -> str:
    counts = Counter(one.verdict for one in done.verdicts)
    said = ", ".join(f"{number:,} {verdict}" for verdict, number in counts.items()) or "no account"
    lines = [f"{said} in {human_duration(done.seconds)}"]
    if made := sum(counts[word] for word in ("created", "made equal", "completed")):
        lines.append(f"       read back and equal to the backup: {counted(made, 'account')}")
    for verdict, what in (("failed", "could not be restored"), ("conflict", "differ and were left alone")):
        if names := done.named(verdict):
            rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            lines.append(f"       {what}: {', '.join(names[:NAMED])}{rest}")
    return "\n".join(lines)
