"""The events of one chain as JSON lines, for a SIEM: every column, `data` as the object that it is.

The rule: an event leaves only when its content gives its hash and it follows the one before it, so that what stands
outside is what was recorded; whoever has the last line can go on from its position.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Final

from vya_backup.errors import CatalogError, UsageError
from vya_backup.history import chain
from vya_backup.history.catalog import Catalog
from vya_backup.history.recovering import End, misfit
from vya_backup.history.sources import Numbered

_SQL: Final = f"SELECT {', '.join((*chain.HASHED, 'hash', 'id'))} FROM events WHERE catalog_id = ? AND position > ?"


def exported(catalog: Catalog, since: int = 0, catalog_id: str = "") -> Generator[str]:
    """Yield what follows a position of a chain, the catalog's own unless another one is named, as lines of JSON.

    Close it before the catalog where it may be left early.

    Raises:
        UsageError: no such chain, or no such position in it.
        CatalogError: an event was changed, or one is missing.
    """
    name = _chain(catalog, catalog_id)
    end = _end(catalog, name, since)
    for row in catalog.stream(f"{_SQL} ORDER BY position", (name, since)):
        entry = Numbered(row[:-2], row[-2], row[-1])
        if fault := misfit(entry, end):
            raise CatalogError(
                f"the event at position {entry.position:,} is not exported: it {fault}", "Run: doit audit."
            )
        end = End(entry.position, entry.hash)
        yield line(entry)


def line(entry: Numbered) -> str:
    """Return one event with every column, in the order of the table."""
    columns = dict(zip(chain.HASHED, entry.values, strict=True))
    told = {"id": entry.id, **columns, "data": json.loads(columns["data"]), "hash": entry.hash}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n"


def _chain(catalog: Catalog, wanted: str) -> str:
    hosts = catalog.origins()
    name = wanted or ("" if hosts else catalog.catalog_id)
    if name and catalog.rows("SELECT 1 FROM events WHERE catalog_id = ? LIMIT 1", (name,)):
        return name
    there = ", ".join(f"{one} ({host})" for one, host in hosts.items()) or catalog.catalog_id
    raise UsageError(
        f"there is no chain {name!r} in {catalog.path}"
        if name
        else f"{catalog.path} holds the chains of several hosts",
        f"Name one with --chain: {there}.",
    )


def _end(catalog: Catalog, name: str, since: int) -> End:
    if since == 0:
        return End()
    rows = catalog.rows("SELECT hash FROM events WHERE catalog_id = ? AND position = ?", (name, since))
    if not rows:
        last = catalog.rows("SELECT max(position) FROM events WHERE catalog_id = ?", (name,))[0][0]
        raise UsageError(f"there is no position {since:,}", f"The chain ends at position {last:,}; 0 is its beginning.")
    return End(since, rows[0]["hash"])
