"""PostgreSQL: a restore stands beside the old database, is compared, and only then takes its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.engines.postgresql import drive
from tests.servers import PostgresqlServer
from vya_backup.engines.contract import RestoreRequest
from vya_backup.engines.tools import Client
from vya_backup.errors import RestoreFailed
from vya_backup.transport.compression import Compressor

Make = Callable[..., str]
UNHINDERED = "-c default_transaction_read_only=off -c statement_timeout=0"


@pytest.fixture
def shop(postgresql_15: PostgresqlServer, database: Make, role: Make, tmp_path: Path) -> drive.Taken:
    """A dump of `shop`, which has been changed since: its table holds 1 in the dump and 2 now."""
    role("keeper")
    role("clerk; --")
    database("shop", "CREATE TABLE held AS SELECT 1 AS v", "CREATE SEQUENCE s", "SELECT nextval('s')")
    for statement in (
        'ALTER DATABASE shop OWNER TO "keeper"',
        "REVOKE CONNECT ON DATABASE shop FROM PUBLIC",
        'GRANT CONNECT, CREATE ON DATABASE shop TO "clerk; --" WITH GRANT OPTION',
        "ALTER DATABASE shop SET search_path TO '$user', 'odd, one', public",
        "ALTER DATABASE shop SET work_mem TO '7MB'",
        "ALTER DATABASE shop SET default_transaction_read_only TO on",
        "ALTER DATABASE shop SET statement_timeout TO '1ms'",
        "ALTER DATABASE shop SET app.note TO 'it''s \\ \"x\"'",
        "ALTER ROLE \"clerk; --\" IN DATABASE shop SET DateStyle TO 'German'",
        "ALTER DATABASE shop CONNECTION LIMIT 17",
        "COMMENT ON DATABASE shop IS 'it''s the shop'",
    ):
        postgresql_15.sql(statement)
    taken = drive.dump(postgresql_15, "shop", tmp_path / "dump")
    with postgresql_15.connect("shop", options=UNHINDERED) as writer:
        writer.execute("UPDATE public.held SET v = 2")
    return taken


def held(server: PostgresqlServer, name: str = "shop") -> list[int]:
    """Return the values of the one table."""
    with server.connect(name, options=UNHINDERED) as connection:
        return [value for (value,) in connection.execute("SELECT v FROM public.held").fetchall()]


def test_an_existing_database_is_swapped_for_the_restored_one(
    postgresql_15: PostgresqlServer, shop: drive.Taken
) -> None:
    """Load, compare, close, end sessions, rename both, and drop the old one last."""
    request = drive.request_for(shop, postgresql_15, "shop")

    purposes = drive.restore(shop, request)

    assert held(postgresql_15) == [1]
    assert request.staging not in postgresql_15.databases()
    assert request.retired not in postgresql_15.databases()
    order = [next(i for i, text in enumerate(purposes) if word in text) for word in ("load", "compare", "swap", "drop")]
    assert order == sorted(order)


def test_the_databases_own_properties_come_back_under_any_name(
    postgresql_15: PostgresqlServer, shop: drive.Taken
) -> None:
    """Owner, grants, settings of database and role, limit and comment, which pg_dump alone leaves out."""
    drive.restore(shop, drive.request_for(shop, postgresql_15, "other shop"))

    _, survey = drive.asked(postgresql_15, "other shop")
    assert survey.properties == shop.survey.properties
    assert survey.properties["owner"] == "keeper"
    assert survey.properties["connection_limit"] == 17
    assert ["", ['search_path="$user", "odd, one", public', "work_mem=7MB"]] in [
        [role, values[:2]] for role, values in survey.properties["settings"]
    ]


STEPS = ("create", "load", "compare", "own settings", "target exists", "close", "end the sessions", "swap")


@pytest.mark.parametrize("step", STEPS)
def test_a_failure_before_the_end_leaves_the_old_database_as_it_was(
    postgresql_15: PostgresqlServer, shop: drive.Taken, step: str
) -> None:
    """Whatever step fails, the old one is there, open, unchanged, and nothing else is left."""
    before = postgresql_15.databases()

    with pytest.raises(RuntimeError):
        drive.restore(shop, drive.request_for(shop, postgresql_15, "shop"), fail_at=step)

    assert held(postgresql_15) == [2]
    assert postgresql_15.databases() == before


def test_a_difference_between_dump_and_restored_database_ends_the_restore(
    postgresql_15: PostgresqlServer, shop: drive.Taken
) -> None:
    """The manifest is judged before the swap: one row less, and the old database stays."""
    shop.manifest.rows["public.held"] = 2  # type: ignore[index]

    with pytest.raises(AssertionError, match="held has 1 rows instead of 2"):
        drive.restore(shop, drive.request_for(shop, postgresql_15, "shop"))

    assert held(postgresql_15) == [2]


def test_sessions_of_the_old_database_are_counted_and_ended(postgresql_15: PostgresqlServer, shop: drive.Taken) -> None:
    """They are shown before, and none of them holds up the swap."""
    with postgresql_15.connect("shop") as idle:
        request = drive.request_for(shop, postgresql_15, "shop")
        assert "1 sessions on shop will be ended for the swap" in messages(request)

        drive.restore(shop, request)

        with pytest.raises(psycopg.OperationalError):
            idle.execute("SELECT 1")
    assert held(postgresql_15) == [1]


def test_a_database_with_a_replication_slot_is_kept_unless_the_word_is_said(
    postgresql_15: PostgresqlServer, shop: drive.Taken
) -> None:
    """DROP DATABASE silently drops an inactive slot; so it is found before, and again before the drop."""
    with postgresql_15.connect("shop", options=UNHINDERED) as one:
        one.execute("SELECT pg_create_logical_replication_slot('follower', 'test_decoding')")
    request = drive.request_for(shop, postgresql_15, "shop")

    assert any("replication slot follower" in text for text in blockers(request))
    drive.restore(shop, request)

    assert request.retired in postgresql_15.databases()
    assert postgresql_15.sql("SELECT database FROM pg_replication_slots") == [(request.retired,)]


def test_said_aloud_the_slots_go_with_the_old_database(postgresql_15: PostgresqlServer, shop: drive.Taken) -> None:
    """`--drop-slots` drops them, and the old database with them."""
    with postgresql_15.connect("shop", options=UNHINDERED) as one:
        one.execute("SELECT pg_create_logical_replication_slot('follower', 'test_decoding')")
    request = drive.request_for(shop, postgresql_15, "shop", allow=frozenset({"drop-slots"}))

    assert blockers(request) == []
    drive.restore(shop, request)

    assert request.retired not in postgresql_15.databases()
    assert postgresql_15.sql("SELECT count(*) FROM pg_replication_slots") == [(0,)]


def test_a_prepared_transaction_blocks_the_restore(postgresql_15: PostgresqlServer, shop: drive.Taken) -> None:
    """Neither RENAME nor DROP works while one is open, so it is found before the first byte."""
    with postgresql_15.connect("shop", options=UNHINDERED) as one:
        one.autocommit = False
        one.execute("UPDATE public.held SET v = 3")
        one.execute("PREPARE TRANSACTION 'left open'")
        one.autocommit = True
        try:
            assert any("left open" in text for text in blockers(drive.request_for(shop, postgresql_15, "shop")))
        finally:
            one.execute("ROLLBACK PREPARED 'left open'")


def test_missing_roles_extensions_and_tablespaces_are_found_before_the_first_byte(
    postgresql_15: PostgresqlServer, shop: drive.Taken
) -> None:
    """Each is a blocker that names what is missing and what brings it."""
    needs = replace(shop.needs, roles=('gone "one"',), extensions=("postgis_of_old",))
    properties = {**shop.survey.properties, "tablespaces": ["fast"]}

    request = drive.request_for(shop, postgresql_15, "new", needs=needs, properties=properties)
    found = [finding for finding in drive.findings(request) if finding.blocks]

    assert len(found) == 3
    assert 'CREATE ROLE "gone ""one""";' in found[0].hint
    assert "postgis_of_old" in found[1].message
    assert 'CREATE TABLESPACE "fast"' in found[2].hint


