"""PURE: what a dump held, and whether a restored database holds the same.

A manifest is made from the stream while it is dumped. Names are engine spellings, qualified where the engine has
schemas (`sales.invoice`), with control characters replaced by a space as the dump tools do in their comments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Objects = Mapping[str, tuple[str, ...]]
"""Sorted names by kind: `{"table": ("public.film", …), "view": …}`; a kind without objects is absent."""


@dataclass(frozen=True)
class PartSpan:
    """Where one part of a dump lies in the plain (decompressed) stream, in bytes."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True)
class Manifest:
    """What a dump held."""

    objects: Objects
    rows: Mapping[str, int]
    rows_exact: bool = True
    sequences: Mapping[str, int] = field(default_factory=dict)
    parts: tuple[PartSpan, ...] = ()
    schema_hash: str = ""

    def count(self, *kinds: str) -> int:
        """Return how many objects of these kinds there are."""
        return sum(len(self.objects.get(kind, ())) for kind in kinds)

    def total_rows(self) -> int:
        """Return the rows of all tables together."""
        return sum(self.rows.values())

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values, the inverse of `from_json`."""
        return {
            "objects": {kind: list(names) for kind, names in self.objects.items()},
            "rows": dict(self.rows),
            "rows_exact": self.rows_exact,
            "sequences": dict(self.sequences),
            "parts": [{"name": p.name, "offset": p.offset, "size": p.size} for p in self.parts],
            "schema_hash": self.schema_hash,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Manifest:
        """Read what `as_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: the data is no manifest.
        """
        return cls(
            objects={kind: tuple(names) for kind, names in data["objects"].items()},
            rows={name: int(count) for name, count in data["rows"].items()},
            rows_exact=bool(data["rows_exact"]),
            sequences={name: int(value) for name, value in data.get("sequences", {}).items()},
            parts=tuple(PartSpan(p["name"], int(p["offset"]), int(p["size"])) for p in data.get("parts", ())),
            schema_hash=str(data.get("schema_hash", "")),
        )


def counted(number: int, thing: str) -> str:
    """Return `1 table`, `2 tables`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def missing_objects(expected: Objects, found: Objects) -> list[str]:
    """Return `kind name` for each expected object that is not found, sorted; extra ones are no fault here."""
    return sorted(
        f"{kind} {name}" for kind, names in expected.items() for name in set(names) - set(found.get(kind, ()))
    )


def differences(expected: Manifest, found: Manifest) -> list[str]:
    """Return one sentence for each difference between a dump and the database restored from it.

    Approximate row counts are never judged; the list of objects always is, in both directions.
    """
    sentences = [f"{item} is missing" for item in missing_objects(expected.objects, found.objects)]
    sentences += [f"{item} was not in the dump" for item in missing_objects(found.objects, expected.objects)]
    if expected.rows_exact and found.rows_exact:
        sentences += _differing_counts(expected.rows, found.rows, "rows")
    sentences += _differing_counts(expected.sequences, found.sequences, "as sequence value")
    return sentences


def _differing_counts(expected: Mapping[str, int], found: Mapping[str, int], what: str) -> list[str]:
    return [
        f"{name} has {found[name]:,} {what} instead of {count:,}"
        for name, count in sorted(expected.items())
        if name in found and found[name] != count
    ]
