"""Whether the promises hold in a walked world: each broken one is a sentence.

The rule: retention is recomputed here from the views, in other words than the product's, so that one mistake is not
made twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.faults import promises
from tests.faults.world import A_RUN, STORED, World, instant, rows_of

ZONE = ZoneInfo("America/Sao_Paulo")
SAFETY = timedelta(days=1)
SLOTS: dict[str, tuple[int, Callable[[date], object]]] = {
    "day": (2, lambda day: day),
    "week": (2, lambda day: day - timedelta(days=day.weekday())),
    "month": (2, lambda day: day.replace(day=1)),
    "year": (1, lambda day: day.year),
}
TROUBLE = ("failed", "abandoned", "damaged", "missing")
"""States of a newest attempt that let nothing be pruned."""


def always(world: World) -> Iterator[str]:
    """Yield what is broken that must hold at every moment, also right after a crash."""
    yield from _history(world)
    yield from world.publish()
    yield from _good_ones(world)
    yield from _databases(world)
    yield from _prunes(world)


def after_a_run(world: World) -> Iterator[str]:
    """Yield what a run left that came to its end, of its own or of a crash before it."""
    for view in ("backups", "restores"):
        running = [row for row in promises._view(world.project, view) if row["state"] == "running"]
        yield from (f"still running in {view}: {row}" for row in running if not _waits(world, row))
    known = {path for row in world.seen.backups.values() if row["state"] in STORED for path in _files(row["path"])}
    known |= {one["path"] for event in world.seen.events if event["type"] == "removed" for one in event["data"]["left"]}
    base = world.project.folder / "backups"
    found = {str(path.relative_to(base)) for path in world.project.files()}
    yield from (f"a file that no backup has: {path}" for path in sorted(found - known - _waiting(world)))
    removed = {event["backup_id"] for event in world.seen.events if event["type"] == "removed"}
    for row in world.seen.of("pruned"):
        if row["backup_id"] not in removed and world.read(row["path"]) is not None:
            yield f"pruned, and still there: {row['path']}"
    for place in ("data/.*", "catalog/.*", "catalog/state/catalog-snapshot*", "backups/**/@catalog/**/.*"):
        yield from (
            f"a hidden file is left: {path.relative_to(world.project.folder)}"
            for path in world.project.folder.glob(place)
        )
    yield from (f"a drill's folder is left: {path.name}" for path in (world.project.folder / "tmp").glob("vya-drill-*"))
    locks = world.project.folder.rglob("*.lock")
    yield from (f"a lock is held: {path.name}" for path in locks if promises._is_held(path))


def _waits(world: World, row: dict[str, Any]) -> bool:
    """Say whether a published dump is left for its read-back, which `doit backup` does."""
    return bool(row.get("dumped"))


def _waiting(world: World) -> set[str]:
    running = [row for row in world.seen.of("running") if row["dumped"]]
    return {path for row in running for path in _files(row["path"])}


def _files(dump: str) -> set[str]:
    return {dump, *map(str, promises._beside(Path(dump)))}


def _history(world: World) -> Iterator[str]:
    """No event changes or disappears, and each follows the one before it in its chain."""
    was, now = world.before.raw, world.seen.raw
    changed = [number for number, row in enumerate(was) if now[number : number + 1] != [row]]
    if changed:
        yield f"{len(changed)} events changed or disappeared, the first is {world.before.events[changed[0]]}"
    chains: dict[str, list[dict[str, Any]]] = {}
    for event in world.seen.events:
        chains.setdefault(event["catalog_id"], []).append(event)
    for chain in chains.values():
        for one, other in pairwise(chain):
            if other["prev_hash"] != one["hash"] or other["position"] != one["position"] + 1:
                yield f"event {other['id']} does not follow event {one['id']}"


def _good_ones(world: World) -> Iterator[str]:
    """What is called good and was not harmed is what was published; and nothing else is said of it."""
    for backup_id, row in world.seen.backups.items():
        if backup_id not in world.published:
            if row["state"] == "good":
                yield f"{row['path']} is good, and was never there"
            continue
        was = world.before.backups.get(backup_id, {}).get("state")
        is_harmed = world.is_dump_harmed(backup_id)
        if row["state"] in ("damaged", "missing") and was not in ("damaged", "missing") and not is_harmed:
            yield f"{row['path']} is called {row['state']}, and is as it was published"
        if row["state"] == "good" and was in ("damaged", "missing") and is_harmed:
            yield f"{row['path']} is called good again, and is not as it was published"
        if was == "good" and row["state"] not in ("good", "damaged", "missing", "pruned"):
            yield f"good {row['path']} became {row['state']}"
        if row["state"] in STORED and (touched := _touched(world, backup_id)):
            yield f"{touched} is neither what was published nor what was done to it"


def _touched(world: World, backup_id: str) -> str:
    """Return a file of a backup that changed although nobody harmed it."""
    harm = world.harm.get(backup_id, {})
    for path, content in world.published[backup_id].items():
        if world.read(path) != harm.get(path, content):
            return path
    return ""


def _databases(world: World) -> Iterator[str]:
    for name, rows in world.live.items():
        if not world.project.database(name).exists():
            yield f"database {name} is gone"
        elif (found := rows_of(world.project.database(name))) != rows:
            yield f"database {name} holds {len(found)} rows instead of {len(rows)}"


def _prunes(world: World) -> Iterator[str]:
    """Recompute what every backup was promised that this step pruned."""
    gone = {e["backup_id"] for e in world.seen.events[len(world.before.events) :] if e["type"] == "pruned"}
    for name in {world.seen.backups[one]["database"] for one in gone}:
        rows = [row for row in world.seen.backups.values() if row["database"] == name]
        good = [row for row in rows if row["backup_id"] in gone or _is_there(world, row)]
        yield from (
            f"pruned {row['path']}: {why}"
            for row in good
            if row["backup_id"] in gone
            for why in _promised(world, row, good)
        )
        yield from (f"pruned of {name}, which lost {lost}" for lost in _lost(world, good, gone))
        if stands := _stands_against(world, rows, good, name):
            yield f"pruned of {name} although {stands}"


def _is_there(world: World, row: dict[str, Any]) -> bool:
    """Say whether a backup is called good, and its file has its size: a look at the names shows so much."""
    return bool(row["state"] == "good") and len(world.read(row["path"]) or b"") == row["size_bytes"]


def _promised(world: World, row: dict[str, Any], good: list[dict[str, Any]]) -> Iterator[str]:
    was = world.before.backups.get(row["backup_id"])
    if was is None or was["state"] != "good":
        yield f"it was {was and was['state']}"
    if row["held"]:
        yield "it is held"
    if row is good[-1]:
        yield "it is the newest good one"
    if not world.now + A_RUN - instant(row["started_at"]) >= SAFETY:
        yield "it is too young, or of the future"


def _lost(world: World, good: list[dict[str, Any]], gone: set[str]) -> Iterator[str]:
    """Yield the promised periods that had a good backup and have none."""
    dated = [row for row in good if instant(row["started_at"]) <= world.now + A_RUN]
    for name, (number, period) in SLOTS.items():
        had = {period(_day(row)) for row in dated}
        has = {period(_day(row)) for row in dated if row["backup_id"] not in gone}
        promised = sorted(had, key=str, reverse=True)[:number]
        yield from (f"its {name} {one}" for one in promised if one not in has)


def _day(row: dict[str, Any]) -> date:
    return instant(row["started_at"]).astimezone(ZONE).date()


def _stands_against(world: World, rows: list[dict[str, Any]], good: list[dict[str, Any]], name: str) -> str:
    """Return why nothing of a database might have been pruned."""
    looked = max(
        (
            e["id"]
            for e in world.seen.events
            if e["type"] == "released" and e["database"] == name and not e["backup_id"]
        ),
        default=0,
    )
    newest = rows[-1]
    last = max(
        (e["id"] for e in world.seen.events if e["backup_id"] == newest["backup_id"] and e["type"] in TROUBLE),
        default=0,
    )
    if newest["state"] in TROUBLE and last > looked:
        return f"its newest attempt is {newest['state']}"
    was_good = next(
        (e["id"] for e in world.seen.events if e["backup_id"] == good[-1]["backup_id"] and e["type"] == "checksummed"),
        0,
    )
    if good[-1]["backup_id"] in world.shrunk and was_good > looked:
        return "its newest backup shrank"
    return ""


def becomes_good(world: World) -> None:
    """Note which of the backups that this step made good is far smaller than the good one before it."""
    for row in world.seen.of("good"):
        if world.before.backups.get(row["backup_id"], {}).get("state") in STORED:
            continue
        earlier = [
            r for r in world.seen.of("good") if r["database"] == row["database"] and r["sequence"] < row["sequence"]
        ]
        if earlier and row["plain_bytes"] < earlier[-1]["plain_bytes"] / 2:
            world.shrunk.add(row["backup_id"])


def due(world: World) -> set[str]:
    """Return the databases without a good backup of the world's day whose file is there."""
    today = world.now.astimezone(ZONE).date()
    past = [row for row in world.seen.of("good") if instant(row["started_at"]) <= world.now + A_RUN]
    covered = {row["database"] for row in past if _day(row) == today and _is_there(world, row)}
    return set(world.live) - covered


