"""Follows the chains of a catalog that somebody else appends to, a slice at a time: what was read is not read again.

The rule: a fault that was seen stays; whoever wants certainty about events that were read long ago begins anew, or runs
`doit audit`, which also compares heads that have left the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from vya_backup.history import chain
from vya_backup.history.reading import Reads

SLICE: Final = 5_000
MOST_FAULTS: Final = 20
_EVENTS = f"SELECT id, hash, {', '.join(chain.HASHED)} FROM events WHERE id > ? ORDER BY id LIMIT ?"
_CATALOG_ID, _POSITION, _PREVIOUS = (chain.HASHED.index(name) for name in ("catalog_id", "position", "prev_hash"))


@dataclass
class Watch:
    """How far the chains of one file were followed; `head` is the id of the last event in it when that was asked."""

    read_to: int = 0
    events: int = 0
    head: int = 0
    chains: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Of each chain the last position and hash."""
    faults: list[str] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Say whether everything that was in the file has been read."""
        return self.read_to >= self.head

    @property
    def percent(self) -> int:
        """Return how much of the file was read."""
        return 100 if self.is_done else int(100 * self.read_to / self.head)

    def follow(self, reads: Reads, most: int = SLICE) -> int:
        """Read the next events and return how many there were; 0 is the end of the file.

        Raises:
            sqlite3.Error: the file cannot be read.
        """
        self.head = reads.rows("SELECT coalesce(max(id), 0) FROM events")[0][0]
        if self.head < self.read_to:
            self._fault(f"the file ends with event {self.head:,}, but event {self.read_to:,} was read before")
            self.read_to = self.head
        rows = reads.rows(_EVENTS, (self.read_to, most))
        for row in rows:
            self._judge(row[0], row[1], tuple(row)[2:])
        self.read_to = rows[-1][0] if rows else max(self.read_to, self.head)
        self.events += len(rows)
        return len(rows)

    def _judge(self, number: int, recorded: str, values: tuple[object, ...]) -> None:
        catalog_id, position = str(values[_CATALOG_ID]), int(str(values[_POSITION]))
        last, head = self.chains.get(catalog_id, (0, chain.GENESIS))
        if _hash(values) != recorded:
            self._fault(f"event {number:,} was changed: its content does not give its hash")
        if position != last + 1:
            self._fault(f"event {number:,} has position {position:,}, but follows position {last:,}")
        elif values[_PREVIOUS] != head:
            self._fault(f"event {number:,} does not follow the event before it")
        self.chains[catalog_id] = (position, recorded)

    def _fault(self, sentence: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(sentence)


def _hash(values: tuple[object, ...]) -> str:
    try:
        return chain.digest(values)
    except TypeError:  # a BLOB, which only tampering puts there
        return ""
