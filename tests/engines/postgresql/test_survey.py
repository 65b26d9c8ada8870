"""PostgreSQL: what is asked of a server, in odd encodings, on standbys and for accounts that see less."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines.postgresql import drive
from tests.servers import PostgresqlServer
from vya_backup.decisions.manifest import differences
from vya_backup.transport.connections import connect

Make = Callable[..., str]
ENCODINGS = ("SQL_ASCII", "LATIN1", "WIN1251", "EUC_JP", "UTF8")


@pytest.fixture
def encoded(postgresql_15: PostgresqlServer) -> Iterator[Callable[[str], str]]:
    """Make a database of an encoding; it and its copy are gone afterwards."""

    def make(encoding: str) -> str:
        postgresql_15.sql(f"CREATE DATABASE encoded TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
        return "encoded"

    yield make
    for name in ("encoded", "copy"):
        postgresql_15.drop_database(name)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_database_of_any_encoding_comes_back_in_it(
    postgresql_15: PostgresqlServer, encoded: Callable[[str], str], encoding: str, tmp_path: Path
) -> None:
    """The dump is in the database's own encoding, and names are read from it as the server tells them."""
    name = {"LATIN1": "Größe", "WIN1251": "Таблица", "EUC_JP": "表"}.get(encoding, "Größe 表")
    with postgresql_15.connect(encoded(encoding), client_encoding="UTF8") as one:
        one.execute(f"CREATE TABLE \"{name}\" AS SELECT '{name}'::text AS v".encode())
        if encoding == "SQL_ASCII":
            one.execute(
                b"""DO $$ BEGIN EXECUTE 'CREATE TABLE "' || convert_from('\\xff41fe', 'SQL_ASCII') || '" ()'; END $$"""
            )

    taken = drive.dump(postgresql_15, "encoded", tmp_path / "dump")
    drive.restore(taken, drive.request_for(taken, postgresql_15, "copy"))

    assert f"public.{name}" in taken.survey.objects["table"]
    assert taken.survey.objects["table"] == taken.manifest.objects["table"]
    assert drive.lines(drive.dump(postgresql_15, "copy", tmp_path / "again")) == drive.lines(taken)
    assert drive.asked(postgresql_15, "copy")[1].properties["encoding"] == encoding


@pytest.mark.parametrize(
    ("kind", "provider", "words"),
    [
        ("postgresql_15", "icu", "LOCALE_PROVIDER icu ICU_LOCALE 'de' LOCALE 'C'"),
        ("postgresql_18", "builtin", "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"),
    ],
)
def test_a_locale_provider_comes_back(
    request: pytest.FixtureRequest, kind: str, provider: str, words: str, tmp_path: Path
) -> None:
    """With its locale, under any name."""
    server: PostgresqlServer = request.getfixturevalue(kind)
    server.sql(f"CREATE DATABASE local TEMPLATE template0 {words}")
    try:
        taken = drive.dump(server, "local", tmp_path / "dump")
        drive.restore(taken, drive.request_for(taken, server, "copy"))

        assert taken.survey.properties["provider"] == provider
        assert drive.asked(server, "copy")[1].properties == taken.survey.properties
    finally:
        server.drop_database("local")
        server.drop_database("copy")


def test_a_dropped_public_schema_stays_dropped(postgresql_15: PostgresqlServer, database: Make, tmp_path: Path) -> None:
    """template0 brings one, and pg_dump does not say that it was dropped."""
    database("bare", "DROP SCHEMA public")
    taken = drive.dump(postgresql_15, "bare", tmp_path / "dump")

    drive.restore(taken, drive.request_for(taken, postgresql_15, "copy"))

    assert postgresql_15.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'public'", "copy") == []


def test_an_empty_database_is_a_complete_dump(postgresql_15: PostgresqlServer, database: Make, tmp_path: Path) -> None:
    """Nothing in it is not the same as nothing seen."""
    database("empty")

    taken = drive.dump(postgresql_15, "empty", tmp_path / "dump")

    assert taken.streamed.observation.complete
    assert taken.manifest.objects == {}
    assert sum(part.size for part in taken.manifest.parts) == taken.streamed.plain_bytes


def test_an_extensions_own_rows_are_counted_as_they_are_dumped(
    postgresql_15: PostgresqlServer, database: Make, tmp_path: Path
) -> None:
    """Its members are its own; only rows of its configuration tables are dumped, by its condition."""
    database("extended", "CREATE EXTENSION hstore", "CREATE TABLE conf AS SELECT generate_series(1, 9) AS v")
    postgresql_15.sql("ALTER EXTENSION hstore ADD TABLE conf", "extended")
    postgresql_15.sql(
        """UPDATE pg_extension SET extconfig = ARRAY['conf'::regclass::oid], extcondition = ARRAY['WHERE v > 6']
        WHERE extname = 'hstore'""",
        "extended",
    )
    taken = drive.dump(postgresql_15, "extended", tmp_path / "dump")

    counted = drive.counted(drive.request_for(taken, postgresql_15, "extended"), "extended")

    assert taken.manifest.rows == {"public.conf": 3}
    assert differences(taken.manifest, counted) == []
    assert taken.survey.needs.extensions == ("hstore",)


def test_what_only_a_superuser_may_dump_is_a_gap_for_others(
    postgresql_15: PostgresqlServer, database: Make, role: Make, tmp_path: Path
) -> None:
    """A subscription is left out by pg_dump with a warning; here it is recorded with the remedy."""
    role("reader")
    database("subscribed", "CREATE SUBSCRIPTION kept CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)")
    try:
        taken = drive.dump(postgresql_15, "subscribed", tmp_path / "dump", drive.Account("reader", "other secret"))
        complete = drive.dump(postgresql_15, "subscribed", tmp_path / "complete")
    finally:
        postgresql_15.sql("ALTER SUBSCRIPTION kept SET (slot_name = NONE)", "subscribed")
        postgresql_15.sql("DROP SUBSCRIPTION kept", "subscribed")

    assert [(gap.kind, gap.name) for gap in taken.survey.gaps] == [("subscription", "kept")]
    assert "subscription" not in taken.survey.objects
    assert complete.survey.objects["subscription"] == complete.manifest.objects["subscription"] == ("kept",)


def test_a_standby_is_dumped_and_says_what_it_lacks(
    postgresql_15: PostgresqlServer, database: Make, fresh_server: Callable[..., Any], tmp_path: Path
) -> None:
    """Rows of unlogged tables do not exist there; and it is no target for a restore."""
    database("followed", "CREATE UNLOGGED TABLE fleeting AS SELECT 1 AS v", "CREATE TABLE lasting AS SELECT 1 AS v")
    postgresql_15.sql("CHECKPOINT")  # the base backup would wait for a slow one
    standby = fresh_server("postgresql_15", follows=postgresql_15)

    taken = drive.dump(standby, "followed", tmp_path / "dump")

    assert [(gap.kind, gap.name) for gap in taken.survey.gaps] == [("table", "public.fleeting")]
    assert taken.manifest.rows == {"public.lasting": 1}
    assert any(finding.blocks for finding in drive.findings(drive.request_for(taken, standby, "new")))


def test_the_server_tells_what_it_is(postgresql_15: PostgresqlServer) -> None:
    """Version, replica or not, and what a person wants to see before a restore."""
    with connect(drive.ENGINE, drive.SUPERUSER.at(postgresql_15)) as one:
        told = drive.ENGINE.server(one)

    assert told.version == postgresql_15.version
    assert told.flavour == "postgresql"
    assert not told.is_replica
    assert told.facts["account"] == "postgres (superuser)"
