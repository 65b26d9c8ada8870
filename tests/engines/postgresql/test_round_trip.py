"""PostgreSQL: what goes in comes out again, whatever it is called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.postgresql import drive
from tests.servers import PostgresqlServer
from vya_backup.decisions.manifest import differences, missing_objects
from vya_backup.engines.postgresql.entries import COUNTED

NAMES = (
    "dbname=template1",
    "postgresql://x",
    "-h",
    "--all",
    'it\'s \\ "quoted"',
    "a/../b %d",
    "new\nline",
    "ünïcode 😀",
    "x" * 63,
)
SUBSCRIPTIONS = """SELECT quote_ident(subname) FROM pg_subscription
    WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"""


@pytest.fixture
def hostile(server: PostgresqlServer) -> Iterator[str]:
    """A database with every kind of object under hostile names; gone afterwards, its copies too."""
    kept = set(server.databases())
    server.create_database("hostile")
    server.load(drive.HOSTILE.read_bytes(), "hostile")
    yield "hostile"
    for name in set(server.databases()) - kept:
        for (subscription,) in server.sql(SUBSCRIPTIONS, name):
            server.sql(f"ALTER SUBSCRIPTION {subscription} DISABLE", name)
            server.sql(f"ALTER SUBSCRIPTION {subscription} SET (slot_name = NONE)", name)
            server.sql(f"DROP SUBSCRIPTION {subscription}", name)
        server.drop_database(name)


def test_a_dump_holds_every_object_that_the_catalogs_name(
    server: PostgresqlServer, hostile: str, tmp_path: Path
) -> None:
    """The survey and the observed stream come to the same names in every kind, in both directions."""
    taken = drive.dump(server, hostile, tmp_path / "dump")

    assert taken.streamed.observation.complete
    assert missing_objects(taken.survey.objects, taken.manifest.objects) == []
    assert missing_objects(taken.manifest.objects, taken.survey.objects) == []
    assert set(taken.survey.objects) == {kind.lower() for kind in COUNTED}


def test_the_stream_counts_what_the_server_counts(server: PostgresqlServer, hostile: str, tmp_path: Path) -> None:
    """Rows, sequence values and large objects seen in the stream are those of the live database."""
    taken = drive.dump(server, hostile, tmp_path / "dump")

    counted = drive.counted(drive.request_for(taken, server, hostile), hostile)

    assert differences(taken.manifest, counted) == []
    assert taken.manifest.rows == counted.rows
    assert taken.manifest.sequences == counted.sequences
    assert counted.rows["public.plain"] == 1003
    assert counted.rows["large objects"] == 3


def test_a_restored_database_dumps_to_the_same_text(server: PostgresqlServer, hostile: str, tmp_path: Path) -> None:
    """Line for line, grants, comments and rows included; partitions by an enum's hash may divide rows otherwise."""
    taken = drive.dump(server, hostile, tmp_path / "dump")

    drive.restore(taken, drive.request_for(taken, server, "copy of 'it' \\"))

    again = drive.dump(server, "copy of 'it' \\", tmp_path / "again")
    assert sorted(drive.lines(again)) == sorted(drive.lines(taken))
    assert again.manifest.schema_hash == taken.manifest.schema_hash


@pytest.mark.parametrize("name", NAMES)
def test_a_database_of_any_name_is_dumped_and_restored(
    postgresql_15: PostgresqlServer, name: str, tmp_path: Path
) -> None:
    """The name reaches server and tools as itself, never as an option or a connection string."""
    server = postgresql_15
    server.create_database(name)
    try:
        server.sql("CREATE TABLE told AS SELECT current_database()::text AS name", name)
        taken = drive.dump(server, name, tmp_path / "dump")
        server.drop_database(name)

        drive.restore(taken, drive.request_for(taken, server, name))

        assert server.sql("SELECT name FROM told", name) == [(name,)]
    finally:
        server.drop_database(name)
