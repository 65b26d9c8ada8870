"""The operator's questions find what an application finds."""

from __future__ import annotations

from tests.drills.conftest import Drills, configure
from tests.servers import PostgresqlServer

NAME = "questioned"


def test_tables_of_postgresql_are_found_without_their_schema(
    postgresql_15: PostgresqlServer, drills_of: Drills
) -> None:
    """In `public`, and where `ALTER DATABASE SET` says otherwise, there."""
    postgresql_15.drop_database(NAME)
    postgresql_15.create_database(NAME)
    postgresql_15.load("CREATE TABLE item (a int); INSERT INTO item VALUES (1), (2);", NAME)
    project = drills_of(source=postgresql_15, drill={"assertions": [_asked("SELECT count(*) FROM item", 2)]})
    assert project.run(f"backup:source/{NAME}").status == 0
    found = project.run(f"drill:source/{NAME}")
    postgresql_15.load(
        f"CREATE SCHEMA aside; CREATE TABLE aside.only_here AS SELECT 7 AS a;"
        f"ALTER DATABASE {NAME} SET search_path = aside, public;",
        NAME,
    )
    configure(project, {"assertions": [_asked("SELECT a FROM only_here", 7)]})
    assert project.run(f"backup:source/{NAME}", "--force").status == 0

    aside = project.run(f"drill:source/{NAME}")

    assert (found.status, aside.status) == (0, 0), found.said + aside.said
    assert "1 assertion held" in found.out
    assert "1 assertion held" in aside.out
    postgresql_15.drop_database(NAME)


def _asked(sql: str, expect: object) -> dict[str, object]:
    return {"database": f"source/{NAME}", "sql": sql, "expect": expect}
