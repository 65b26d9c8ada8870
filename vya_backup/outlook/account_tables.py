"""What is said of accounts: lines for people that fit 80 columns, plain values for machines, and never a hash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from vya_backup.clock import rfc3339
from vya_backup.decisions.accounts import Account, Difference
from vya_backup.decisions.manifest import counted
from vya_backup.history.events import AccountsChanged
from vya_backup.jobs.accounts_rights import Rights
from vya_backup.jobs.accounts_states import State
from vya_backup.jobs.workspace import Workspace
from vya_backup.outlook.figures import local_time
from vya_backup.outlook.tables import table

OPTION = " with grant option"
SHOWN = 3  # so many privileges stand in a table; --json has all


def account_lines(states: Sequence[State], workspace: Workspace) -> list[str]:
    """Return the accounts of some backups for people."""
    return [line for state in states for line in _state_lines(state, workspace)]


def account_values(states: Sequence[State]) -> list[dict[str, Any]]:
    """Return the accounts of some backups for machines."""
    return [
        {
            "instance": state.instance,
            "backup_id": state.backup_id or None,
            "path": state.path or None,
            "started_at": rfc3339(state.at) if state.at else None,
            "accounts": [_account_value(account) for account in state.accounts],
        }
        for state in states
    ]


def right_lines(rights: Rights, workspace: Workspace) -> list[str]:
    """Return who may do what on a database: a line for each account, object and way to it."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for row in rights.rows:
        grouped.setdefault((row.account, row.on, row.via), []).append(row.privilege)
    rows = [(account, _together(said), on, via) for (account, on, via), said in grouped.items()]
    columns = (("account", "left"), ("may", "left"), ("on", "left"), ("through role", "left"))
    lines = table(columns, rows) if rows else [f"nobody has a privilege on {rights.key} that its backups tell of"]
    for backup in rights.read_from:
        at = local_time(backup.started_at.astimezone(workspace.schedule.zone))
        lines.append(f"as of {at}, backup {backup.backup_id}")
    return lines + ([f"there is no good backup of {rights.lacking}"] if rights.lacking else [])


def right_values(rights: Rights) -> list[dict[str, Any]]:
    """Return who may do what on a database for machines."""
    return [
        {"account": row.account, "privilege": row.privilege, "on": row.on, "via": row.via or None}
        for row in rights.rows
    ]


def difference_lines(found: Sequence[Difference], before: State, after: State) -> list[str]:
    """Return what happened to accounts between two states, and one line of counts."""
    counts = _counts(found)
    said = ", ".join(f"{number} {what}" for what, number in counts.items() if number) or "no account differs"
    return [*map(str, found), f"{said}; from {before} to {after}"]


def difference_values(found: Sequence[Difference], before: State, after: State) -> dict[str, Any]:
    """Return the same for machines."""
    ends = {"from": before.backup_id or str(before), "to": after.backup_id or str(after)}
    return {**ends, **_counts(found), "differences": [one.as_json() for one in found]}


def drift_lines(drift: Sequence[AccountsChanged]) -> list[str]:
    """Return a sentence for each instance whose newest backup of accounts differed from the one before."""
    return [
        f"accounts of {event.instance} changed before their newest backup: {event.sentence} (doit users diff)"
        if not event.problem
        else f"accounts of {event.instance}: their newest backup could not be compared: {event.problem}"
        for event in drift
    ]


def _state_lines(state: State, workspace: Workspace) -> list[str]:
    at = local_time(state.at.astimezone(workspace.schedule.zone)) if state.at else "an unknown time"
    columns = (("account", "left"), ("kind", "left"), ("is", "left"), ("may", "left"))
    rows = [(str(one.name), one.word, _facts(one), _grants(one)) for one in state.accounts]
    title = f"{state.instance or state.path}, {at}, {state}: {counted(len(rows), 'account')}"
    return [title, *(table(columns, rows) if rows else [])]


def _together(privileges: Sequence[str]) -> str:
    """Return privileges with the option that several share said once."""
    plain = [one for one in privileges if not one.endswith(OPTION)]
    passed_on = [one.removesuffix(OPTION) for one in privileges if one.endswith(OPTION)]
    return "; ".join(filter(None, [", ".join(plain), ", ".join(passed_on) + OPTION if passed_on else ""]))


def _facts(account: Account) -> str:
    return ", ".join(name if value == "yes" else f"{name}: {value}" for name, value in account.facts.items())


def _grants(account: Account) -> str:
    said = sorted(map(str, account.grants))
    more = [f"{len(said) - SHOWN:,} more"] if len(said) > SHOWN else []
    return "; ".join(said[:SHOWN] + more)


def _account_value(account: Account) -> dict[str, Any]:
    return {
        "account": str(account.name),
        "user": account.name.user,
        "host": account.name.host or None,
        "role": account.is_role,
        "facts": dict(account.facts),
        "grants": sorted(map(str, account.grants)),
    }


def _counts(found: Sequence[Difference]) -> dict[str, int]:
    kinds = Counter({one.name: one.what for one in found}.values())
    return {what: kinds[what] for what in ("added", "removed", "changed")}
