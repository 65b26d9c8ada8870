"""Says in words how two snapshots differ."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Iterable, Iterator

Snapshot = dict[str, dict[str, str]]
LONGEST = 12


def assert_same(before: Snapshot, after: Snapshot, *, allowing: Collection[str] = ()) -> None:
    """Fail with one line per difference.

    `allowing` names what may differ, each of which must really differ: a kind (`grants`), or one thing of it
    (`rows singles_lost`).
    """
    found = differences(before, after)
    unexpected = [text for label, text in found if not {label, label.split(" ")[0]} & set(allowing)]
    seen = {word for label, _ in found for word in (label, label.split(" ")[0])}
    unexpected += [f"{label}: was allowed to differ, but does not" for label in allowing if label not in seen]
    assert not unexpected, "the databases differ:\n" + "\n".join(unexpected)


def differences(before: Snapshot, after: Snapshot) -> list[tuple[str, str]]:
    """Return every difference as its label (`kind name`) and a readable text."""
    return [found for kind in sorted(before.keys() | after.keys()) for found in _of_kind(kind, before, after)]


def _of_kind(kind: str, before: Snapshot, after: Snapshot) -> Iterator[tuple[str, str]]:
    old, new = before.get(kind, {}), after.get(kind, {})
    for name in sorted(old.keys() | new.keys()):
        label = f"{kind} {name}"
        if name not in new:
            yield label, f"{label}: is missing afterwards"
        elif name not in old:
            yield label, f"{label}: was not there before"
        elif old[name] != new[name]:
            yield label, f"{label}: changed\n{_changed_lines(old[name], new[name])}"


def _changed_lines(old: str, new: str) -> str:
    lines = difflib.unified_diff(_lines(old), _lines(new), "before", "after", n=0, lineterm="")
    changed = [f"    {line}" for line in lines if not line.startswith(("---", "+++", "@@"))]
    rest = [f"    … and {len(changed) - LONGEST} more lines"] if len(changed) > LONGEST else []
    return "\n".join(changed[:LONGEST] + rest)


def _lines(text: str) -> list[str]:
    return text.replace('", "', '",\n"').replace(", {", ",\n{").splitlines()


def digest(rows: Iterable[bytes]) -> str:
    """Return the number of rows and one digest of all of them, whatever order they come in."""
    each = sorted(hashlib.sha256(row).digest() for row in rows)
    return f"{len(each)} rows, {hashlib.sha256(b''.join(each)).hexdigest()}"