def test_the_roles_of_a_dump_are_its_owners_and_grantees(shop: drive.Taken) -> None:
    """They have to exist before the dump is loaded."""
    assert {"keeper", "clerk; --", "postgres"} <= set(shop.needs.roles)


def test_a_standby_is_no_target(shop: drive.Taken, postgresql_15: PostgresqlServer) -> None:
    """It is refused with the word for what it is."""
    request = drive.request_for(shop, postgresql_15, "new")
    standby = replace(request, server=replace(request.server, is_replica=True))

    assert any("standby" in text for text in blockers(standby))


def test_an_account_that_may_not_create_databases_is_told_the_statement(
    shop: drive.Taken, postgresql_15: PostgresqlServer, role: Make
) -> None:
    """Also what it may not own."""
    role("loader")
    request = drive.request_for(shop, postgresql_15, "new", drive.Account("loader", "other secret"))

    hints = [finding.hint for finding in drive.findings(request) if finding.blocks]

    assert 'ALTER ROLE "loader" CREATEDB;' in hints
    assert any('GRANT "keeper" TO "loader";' in hint for hint in hints)


def test_a_dump_of_a_newer_client_loads_into_the_server_it_came_from(
    postgresql_15: PostgresqlServer, postgresql_18: PostgresqlServer, shop: drive.Taken, tmp_path: Path
) -> None:
    """pg_dump 18 begins with a setting that PostgreSQL 15 refuses; the rest of the dump is fed without it."""
    newer = drive.client_of(postgresql_18)
    taken = drive.dump(postgresql_15, "shop", tmp_path / "newer", client=newer)
    for loader in (drive.client_of(postgresql_15, "psql"), drive.client_of(postgresql_18, "psql")):
        drive.restore(taken, drive.request_for(taken, postgresql_15, f"from {loader.version[0]}", client=loader))

        assert held(postgresql_15, f"from {loader.version[0]}") == [2]


