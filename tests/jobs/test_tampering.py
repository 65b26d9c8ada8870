"""Whoever may write the file tampers with it at random places, in every way; the audit names what and where.

`--long` does it a thousand times; a seed in the test's name does one of them again.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.history.samples import Steps, good, plain
from tests.jobs.copies import GUARDS, HOST, files, flip, rows, workspace_in
from vya_backup.decisions.copies import folder_of
from vya_backup.history import chain
from vya_backup.history.catalog import Catalog
from vya_backup.history.run_events import CatalogRebuilt
from vya_backup.jobs.auditing import audit_with_sidecars
from vya_backup.jobs.copies import folders
from vya_backup.jobs.copying import copy_out
from vya_backup.jobs.recovering import recover
from vya_backup.jobs.tree import Tree
from vya_backup.jobs.workspace import Workspace

RUNS = 12
SHORT, LONG = 60, 1000
COLUMNS = ("id", *chain.HASHED, "hash")
PER_RUN = 3
EVENTS = 1 + RUNS * PER_RUN
VALUES = ("x", "ü", 17, -1.5, b"\x00\xff", "{}", "[1]")


@dataclass(frozen=True)
class Template:
    """A catalog of twelve runs with its copies; `content` are the bytes of its file."""

    workspace: Workspace
    content: bytes
    rows: list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Make it once."""
    workspace = workspace_in(tmp_path_factory.mktemp("template"), Steps())
    for number in range(RUNS):
        workspace.catalog.append(*good(f"b{number}"))
        copy_out(workspace)
    workspace.catalog.close()
    return Template(workspace, workspace.catalog.path.read_bytes(), rows(workspace.catalog.path))


Row = dict[str, Any]
Named = Callable[[str], bool]
"""Says whether a fault names what was done."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give as many seeds as were asked for."""
    if "seed" in metafunc.fixturenames:
        many = LONG if metafunc.config.getoption("--long") else SHORT
        metafunc.parametrize("seed", range(many))


# ------------------------------------------------------------------ tampering with the catalog


