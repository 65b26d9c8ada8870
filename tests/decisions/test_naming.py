"""Names of databases become paths and task names without ever being misread."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vya_backup.decisions.naming import (
    LONGEST_COMPONENT,
    ArtifactName,
    Key,
    Naming,
    artifact_name,
    database_of_task,
    free_name,
    path_component,
    task_name,
)

AT = datetime(2026, 1, 9, 2, 0, 0, tzinfo=ZoneInfo("America/Sao_Paulo"))
DESIGN = Naming("{hostname}/{db_id}/{db_name}/{date}", "{db_name}_{datetime}_{type}.sql.gz", "%Y%m%d_%H%M%S", "wfdb02")
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=64)


def test_an_artifact_lies_where_the_design_says() -> None:
    """The path of the design, with the suffix of the content."""
    name = artifact_name(Key("prod-mysql-01", "mydb"), "mysql", AT, DESIGN, suffix="sql.gz")

    assert name.dump == "wfdb02/prod-mysql-01/mydb/2026-01-09/mydb_20260109_020000_full.sql.gz"
    assert name.checksum == "wfdb02/prod-mysql-01/mydb/2026-01-09/mydb_20260109_020000_full.sql.gz.sha256"
    assert name.metadata == "wfdb02/prod-mysql-01/mydb/2026-01-09/mydb_20260109_020000_full.metadata.json"


def test_the_suffix_follows_the_content_whatever_the_pattern_ends_in() -> None:
    """A pattern that says .sql.gz does not make a zstd file of SQLite look like one."""
    name = artifact_name(Key("local", "shop"), "sqlite", AT, DESIGN, suffix="db.zst")

    assert name.dump.endswith("/shop_20260109_020000_full.db.zst")


def test_the_legacy_pattern_can_be_expressed() -> None:
    """Installations that named files {date}-{type}-{hostname}-{db_name} keep doing so."""
    legacy = Naming("{db_id}", "{date}-{type}-{hostname}-{db_name}.sql.gz", "%H", "wfdb02")

    name = artifact_name(Key("prod", "mydb"), "mysql", AT, legacy, suffix="sql.gz")

    assert name.dump == "prod/2026-01-09-full-wfdb02-mydb.sql.gz"


@pytest.mark.parametrize(
    ("database", "component"),
    [
        ("mydb", "mydb"),
        ("a/b", "a%2Fb"),
        ("..", "%2E%2E"),
        (".hidden", "%2Ehidden"),
        ("-rf", "%2Drf"),
        ("@users", "@users"),
        ("@team", "%40team"),
        ("100%", "100%25"),
        ("line\nbreak", "line%0Abreak"),
        ("côté", "côté"),
    ],
)
def test_what_a_path_could_misread_is_encoded(database: str, component: str) -> None:
    """Separators, leading dots and dashes, control characters."""
    assert path_component(database) == component


def test_names_that_differ_by_case_do_not_fall_together() -> None:
    """A tree copied to a case-insensitive disk keeps both databases."""
    neighbours = ["shop", "SHOP", "Shop", "other"]

    components = {path_component(name, neighbours).casefold() for name in neighbours}

    assert len(components) == len(neighbours)
    assert path_component("shop", neighbours) == "shop"
    assert path_component("MyDB", neighbours) == "MyDB"


@given(first=names, second=names)
def test_different_names_never_share_a_component(first: str, second: str) -> None:
    """Encoding loses nothing, and its result is always one safe component."""
    one, two = (path_component(name, (first, second)) for name in (first, second))

    assert (one == two) == (first == second)
    assert one not in {"", ".", ".."}
    assert not set("/\0\n") & set(one)
    assert len(one.encode()) <= LONGEST_COMPONENT
    assert first == "@users" or one[0] not in ".-@"


@given(name=names)
def test_task_names_come_back(name: str) -> None:
    """A task name holds nothing that doit would take for a variable or a pattern, and decodes to the database."""
    encoded = task_name(name)

    assert not set("=*?[") & set(encoded)
    assert database_of_task(encoded) == name


def test_a_taken_name_gets_a_number() -> None:
    """Nothing is overwritten: also a leftover sidecar makes a name taken."""
    wanted = ArtifactName("h/x_full.sql.gz")
    taken = {"h/x_full.sql.gz", "h/x_full-2.metadata.json"}

    assert free_name(wanted, taken.__contains__).dump == "h/x_full-3.sql.gz"