def is_turning(world: World, group: str) -> bool:
    """Say whether another decision may be right within a run: a day begins, or a backup is past now, or old enough."""
    first, last = world.now, world.now + 2 * A_RUN
    if first.astimezone(ZONE).date() != last.astimezone(ZONE).date():
        return True
    begun = [instant(row["started_at"]) for row in world.seen.backups.values()] if group != "backup" else []
    return any(first < one <= last or first < one + SAFETY <= last for one in begun)


def faults_of(world: World, backup_id: str) -> set[str]:
    """Return the checks that must speak about a backup."""
    paths, found = list(world.published[backup_id]), world.files_of(backup_id)
    differs = [path for path in paths if found[path] != world.published[backup_id][path]]
    if found[paths[0]] is None:
        return {"presence"}
    names = dict(zip(paths, ("digest", "checksum file", "metadata sidecar"), strict=True))
    return {names[path] for path in differs}


def _flip(world: World, one: str, other: str, place: int) -> None:
    dump = next(iter(world.published[one]))
    content = bytearray(world.read(dump) or b"\0")
    content[place % len(content)] ^= 1 << place % 8
    world.hurt(one, dump, bytes(content))


def _truncate(world: World, one: str, other: str, place: int) -> None:
    dump = next(iter(world.published[one]))
    content = world.read(dump) or b"\0"
    world.hurt(one, dump, content[: place % len(content)])


def _delete(world: World, one: str, other: str, place: int) -> None:
    world.hurt(one, list(world.published[one])[place % 3], None)


def _swap(world: World, one: str, other: str, place: int) -> None:
    first, second = (next(iter(world.published[name])) for name in (one, other))
    contents = world.read(first), world.read(second)
    world.hurt(one, first, contents[1])
    world.hurt(other, second, contents[0])


def _stale_sidecar(world: World, one: str, other: str, place: int) -> None:
    number = 1 + place % 2
    world.hurt(one, list(world.published[one])[number], world.read(list(world.published[other])[number]))


def _older_copy(world: World, one: str, other: str, place: int) -> None:
    older, newer = sorted((one, other), key=lambda name: world.seen.backups[name]["sequence"])
    world.hurt(newer, next(iter(world.published[newer])), world.read(next(iter(world.published[older]))))


HARMS: dict[str, Callable[[World, str, str, int], None]] = {
    "flip a bit": _flip,
    "truncate": _truncate,
    "delete": _delete,
    "swap": _swap,
    "stale sidecar": _stale_sidecar,
    "older copy under a newer name": _older_copy,
}
"""What is done to a good backup, perhaps with the help of another one."""