def test_a_dump_of_an_older_server_loads_into_a_newer_one(postgresql_18: PostgresqlServer, shop: drive.Taken) -> None:
    """With its properties, once the roles are there."""
    for name in ("keeper", "clerk; --"):
        postgresql_18.sql(f'CREATE ROLE "{name}"')
    try:
        drive.restore(shop, drive.request_for(shop, postgresql_18, "shop"))
        assert held(postgresql_18) == [1]
    finally:
        postgresql_18.drop_database("shop")
        for name in ("keeper", "clerk; --"):
            postgresql_18.sql(f'DROP ROLE "{name}"')


def test_a_dump_older_than_restrict_runs_no_command_of_its_own(
    postgresql_15: PostgresqlServer, database: Make, tmp_path: Path
) -> None:
    """A hostile server's dump could start programs here through psql's backslash commands (CVE-2025-8714)."""
    database("source")
    taken = drive.dump(postgresql_15, "source", tmp_path / "dump")
    forged = b"\\! touch " + str(tmp_path / "pwned").encode() + b"\n" + b"\n".join(drive.lines(taken))
    compressor = Compressor("zstd", 1)
    taken.path.write_bytes(compressor.feed(forged) + compressor.finish())
    taken.needs = replace(taken.needs, client_version=(15, 2))
    before = postgresql_15.databases()

    with pytest.raises(RestoreFailed, match="restrict"):
        drive.restore(taken, drive.request_for(taken, postgresql_15, "copy"))

    assert not (tmp_path / "pwned").exists()
    assert postgresql_15.databases() == before


def test_a_psql_without_restrict_is_refused_for_a_dump_that_needs_it(
    shop: drive.Taken, postgresql_15: PostgresqlServer
) -> None:
    """So is none at all."""
    request = drive.request_for(shop, postgresql_15, "new")
    old = replace(request, client=Client(Path("/usr/bin/psql"), (15, 13), "psql (PostgreSQL) 15.13"))

    assert any("too old" in text for text in blockers(old))
    assert blockers(replace(request, client=None)) == ["psql is not installed here"]


def test_subscriptions_written_by_a_newer_client_are_a_blocker(
    shop: drive.Taken, postgresql_15: PostgresqlServer
) -> None:
    """They hold words that the server they came from refuses."""
    manifest = replace(shop.manifest, objects={"subscription": ("kept",)})
    needs = replace(shop.needs, client_version=(18, 1))
    request = drive.request_for(shop, postgresql_15, "new", manifest=manifest, needs=needs)

    assert any("subscriptions" in text for text in blockers(request))


def messages(request: RestoreRequest) -> list[str]:
    """Return what was found, as text."""
    return [finding.message for finding in drive.findings(request)]


def blockers(request: RestoreRequest) -> list[str]:
    """Return what ends the restore before it begins."""
    return [finding.message for finding in drive.findings(request) if finding.blocks]
