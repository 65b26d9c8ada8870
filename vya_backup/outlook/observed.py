"""What the catalog says, gathered once for all families of metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from vya_backup.decisions.naming import Key
from vya_backup.decisions.retention import rules_for
from vya_backup.history import watching
from vya_backup.history.reading import Reads
from vya_backup.history.watching import Demands, WatchedRow
from vya_backup.settings.storage_model import Retention

OF_INSTANCE: Final = ("database_type", "database_id")
"""`database_id` is the instance."""
OF_DATABASE: Final = (*OF_INSTANCE, "database_name")

Place = tuple[str, str, str]


@dataclass(frozen=True)
class Observed:
    """What the families are made of."""

    demands: Demands
    databases: tuple[WatchedRow, ...]
    tallies: dict[Place, float]
    types: dict[str, str]
    discovered: frozenset[str]

    def number(self, name: str, instance: str = "", label: str = "") -> float:
        """Return one number, 0 while nothing was counted."""
        return self.tallies.get((name, instance, label), 0)

    def of(self, name: str) -> Iterator[tuple[Place, float]]:
        """Yield the numbers of one name."""
        return ((place, number) for place, number in self.tallies.items() if place[0] == name)

    def labels(self, instance: str) -> tuple[str, str]:
        """Return the type of an instance, and its id."""
        return (self.types.get(instance, ""), instance)

    @cached_property
    def expected(self) -> list[str]:
        """Return the instances that are to be backed up."""
        return sorted({*self.demands.expected, *(row.instance for row in self.databases)})

    @cached_property
    def instances(self) -> list[str]:
        """Return these, and every other one that something was counted of."""
        return sorted({*self.expected, *(instance for _, instance, _ in self.tallies if instance)})

    def databases_of(self, instance: str) -> list[WatchedRow]:
        """Return the databases of one instance that are expected to have backups."""
        return self._by_instance.get(instance, [])

    def is_failing(self, instance: str) -> bool:
        """Say whether the newest attempt of one of its databases failed, or to find out which it has at all."""
        if rows := self.databases_of(instance):
            return any(row.failing for row in rows)
        return instance not in self.discovered and any(
            (name, of) == ("errors", instance) for name, of, _ in self.tallies
        )

    def databases_by_type(self) -> dict[str, int]:
        """Return how many databases of each type are expected to have backups; a type without any is there too."""
        none = dict.fromkeys((self.labels(instance)[0] for instance in self.expected), 0)
        return none | Counter(self.labels(row.instance)[0] for row in self.databases)

    def is_shrunk(self, row: WatchedRow) -> bool:
        """Say whether a database lost more than its retention allows, and nobody has looked."""
        if not row.shrunk_percent:
            return False
        return row.shrunk_percent > rules_for(self._retention, Key(row.instance, row.database)).shrink_alarm_percent

    @cached_property
    def _by_instance(self) -> dict[str, list[WatchedRow]]:
        found: dict[str, list[WatchedRow]] = {}
        for row in self.databases:
            found.setdefault(row.instance, []).append(row)
        return found

    @cached_property
    def _retention(self) -> Retention:
        return Retention.model_validate({**self.demands.retention, "overrides": self.demands.overrides})


def observe(reads: Reads, origin: str = "") -> Observed:
    """Gather what is known of one origin.

    Raises:
        CatalogError, sqlite3.Error: the catalog cannot be read.
    """
    demands = watching.demands(reads, origin)
    types = watching.known_types(reads, origin) | {one.id: one.type for one in demands.instances}
    rows, numbers = tuple(watching.watched(reads, origin)), watching.tallies(reads, origin)
    return Observed(demands, rows, numbers, types, watching.discovered(reads, origin))