def test_no_tampering_goes_unnamed(template: Template, tmp_path: Path, seed: int) -> None:
    """One way at one place; some fault names the position, or the guard."""
    chance = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    path = tmp_path / "own/catalog.db"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(template.content)

    named = kind(path, chance)

    with plain(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() is not None
    faults = audited(template, path)
    assert any(named(fault) for fault in faults), (kind.__name__, faults)


def audited(template: Template, path: Path, head: str = "") -> tuple[str, ...]:
    """Audit a copy of the template's catalog against the template's tree."""
    catalog = Catalog.open(path, host=HOST, read_only=True)
    try:
        verdict = audit_with_sidecars(replace(template.workspace, catalog=catalog), head)
    finally:
        catalog.close()
    assert verdict.ok is not bool(verdict.faults)
    return verdict.faults


def test_an_untouched_copy_has_no_fault(template: Template, tmp_path: Path) -> None:
    """Every segment's head and the given one agree."""
    path = tmp_path / "catalog.db"
    tmp_path.chmod(0o700)
    path.write_bytes(template.content)
    assert audited(template, path, template.rows[-1][-1]) == ()


def test_a_tail_that_no_copy_holds_is_seen_by_a_given_head(template: Template, tmp_path: Path) -> None:
    """The last resort: a hash that was written down."""
    path = tmp_path / "catalog.db"
    tmp_path.chmod(0o700)
    path.write_bytes(template.content)
    change(path, lambda events: events[:-2])
    bare = replace(template, workspace=workspace_without_copies(template, tmp_path))
    assert audited(bare, path) == ()
    (fault,) = audited(bare, path, template.rows[-1][-1])
    assert fault.endswith(f"has the hash {template.rows[-1][-1]}: its chain ends at position {EVENTS - 2}")


def workspace_without_copies(template: Template, folder: Path) -> Workspace:
    """Return the template's workspace with an empty tree."""
    return replace(template.workspace, store=type(template.workspace.store)(folder / "nothing"))


def change(path: Path, by: Callable[[list[Row]], list[Row]]) -> None:
    """Replace all events, past all guards and constraints that can be passed."""
    with plain(path) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        events = [dict(zip(COLUMNS, row, strict=True)) for row in connection.execute("SELECT * FROM events")]
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("BEGIN")
        connection.execute("DELETE FROM events")
        for row in by(events):
            marks = ", ".join("?" * len(COLUMNS))
            connection.execute(f"INSERT INTO events VALUES ({marks})", [row[name] for name in COLUMNS])
        connection.execute("COMMIT")
        for _, text in guards:
            connection.execute(text)


def renewed(events: list[Row], first: int) -> list[Row]:
    """Number and hash the events anew from an index on: a history that is whole in itself."""
    for index in range(first, len(events)):
        row = events[index]
        row["id"] = row["position"] = index + 1
        row["prev_hash"] = events[index - 1]["hash"]
        row["hash"] = chain.digest([row[name] for name in chain.HASHED])
    return events


def at(*positions: int) -> Named:
    """Return what is content with a fault that names one of these positions."""
    return lambda fault: any(re.search(rf"position {number}\b", fault) for number in positions)


def near(position: int) -> Named:
    """The positions from one up to the next head that has left the file: the end of its run."""
    return at(*range(position, min(EVENTS, 1 + PER_RUN * -(-(position - 1) // PER_RUN) + 1) + 1))


def changed(path: Path, chance: random.Random) -> Named:
    """One column of one event."""
    position, column = chance.randint(1, EVENTS), chance.choice(COLUMNS[1:])
    value = chance.randint(1000, 9999) if column == "position" else chance.choice(VALUES)

    def by(events: list[Row]) -> list[Row]:
        events[position - 1][column] = value
        return events

    change(path, by)
    return at(position)


def changed_with_its_hash(path: Path, chance: random.Random) -> Named:
    """One event, its own hash made to fit: the next one, or the copies, tell."""
    position = chance.randint(1, EVENTS)

    def by(events: list[Row]) -> list[Row]:
        row = events[position - 1]
        row["actor"] = "nobody"
        row["hash"] = chain.digest([row[name] for name in chain.HASHED])
        return events

    change(path, by)
    return at(position, position + 1)


def changed_with_all_hashes(path: Path, chance: random.Random) -> Named:
    """One event, and everything behind it made to fit: only the copies tell."""
    position = chance.randint(2, EVENTS)

    def by(events: list[Row]) -> list[Row]:
        events[position - 1]["actor"] = "nobody"
        return renewed(events, position - 1)

    change(path, by)
    return near(position)


def removed(path: Path, chance: random.Random) -> Named:
    """One event."""
    position = chance.randint(1, EVENTS - 1)
    change(path, lambda events: events[: position - 1] + events[position:])
    return at(position)


def removed_and_closed(path: Path, chance: random.Random) -> Named:
    """One event, the gap closed and everything behind it made to fit."""
    position = chance.randint(2, EVENTS - 1)
    change(path, lambda events: renewed(events[: position - 1] + events[position:], position - 1))
    return near(position)


def inserted(path: Path, chance: random.Random) -> Named:
    """A forged one, the others moved down."""
    position = chance.randint(2, EVENTS)

    def by(events: list[Row]) -> list[Row]:
        behind = [row | {"id": row["id"] + 1, "position": row["position"] + 1} for row in events[position - 1 :]]
        forged = events[position - 1] | {"event_id": "forged", "type": "pruned"}
        return [*events[: position - 1], forged, *behind]

    change(path, by)
    return at(position)


def inserted_and_closed(path: Path, chance: random.Random) -> Named:
    """A forged one, everything behind it made to fit."""
    position = chance.randint(2, EVENTS)

    def by(events: list[Row]) -> list[Row]:
        forged = events[position - 1] | {"event_id": "forged", "type": "pruned"}
        return renewed([*events[: position - 1], forged, *events[position - 1 :]], position - 1)

    change(path, by)
    return near(position)


def reordered(path: Path, chance: random.Random) -> Named:
    """Two neighbours change their order of arrival."""
    position = chance.randint(1, EVENTS - 1)

    def by(events: list[Row]) -> list[Row]:
        events[position - 1]["id"], events[position]["id"] = position + 1, position
        return events

    change(path, by)
    return at(position)


def reordered_and_closed(path: Path, chance: random.Random) -> Named:
    """Two neighbours change places, everything behind them made to fit."""
    position = chance.randint(2, EVENTS - 1)

    def by(events: list[Row]) -> list[Row]:
        events[position - 1], events[position] = events[position], events[position - 1]
        return renewed(events, position - 1)

    change(path, by)
    return near(position)


def truncated(path: Path, chance: random.Random) -> Named:
    """The end is cut off."""
    left = chance.randint(1, EVENTS - 1)
    change(path, lambda events: events[:left])
    return lambda fault: f"stops at position {left}, but " in fault


def unguarded(path: Path, chance: random.Random) -> Named:
    """A guard is dropped."""
    name = chance.choice(GUARDS)
    with plain(path) as connection:
        connection.execute(f"DROP TRIGGER {name}")
    return lambda fault: fault == f"trigger {name} was dropped"


def disarmed(path: Path, chance: random.Random) -> Named:
    """A guard is there, and guards nothing."""
    name = chance.choice(GUARDS)
    with plain(path) as connection:
        text = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
        connection.execute(f"DROP TRIGGER {name}")
        connection.execute(text.replace("\nBEGIN", " AND 0\nBEGIN" if "WHEN" in text else " WHEN 0\nBEGIN"))
    return lambda fault: fault == f"trigger {name} was changed"


KINDS = (
    changed,
    changed_with_its_hash,
    changed_with_all_hashes,
    removed,
    removed_and_closed,
    inserted,
    inserted_and_closed,
    reordered,
    reordered_and_closed,
    truncated,
    unguarded,
    disarmed,
)


# ------------------------------------------------------------------ damage to the copies


def cut_at_a_line(paths: list[Path]) -> None:
    paths[3].write_bytes(b"".join(paths[3].read_bytes().splitlines(keepends=True)[:-1]))


def emptied(paths: list[Path]) -> None:
    paths[3].write_bytes(b"")


def swapped(paths: list[Path]) -> None:
    third, fourth = paths[3].read_bytes(), paths[4].read_bytes()
    paths[3].write_bytes(fourth)
    paths[4].write_bytes(third)


def of_another_catalog(paths: list[Path]) -> None:
    elsewhere = paths[0].parents[1].with_name("another") / paths[0].parent.name
    elsewhere.mkdir(parents=True)
    shutil.copy(paths[3], elsewhere)


@pytest.mark.parametrize("damage", [cut_at_a_line, emptied, swapped, of_another_catalog])
def test_a_segment_that_is_sound_line_by_line_is_still_compared_with_its_name(
    template: Template, tmp_path: Path, damage: Callable[[list[Path]], None]
) -> None:
    """Whole lines are missing, or belong elsewhere."""
    workspace, path = copied_elsewhere(template, tmp_path)
    segments = files(workspace, "*.jsonl")
    damage(segments)
    faults = audited(replace(template, workspace=workspace), path)
    assert any(f"{segments[3].name} is damaged" in fault for fault in faults), faults


@pytest.mark.parametrize("number", [0, 5], ids=["the first", "one in the middle"])
def test_a_segment_that_is_gone_is_named_by_its_positions(template: Template, tmp_path: Path, number: int) -> None:
    """The others are sound, each for itself; moved away and copied anew, the copies are whole again."""
    workspace, path = copied_elsewhere(template, tmp_path)
    segments = files(workspace, "*.jsonl")
    first, last = (f"{int(place):,}" for place in segments[number].stem.split("-"))
    segments[number].unlink()

    (fault,) = audited(replace(template, workspace=workspace), path)

    assert f"has no segment with positions {first} to {last}. Bring it back, or move testhost/@catalog/" in fault
    segments[0].parents[1].rename(tmp_path / "away")
    catalog = Catalog.open(path, host=HOST, now=Steps())
    assert copy_out(replace(workspace, catalog=catalog)) == EVENTS
    catalog.close()
    assert audited(replace(template, workspace=workspace), path) == ()


def test_a_gap_that_a_rebuild_has_recorded_as_lost_is_no_fault(template: Template, tmp_path: Path) -> None:
    """The catalog was lost with a segment and every snapshot: what is gone is told once, not in every audit."""
    workspace, _ = copied_elsewhere(template, tmp_path)
    files(workspace, "*.jsonl")[5].unlink()
    for snapshot in files(workspace, "snapshot-*"):
        snapshot.unlink()
    again = tmp_path / "again/catalog.db"
    found = recover(folders(workspace.store, folder_of(HOST)), Tree(), again)
    assert found.lost
    catalog = Catalog.open(again, host=HOST, now=Steps())
    catalog.append(CatalogRebuilt(source="copies", events=found.events, kept=found.kept, lost=found.lost))
    catalog.close()

    assert audited(replace(template, workspace=workspace), again) == ()


def copied_elsewhere(template: Template, folder: Path) -> tuple[Workspace, Path]:
    """Return a workspace over a copy of the tree, and the path of a copy of the catalog."""
    tree = Path(shutil.copytree(template.workspace.store.base_path, folder / "tree"))
    path = folder / "own/catalog.db"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(template.content)
    return replace(template.workspace, store=type(template.workspace.store)(tree)), path


def test_no_damage_to_a_copy_goes_unnamed(template: Template, tmp_path: Path, seed: int) -> None:
    """A bit turned over or an end cut off, in any file: the audit names it, and a rebuild takes nothing false."""
    chance = random.Random(seed)
    workspace, path = copied_elsewhere(template, tmp_path)
    damaged = chance.choice(files(workspace))
    size = damaged.stat().st_size
    if chance.random() < 0.3:
        damaged.write_bytes(damaged.read_bytes()[: chance.randrange(size)])
    else:
        flip(damaged, chance.randrange(8 * size))

    faults = audited(replace(template, workspace=workspace), path)
    assert any(damaged.name.removesuffix(".sha256") in fault and "damaged" in fault for fault in faults), faults

    again = tmp_path / "again/catalog.db"
    recovered = recover(folders(workspace.store, folder_of(HOST)), Tree(), again)
    assert rows(again) == template.rows[: recovered.events]
    assert recovered.events == EVENTS or recovered.notes
