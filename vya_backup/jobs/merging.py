"""Merge the catalogs of many hosts, or copies of them, into one that shows the fleet and to which nothing is appended.

A plain union: every chain keeps its own hashes. What is there already is compared where it ends, and only the rest is
read; events of several hosts arrive in the order of their times, as far as each chain's own order allows it.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vya_backup.decisions.manifest import counted
from vya_backup.errors import CatalogError, UsageError
from vya_backup.history import publishing, readers
from vya_backup.history.publishing import Copy
from vya_backup.history.sources import Source
from vya_backup.jobs.publishing import draft_of, forget_draft
from vya_backup.transport.storage.placing import put_in_place

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class MergedChain:
    """One chain of the union: whose it is, where it ends, and how many events of it were added now."""

    host: str
    catalog_id: str
    position: int
    added: int


@dataclass(frozen=True)
class Merged:
    """What came of a merge; `chains` are sorted by host."""

    path: Path
    chains: tuple[MergedChain, ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"path": str(self.path), "chains": [vars(one) for one in self.chains]}

    def lines(self) -> list[str]:
        """Return what a person reads."""
        told = [
            f"{one.host}: {counted(one.added, 'event')} added, position {one.position:,} of catalog {one.catalog_id}"
            for one in self.chains
        ]
        hosts = len({one.host for one in self.chains})
        return [*told, f"{self.path} holds the history of {counted(hosts, 'host')}"]


def merge(files: Sequence[Path], output: Path, group: str = "") -> Merged:
    """Add what is new in some catalogs to a union, which is made where there is none; all of it happens, or nothing.

    Raises:
        UsageError: nothing is named, or the union itself is.
        CatalogBusy: a reader holds the union.
        CatalogError: a file is no catalog, two tell different histories, or the output is no union.
    """
    output = Path(output).absolute()
    if not files or output.resolve() in {file.resolve() for file in files}:
        raise UsageError(
            "merge needs the files of other catalogs, and another one to write",
            "For example: doit catalog merge host1.db host2.db --output fleet.db",
        )
    with ExitStack() as stack:
        sources = sorted((stack.enter_context(Source(file)) for file in files), key=lambda one: one.catalog_id)
        if output.exists():
            _demand_union(output)
            return _merged(sources, output, output)
        readers.prepare_folder(output.parent, group)
        forget_draft(output)
        try:
            publishing.create(draft_of(output))
            merged = _merged(sources, draft_of(output), output)
            readers.show(draft_of(output), group)
            put_in_place(draft_of(output), output)
        finally:
            forget_draft(output)
        return merged


def _demand_union(output: Path) -> None:
    """Raises CatalogError for a host's own catalog, or its published copy; nothing is written yet."""
    with Source(output, is_ours=True) as before:
        if before.ends and not before.is_merged:
            raise CatalogError(
                f"{output} is the catalog of one host, or its published copy, and no union of several",
                "Name another file: --output FILE.",
            )


def _merged(sources: Sequence[Source], path: Path, output: Path) -> Merged:
    with Copy(path, PATIENCE_SECONDS) as copy:
        if fault := next(copy.faults(), ""):
            raise CatalogError(f"{output} was tampered with: {fault}", f"See with: doit audit --catalog '{output}'.")
        longest = _longest(sources)
        for name, source in longest.items():
            _demand_one_history(copy, source, name, output)
            copy.name_origin(name, source.origins[name])
        streams = [source.entries(_lacking(copy, source, longest)) for source in sources]
        copy.take(heapq.merge(*streams, key=lambda entry: entry.at))
        copy.keep()
        chains = (MergedChain(copy.origins[n], n, end.position, copy.added[n]) for n, end in copy.ends.items())
        return Merged(output, tuple(sorted(chains, key=lambda one: (one.host, one.catalog_id))))


def _longest(sources: Sequence[Source]) -> dict[str, Source]:
    """Return for each chain the file that has most of it; the others have to be its beginning.

    Raises:
        CatalogError: two files tell a chain differently.
    """
    longest: dict[str, Source] = {}
    for source in sources:
        for name, end in source.ends.items():
            other = longest.setdefault(name, source)
            longer, shorter = (source, other) if end.position > other.ends[name].position else (other, source)
            longest[name] = longer
            _demand_same(shorter.path, shorter.ends[name].position, shorter.ends[name].hash, longer, name)
    return longest


def _demand_one_history(copy: Copy, source: Source, name: str, output: Path) -> None:
    """Raises CatalogError where the union tells a chain differently from a file; whichever is longer."""
    position = min(copy.position(name), source.ends[name].position)
    if position:
        _demand_same(output, position, copy.hash_at(name, position), source, name)


def _demand_same(path: Path, position: int, recorded: str, source: Source, name: str) -> None:
    if source.hash_at(name, position) != recorded:
        raise CatalogError(
            f"{path} and {source.path} tell different histories: position {position:,} of catalog {name} is not the "
            "same event in both",
            "See which one is whole with: doit audit --catalog FILE.",
        )


def _lacking(copy: Copy, source: Source, longest: dict[str, Source]) -> dict[str, int]:
    """Return for each chain that is to be read from a file the position behind which the union lacks it."""
    return {name: copy.position(name) for name in source.ends if longest[name] is source}
