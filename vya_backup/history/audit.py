"""Verifies that history is what was recorded: every hash, every place in a chain, the file's guards, stored heads.

The rule: it streams, so memory does not grow with history, and each fault names the event and what differs. Whoever may
write the file can also rewrite the whole chain, or cut off its end; only heads that have left the file show that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from sqlite3 import OperationalError
from typing import TYPE_CHECKING, Final

from vya_backup.errors import CatalogError
from vya_backup.history import chain, migrations
from vya_backup.history.recorded import Head

if TYPE_CHECKING:
    from vya_backup.history.catalog import Catalog
    from vya_backup.history.reading import Reads

MOST_FAULTS: Final = 100
"""More are counted, not told one by one."""


@dataclass(frozen=True)
class StoredHead:
    """The end of a chain as something outside the catalog remembers it; `source` names that thing."""

    catalog_id: str
    position: int
    hash: str
    source: str


@dataclass(frozen=True)
class AuditReport:
    """The outcome. `events` counts those that were read, `head` is the end of the catalog's own chain among them.

    `chains` are the ends of all; a merged catalog has no chain of its own.
    """

    ok: bool
    head: Head
    events: int
    faults: tuple[str, ...]
    chains: tuple[ChainEnd, ...] = ()


@dataclass(frozen=True)
class ChainEnd:
    """Where one of the chains in the file ends; `host` is known in a merged catalog, and empty in any other."""

    catalog_id: str
    position: int
    hash: str
    host: str


@dataclass(slots=True)
class _Link:
    """The last event seen of one chain."""

    position: int = 0
    hash: str = chain.GENESIS


class _Findings:
    """The faults, as many as anyone would read."""

    def __init__(self) -> None:
        self.count = 0
        self._told: list[str] = []

    def add(self, *faults: str) -> None:
        self.count += len(faults)
        self._told += faults[: max(0, MOST_FAULTS - len(self._told))]

    def told(self) -> tuple[str, ...]:
        more = self.count - len(self._told)
        return (*self._told, f"and {more:,} more faults") if more else tuple(self._told)


def audit(catalog: Catalog, heads: Iterable[StoredHead] = ()) -> AuditReport:
    """Read every event of the file, of whatever chain, and compare with what the hashes and the stored heads say.

    Raises:
        CatalogError: the file cannot be read to its end.
    """
    stored = list(heads)
    walk = _walked(catalog, stored)
    findings = walk.findings
    findings.add(*_gaps(catalog, walk), *_beginnings(catalog), *_lost_heads(walk.chains, stored))
    findings.add(*guard_faults(catalog))
    link = walk.chains.get(catalog.catalog_id) or _Link()
    head = Head(catalog.catalog_id, link.position, link.hash, walk.events)
    hosts = catalog.origins()
    ends = (ChainEnd(name, end.position, end.hash, hosts.get(name, "")) for name, end in walk.chains.items())
    return AuditReport(not findings.count, head, walk.events, findings.told(), tuple(ends))


def _walked(catalog: Catalog, heads: list[StoredHead]) -> _Walk:
    try:
        walk = _Walk(catalog, heads, _PLAIN)
        walk.follow()
    except OperationalError:  # a BLOB or broken text among the columns: only tampering puts it there
        walk = _Walk(catalog, heads, _GUARDED)
        try:
            walk.follow()
        except OperationalError as error:
            walk.findings.add(f"what follows the first {walk.events:,} events cannot be read: {error}")
    return walk


# SQLite makes the canonical encoding, because that is fast; what it makes differently is judged again in `_differs`.
_PLAIN: Final = ", ".join(chain.HASHED)
_GUARDED: Final = ", ".join(f"iif(typeof({name}) = 'blob', hex({name}), {name})" for name in chain.HASHED)


class _Walk:
    """One pass through all events, in the order of their arrival."""

    def __init__(self, catalog: Catalog, heads: list[StoredHead], columns: str) -> None:
        self.events = 0
        self.chains: dict[str, _Link] = {}
        self.findings = _Findings()
        self.out_of_order = False
        self._catalog = catalog
        self._heads: dict[int, list[StoredHead]] = {}
        for head in heads:
            self._heads.setdefault(head.position, []).append(head)
        self._sql = (
            "SELECT id, catalog_id, position, prev_hash, hash, "
            f"CAST(json_array({columns}) AS BLOB) FROM events ORDER BY id"
        )

    def follow(self) -> None:
        """Read to the end. The loop is the cost of an audit, so all but the comparison is elsewhere."""
        chains, heads, sha256 = self.chains, self._heads, hashlib.sha256
        for number, catalog_id, position, prev_hash, recorded, canonical in self._catalog.stream(self._sql):
            self.events += 1
            link = chains.get(catalog_id)
            if link is None:
                link = chains[catalog_id] = _Link()
            if sha256(canonical).hexdigest() != recorded:
                self._judge_content(number, recorded)
            if position == link.position + 1 and prev_hash == link.hash:
                link.position = position
            else:
                link.position = self._judge_place(number, position, prev_hash, link)
            link.hash = recorded
            if position in heads:
                self._compare_with_heads(number, catalog_id, position, recorded)

    def _judge_content(self, number: int, recorded: object) -> None:
        if _differs(self._catalog, number, recorded):
            name = _name(self._catalog, number)
            self.findings.add(f"{name} was changed: its content does not give its hash {_short(recorded)}")

    def _judge_place(self, number: int, position: object, prev_hash: object, link: _Link) -> int:
        """Say what is wrong with the place of an event; return the position to go on from."""
        name = _name(self._catalog, number)
        if not isinstance(position, int):
            self.findings.add(f"{name} has no place in the chain: its position is {position!r}")
            return link.position + 1
        if position == link.position + 1:
            self.findings.add(
                f"{name} does not follow the event before it: it names the hash {_short(prev_hash)}, "
                f"but that one's is {_short(link.hash)}"
            )
            return position
        self.out_of_order = True
        if position <= link.position:
            self.findings.add(f"{name} {_misplaced(position, link.position)}")
        return position

    def _compare_with_heads(self, number: int, catalog_id: str, position: int, recorded: str) -> None:
        for head in self._heads[position]:
            if head.catalog_id == catalog_id and head.hash != recorded:
                self.findings.add(
                    f"{_name(self._catalog, number)} is not the one that {head.source} remembers: "
                    f"its hash is {_short(recorded)} instead of {_short(head.hash)}"
                )


def _differs(catalog: Catalog, number: int, recorded: object) -> bool:
    """Judge by our own encoding, so that the verdict does not hang on how an SQLite version spells JSON."""
    try:
        values = tuple(catalog.rows(f"SELECT {_PLAIN} FROM events WHERE id = ?", (number,))[0])
        return chain.digest(values) != recorded
    except (OperationalError, TypeError):  # broken UTF-8, a BLOB
        return True


def _short(digest: object) -> str:
    return f"{str(digest)[:12]}…"


def _misplaced(position: int, last: int) -> str:
    if position == last:
        return f"forks the chain: position {position:,} is taken twice"
    return f"is out of order: position {position:,} stands behind position {last:,}"


def _gaps(catalog: Catalog, walk: _Walk) -> Iterator[str]:
    if not walk.out_of_order:
        return
    for catalog_id, before, after in catalog.stream(_GAPS):
        first, last = before + 1, after - 1
        missing = f"position {first:,} is" if first == last else f"positions {first:,} to {last:,} are"
        yield f"{missing} missing from the chain of catalog {catalog_id}: events were removed"


_GAPS: Final = """
SELECT * FROM (
  SELECT catalog_id, lag(position, 1, 0) OVER (PARTITION BY catalog_id ORDER BY position) AS before, position AS after
  FROM events NOT INDEXED WHERE typeof(position) = 'integer'
) WHERE after > before + 1
"""


def _beginnings(catalog: Catalog) -> Iterator[str]:
    rows = catalog.rows("SELECT id FROM events WHERE position = 1 AND type <> 'catalog_created'")
    for row in rows:
        yield f"{_name(catalog, row['id'])} begins a chain without being its catalog_created"
    if not catalog.head().position and not catalog.origins():
        yield f"the chain of this catalog, {catalog.catalog_id or 'without an id'}, has no event"


def _lost_heads(chains: dict[str, _Link], heads: list[StoredHead]) -> Iterator[str]:
    """Say of each chain once that heads were not met: the farthest one tells how much is gone at least."""
    farthest = {head.catalog_id: head for head in sorted(heads, key=lambda head: head.position)}
    for catalog_id, head in farthest.items():
        if catalog_id not in chains:
            yield f"{head.source} remembers the chain of catalog {catalog_id}, of which no event is here"
        elif head.position > chains[catalog_id].position:
            yield (
                f"the end of the chain of catalog {catalog_id} is cut off: it stops at position "
                f"{chains[catalog_id].position:,}, but {head.source} remembers position {head.position:,}"
            )


def guard_faults(catalog: Reads) -> Iterator[str]:
    """Compare the schema in the file with this program's: a dropped trigger is how tampering begins."""
    expected = migrations.expected_schema()
    found = {
        row["name"]: row for row in catalog.rows("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql <> ''")
    }
    for name, sql in expected.items():
        if name not in found:
            yield f"{_kind(sql)} {name} was dropped"
        elif found[name]["sql"] != sql:
            yield f"{_kind(sql)} {name} was changed"
    for name, row in found.items():
        if row["type"] == "trigger" and name not in expected:
            yield f"trigger {name} was added to {row['tbl_name']}"


def _kind(sql: str) -> str:
    return sql.split(maxsplit=2)[1].lower()


def _name(catalog: Catalog, number: int) -> str:
    """Return what an operator recognises the event by."""
    try:
        row = catalog.rows("SELECT position, type, at, instance, database FROM events WHERE id = ?", (number,))[0]
    except (CatalogError, OperationalError, IndexError):
        return f"event {number}"
    about = "/".join(str(part) for part in (row["instance"], row["database"]) if part is not None)
    return f"event {number} ({row['type']}{' of ' + about if about else ''}, {row['at']}, position {row['position']})"
