"""Bring a whole instance back: its accounts, its databases, and then the grants on what is in them.

The rule: whatever stands counts, so that the same command goes on where it was cut off.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from vya_backup.clock import monotonic
from vya_backup.decisions.accounts import Choice
from vya_backup.decisions.manifest import counted
from vya_backup.decisions.naming import USERS, Key
from vya_backup.decisions.recovery import TROUBLE, WORK
from vya_backup.errors import BackupError, CatalogError, Interrupted
from vya_backup.history.recovery_events import Recovered, RecoveredDatabase, RecoveryFailed, RecoveryStarted
from vya_backup.jobs.accounts_plan import prepare
from vya_backup.jobs.accounts_restoring import RestoredAccounts, restore_accounts
from vya_backup.jobs.facts import process_of
from vya_backup.jobs.recovery_plan import Considered
from vya_backup.jobs.recovery_stages import FAILED, INTERRUPTED, Databases, Result, Telling
from vya_backup.jobs.restore_source import Wish
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport.locks import hold
from vya_backup.transport.processes import stop

BAD = frozenset({FAILED, *map(str, TROUBLE)})


@dataclass(frozen=True)
class Ended:
    """What a recovery came to, with a result for the accounts and for each database."""

    results: tuple[Result, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Say whether everything that was wanted stands."""
        return not any(one.result in BAD for one in self.results)


def recover(workspace: Workspace, considered: Considered, telling: Telling) -> Ended:
    """Carry a recovery out; nothing is done, and nothing recorded, where everything stands already.

    Raises:
        AlreadyRunning: another process recovers to the same target.
        CatalogError: nothing could be recorded any more.
    """
    target, began = considered.target, monotonic()
    with hold(workspace.state / "locks", f"{target.id}/@recovery", f"recovery of {considered.source.id}"):
        if considered.resumed and considered.is_complete:
            return Ended(tuple(_untouched(considered, telling)), monotonic() - began)
        workspace.catalog.append(_started(workspace, considered))
        accounts = _accounts(workspace, considered)
        for line in accounts.lines if accounts else ():
            telling.say(line)
        databases = Databases(workspace, considered, telling)
        databases.bring()
        results = [*_untouched(considered, telling), *databases.results.values()]
        if accounts is not None:
            again = _accounts(workspace, considered, accounts) or accounts
            telling.ended(again.result)
            results.insert(0, again.result)
        ended = Ended(tuple(results), monotonic() - began)
        workspace.catalog.append(_ended(considered, ended))
    return ended


def _untouched(considered: Considered, telling: Telling) -> list[Result]:
    """Return, and tell, what nothing is done for."""
    rest = [one for one in considered.planned if one.fate not in WORK]
    results = [Result(one.database, str(one.fate), one.reason, one.candidate.size_bytes) for one in rest]
    for one in results:
        telling.ended(one)
    return results


@dataclass(frozen=True)
class _Accounts:
    """What came of the accounts so far."""

    result: Result
    lines: tuple[str, ...] = ()


def _accounts(workspace: Workspace, considered: Considered, before: _Accounts | None = None) -> _Accounts | None:
    """Restore the accounts, or what of them waited for databases; None where the engine has none."""
    source = considered.accounts
    if source is None or source.backup is None:
        problem = considered.accounts_problem
        return _Accounts(Result(USERS, FAILED, problem), (f"warning: {problem}",)) if problem else None
    wish = Wish(
        key=Key(considered.source.id, USERS),
        backup=source.backup.backup_id,
        target_instance=considered.target.id,
        recovery_id=considered.recovery_id,
    )
    try:
        stop.check()
        prepared = prepare(workspace, wish, Choice(force=considered.wish.force))
        if before is not None and not prepared.work:
            return before
        done = restore_accounts(workspace, prepared)
    except CatalogError:
        raise
    except Interrupted:
        return _Accounts(Result(USERS, FAILED, INTERRUPTED))
    except BackupError as error:
        return _Accounts(Result(USERS, FAILED, str(error)), (f"warning: accounts: {error}",))
    return _told(done, before)


def _told(done: RestoredAccounts, before: _Accounts | None) -> _Accounts:
    """Return the result in words, and lines about each account that somebody has to look at."""
    counts = Counter(one.verdict for one in done.verdicts)
    words = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
    bad = [one for one in done.verdicts if one.verdict in BAD]
    lines = tuple(f"  ..   account {one.name}: {one.verdict}: {'; '.join(one.words)}" for one in bad)
    told = f"{counted(len(done.verdicts), 'account')}: {words}"
    if bad:
        told += f" ({', '.join(one.name for one in bad)})"
    seconds = done.seconds + (before.result.seconds if before else 0)
    return _Accounts(Result(USERS, FAILED if bad else "restored", told, seconds=seconds), lines)


def _started(workspace: Workspace, considered: Considered) -> RecoveryStarted:
    return RecoveryStarted(
        instance=considered.source.id,
        recovery_id=considered.recovery_id,
        target_instance=considered.target.id,
        databases=tuple(one.database for one in considered.work),
        requested=str(considered.wish),
        at=considered.wish.at,
        resumed=considered.resumed,
        process=process_of(workspace),
    )


def _ended(considered: Considered, ended: Ended) -> Recovered | RecoveryFailed:
    kind = Recovered if ended.ok else RecoveryFailed
    results = (RecoveredDatabase(database=one.database, result=one.result, reason=one.reason) for one in ended.results)
    return kind(
        instance=considered.source.id,
        recovery_id=considered.recovery_id,
        target_instance=considered.target.id,
        duration_seconds=ended.seconds,
        results=tuple(results),
    )
