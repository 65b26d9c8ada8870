"""The comparison sees what a restore could lose: each test loses one thing of a sample database and must be told so."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.comparison import assert_same, differences, snapshot
from tests.samples import build_mysql, build_nontransactional, build_postgresql, build_sqlite
from tests.servers import MySqlServer, PostgresqlServer, Servers

NAME = "harbour 100% 'x'"
UNLOCKED = "-c default_transaction_read_only=off -c statement_timeout=0"
POSTGRESQL = {
    "rows harbour.berth": "UPDATE harbour.berth SET width = 0.3 WHERE number = -5",
    "rows harbour.customer": "DELETE FROM harbour.customer WHERE name = 'Kunde 3'",
    "triggers always on harbour.note": "DROP TRIGGER always ON harbour.note",
    "triggers switched_off on harbour.note": "ALTER TABLE harbour.note ENABLE TRIGGER switched_off",
    "relations harbour.customer": "REVOKE SELECT (name) ON harbour.customer FROM harbour_auditor",
    "relations harbour.ship": "ALTER TABLE harbour.ship ALTER home SET NOT NULL",
    "routines harbour.fee(text)": "GRANT EXECUTE ON FUNCTION harbour.fee(text) TO PUBLIC",
    "sequences harbour.invoice_number": "SELECT nextval('harbour.invoice_number')",
    'sequences harbour."all types_id_seq"': "SELECT setval('harbour.\"all types_id_seq\"', 5)",
    "large_objects 424242": "SELECT lo_put(424242, 0, 'x')",
    "policies nobody_renames on harbour.customer": "DROP POLICY nobody_renames ON harbour.customer",
    "comments schema harbour": "COMMENT ON SCHEMA harbour IS NULL",
    "types harbour.berth_state": "ALTER TYPE harbour.berth_state ADD VALUE 'new'",
    "database grants": f'GRANT CONNECT ON DATABASE "{NAME}" TO harbour_clerk',
    "database setting for everyone: work_mem": f"ALTER DATABASE \"{NAME}\" SET work_mem = '8MB'",
    "default_privileges of harbour_owner in harbour on r": (
        "ALTER DEFAULT PRIVILEGES FOR ROLE harbour_owner IN SCHEMA harbour REVOKE SELECT ON TABLES FROM harbour_auditor"
    ),
    "publications harbour_feed": "ALTER PUBLICATION harbour_feed DROP TABLE harbour.gang",
    "system_grants pg_stat_activity": "REVOKE SELECT ON pg_stat_activity FROM harbour_auditor",
}
MYSQL = {
    "rows all types": "UPDATE `all types` SET d = d + 1e-9 WHERE id = 4",
    "rows singles_lost": "UPDATE singles_lost SET f = 16777200 WHERE id = 1",
    "rows customer": "UPDATE customer SET secret = 'seen' WHERE id = 100",
    "triggers ship_after": "DROP TRIGGER ship_after",
    "events switched off": "ALTER DEFINER='harbour_definer'@'localhost' EVENT `switched off` ENABLE",
    "views rich": "ALTER DEFINER=root@localhost VIEW rich AS SELECT id FROM customer",
    "routines FUNCTION fee": "ALTER FUNCTION fee SQL SECURITY DEFINER",
    "grants columns_priv % harbour_clerk customer name": "REVOKE SELECT (name) ON customer FROM 'harbour_clerk'@'%'",
    "grants procs_priv % harbour_clerk fee FUNCTION": "REVOKE EXECUTE ON FUNCTION fee FROM 'harbour_clerk'@'%'",
    "tables empty_but_counting": "ALTER TABLE empty_but_counting AUTO_INCREMENT = 9999",
    "tables latin_table": "ALTER TABLE latin_table ALTER t SET DEFAULT 'u'",
    "database properties": f"ALTER DATABASE `{NAME}` COLLATE utf8mb4_general_ci",
}
SQLITE = {
    "rows anything": "UPDATE anything SET value = 0.0 WHERE typeof(value) = 'real' AND value = 0",
    "rows sqlite_sequence": "UPDATE sqlite_sequence SET seq = 5",
    "schema trigger noted": "DROP TRIGGER noted",
    "settings user_version": "PRAGMA user_version = 43",
}


@pytest.fixture(params=["postgresql_15", "postgresql_18"])
def postgresql(request: pytest.FixtureRequest, servers: Servers) -> Iterator[PostgresqlServer]:
    """A server with the sample."""
    server = servers.shared(request.param)
    assert isinstance(server, PostgresqlServer)
    server.drop_database(NAME)
    build_postgresql(server, NAME)
    yield server
    server.drop_database(NAME)


@pytest.fixture(params=["mariadb", "mysql"])
def family(request: pytest.FixtureRequest, servers: Servers) -> Iterator[MySqlServer]:
    """A server with the sample."""
    server = servers.shared(request.param)
    assert isinstance(server, MySqlServer)
    server.drop_database(NAME)
    build_mysql(server, NAME)
    yield server
    server.drop_database(NAME)


def test_postgresql_losses_are_seen(postgresql: PostgresqlServer) -> None:
    """Rows, triggers, grants, sequences, settings …: one change each, one difference each."""
    before = snapshot(postgresql, NAME)
    assert_same(before, snapshot(postgresql, NAME))
    for label, loss in POSTGRESQL.items():
        with postgresql.connect(NAME, options=UNLOCKED) as connection:
            connection.execute(loss.encode())
        after = snapshot(postgresql, NAME)
        assert label in [found for found, _ in differences(before, after)], loss
        with pytest.raises(AssertionError, match="the databases differ"):
            assert_same(before, after)
        before = after


def test_mysql_and_mariadb_losses_are_seen(family: MySqlServer) -> None:
    """Rows to the last bit, triggers, events, grants, counters: one change each, one difference each."""
    before = snapshot(family, NAME)
    assert_same(before, snapshot(family, NAME))
    for label, loss in MYSQL.items():
        family.sql(loss, NAME)
        after = snapshot(family, NAME)
        assert label in [found for found, _ in differences(before, after)], loss
        before = after


def test_a_moved_mariadb_sequence_and_lost_history_are_seen(mariadb: MySqlServer) -> None:
    """MariaDB's own objects: a sequence's value, the history of a versioned table."""
    build_mysql(mariadb, "own")
    before = snapshot(mariadb, "own")
    mariadb.sql("SELECT nextval(ticket)", "own")
    mariadb.sql("DELETE HISTORY FROM price", "own")
    after = snapshot(mariadb, "own")
    mariadb.drop_database("own")
    assert [label for label, _ in differences(before, after)] == ["history price", "sequences ticket"]


def test_sqlite_losses_are_seen(tmp_path: Path) -> None:
    """Values with their type, counters, triggers, header fields."""
    path = tmp_path / "harbour.db"
    build_sqlite(path)
    before = snapshot(path)
    assert_same(before, snapshot(path))
    for label, loss in SQLITE.items():
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(loss)
        after = snapshot(path)
        assert [found for found, _ in differences(before, after)] == [label]
        before = after


def test_unprotected_tables_can_be_built(servers: Servers) -> None:
    """The sample of tables outside any transaction compares like the others."""
    for kind in ("mariadb", "mysql"):
        server = servers.shared(kind)
        assert isinstance(server, MySqlServer)
        build_nontransactional(server, "unprotected")
        assert set(snapshot(server, "unprotected")["rows"]) >= {"isam", "in_memory", "commas", "safe"}
        server.drop_database("unprotected")


def test_what_may_differ_is_named_and_must_differ() -> None:
    """An allowance for a difference that is not there is itself a failure, so that none is kept for ever."""
    before, after = {"rows": {"a": "1", "b": "2"}}, {"rows": {"a": "1", "b": "3"}}
    assert_same(before, after, allowing=["rows b"])
    with pytest.raises(AssertionError, match="rows a: was allowed to differ, but does not"):
        assert_same(before, after, allowing=["rows b", "rows a"])


def test_a_difference_is_readable() -> None:
    """What is missing, new or changed is said line by line."""
    before = {"tables": {"a": "CREATE TABLE a (\n  x int\n)", "gone": ""}}
    after = {"tables": {"a": "CREATE TABLE a (\n  x bigint\n)", "new": ""}}
    with pytest.raises(AssertionError) as failure:
        assert_same(before, after)
    assert str(failure.value).splitlines()[:6] == [
        "the databases differ:",
        "tables a: changed",
        "    -  x int",
        "    +  x bigint",
        "tables gone: is missing afterwards",
        "tables new: was not there before",
    ]
