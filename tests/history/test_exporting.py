"""Events as JSON lines: every column, in order, from any position on, and nothing that was changed."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from tests.history.samples import good, one_of_each
from tests.jobs.copies import tamper
from vya_backup.errors import CatalogError, UsageError
from vya_backup.history.catalog import Catalog
from vya_backup.history.chain import digest
from vya_backup.history.exporting import exported
from vya_backup.jobs.merging import merge


def test_each_event_is_one_line_with_every_column(catalog: Catalog) -> None:
    """`data` as the object that it is; what was hashed can be hashed again."""
    catalog.append(*one_of_each().values())
    lines = list(exported(catalog))
    stored = catalog.rows("SELECT * FROM events ORDER BY id")
    assert len(lines) == len(stored) > 25
    for line, row in zip(lines, stored, strict=True):
        assert line.endswith("\n")
        told = json.loads(line)
        assert list(told) == row.keys()
        assert told | {"data": ""} == dict(row) | {"data": ""}
        assert told["data"] == json.loads(row["data"])
        data = json.dumps(told["data"], ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        columns = [data if name == "data" else told[name] for name in told if name not in {"id", "hash"}]
        assert digest(columns) == told["hash"]


def test_whoever_has_the_last_line_goes_on_from_its_position(catalog: Catalog) -> None:
    """The parts come to the same as the whole."""
    catalog.append(*good("b1"), *good("b2"))
    first = list(islice(exported(catalog), 3))
    rest = list(exported(catalog, since=json.loads(first[-1])["position"]))
    assert first + rest == list(exported(catalog))
    assert list(exported(catalog, since=7)) == []


def test_a_position_that_is_not_there_is_named(catalog: Catalog) -> None:
    """Rather than an empty answer, which would look like no news."""
    with pytest.raises(UsageError, match=r"no position 9\. The chain ends at position 1"):
        list(exported(catalog, since=9))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("UPDATE events SET actor = 'mallory' WHERE position = 3", "position 3 is not exported: it was changed"),
        ("DELETE FROM events WHERE position = 3", "position 4 is not exported: it comes after a gap"),
    ],
)
def test_what_was_tampered_with_is_not_exported(catalog: Catalog, harm: str, told: str) -> None:
    """What came before it is."""
    catalog.append(*good())
    tamper(catalog.path, harm)
    lines = exported(catalog)
    assert [json.loads(next(lines))["position"] for _ in range(2)] == [1, 2]
    with pytest.raises(CatalogError, match=told):
        next(lines)


def test_a_union_is_exported_chain_by_chain(catalog: Catalog, tmp_path: Path) -> None:
    """A position means nothing across chains, so one has to be named."""
    fleet = tmp_path / "fleet" / "fleet.db"
    merge([catalog.path], fleet)
    union = Catalog.open_copy(fleet)
    with pytest.raises(UsageError, match=rf"several hosts\. Name one with --chain: {catalog.catalog_id} \(wfdb02\)"):
        list(exported(union))
    with pytest.raises(UsageError, match="no chain 'x'"):
        list(exported(union, catalog_id="x"))
    assert list(exported(union, catalog_id=catalog.catalog_id)) == list(exported(catalog))
    union.close()
