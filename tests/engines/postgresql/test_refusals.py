"""PostgreSQL: what goes wrong says so, in our words, with the remedy, and without a value of a row."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engines.postgresql import drive
from tests.servers import PostgresqlServer
from vya_backup.decisions.metadata import Needs
from vya_backup.engines.answers import Server
from vya_backup.engines.choosing import choose_client, choose_loader
from vya_backup.engines.dumping import DumpRequest
from vya_backup.engines.tools import Client
from vya_backup.errors import (
    BackupError,
    ConfigurationError,
    DumpBlocked,
    DumpDisturbed,
    DumpFailed,
    LoginRefused,
    PrivilegeMissing,
    RestoreFailed,
    ServerUnreachable,
    SpaceMissing,
    ToolMissing,
)
from vya_backup.redaction import Secret
from vya_backup.transport.connections import connect

Make = Callable[..., str]


def refused(server: PostgresqlServer, account: drive.Account, database: str = "postgres") -> BackupError:
    """Return how a connection is refused."""
    with pytest.raises(BackupError) as caught, connect(drive.ENGINE, account.at(server), database):
        pass
    return caught.value


def test_a_wrong_password_is_a_refused_login_everywhere(postgresql_15: PostgresqlServer, tmp_path: Path) -> None:
    """The driver and pg_dump come to the same error, which is not tried again and shows no secret."""
    wrong = drive.Account(password="not the password")

    with pytest.raises(LoginRefused) as dumping:
        drive.dump(postgresql_15, "postgres", tmp_path / "dump", access=wrong.at(postgresql_15))

    for error in (refused(postgresql_15, wrong), dumping.value):
        assert isinstance(error, LoginRefused)
        assert not error.passes
        assert "not the password" not in str(error)


def test_a_closed_port_is_unreachable_and_passes(postgresql_15: PostgresqlServer) -> None:
    """It may come back, so it is tried again."""
    error = refused(postgresql_15, drive.Account(more={"port": 1}))

    assert isinstance(error, ServerUnreachable)
    assert error.passes


def test_a_missing_database_is_named(postgresql_15: PostgresqlServer) -> None:
    """With its name, since the name may be the mistake."""
    assert 'database "no such" does not exist' in refused(postgresql_15, drive.SUPERUSER, "no such").message


def test_a_revoked_connect_is_a_missing_privilege(postgresql_15: PostgresqlServer, database: Make, role: Make) -> None:
    """CONNECT is a privilege like any other."""
    role("reader")
    database("closed")
    postgresql_15.sql("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")

    assert isinstance(refused(postgresql_15, drive.Account("reader", "other secret"), "closed"), PrivilegeMissing)


def test_an_untrusted_certificate_or_another_host_is_refused(postgresql_15: PostgresqlServer) -> None:
    """`verify-full` without the right authority, or name, never gets as far as the password."""
    files = postgresql_15.certificates
    for host, authority in (("localhost", files.stranger_ca), ("127.0.0.1", files.ca)):
        tls = {"mode": "verify-full", "ca_cert": authority}
        error = refused(postgresql_15, drive.Account(more={"host": host, "ssl": tls}))

        assert isinstance(error, LoginRefused)
        assert "ca_cert" in error.hint


@pytest.mark.parametrize("password", ["a:b\\c", 'it\'s "x" #1 %s =;', "ünï 😀", " blanks ", "$HOME`x`"])
def test_any_password_reaches_the_server(
    postgresql_15: PostgresqlServer, database: Make, role: Make, password: str, tmp_path: Path
) -> None:
    """Through the driver and through the tool's password file."""
    role("reader")
    database("open", "CREATE TABLE t AS SELECT 1 AS v", 'GRANT SELECT ON t TO "reader"')
    quoted = password.replace("'", "''")
    postgresql_15.sql(f"ALTER ROLE reader PASSWORD E'{quoted}'".replace("\\", "\\\\"))

    taken = drive.dump(postgresql_15, "open", tmp_path / "dump", drive.Account("reader", password))

    assert taken.manifest.rows == {"public.t": 1}


def test_what_an_account_may_not_read_is_told_with_the_grant_that_mends_it(
    postgresql_15: PostgresqlServer, database: Make, role: Make, tmp_path: Path
) -> None:
    """Tables, sequences, schemas, row security and large objects; after the remedies the dump holds all."""
    role("reader")
    database(
        "guarded",
        'CREATE SCHEMA "odd ""one"""',
        'CREATE TABLE "odd ""one""".t AS SELECT 1 AS v',
        "CREATE SEQUENCE s",
        "CREATE TABLE seen_in_part AS SELECT 1 AS v",
        "ALTER TABLE seen_in_part ENABLE ROW LEVEL SECURITY",
        "GRANT SELECT ON seen_in_part TO reader",
        "SELECT lo_from_bytea(4711, 'x')",
    )
    account = drive.Account("reader", "other secret")

    with connect(drive.ENGINE, account.at(postgresql_15), "guarded") as connection:
        told = drive.ENGINE.server(connection)
        missing = drive.ENGINE.missing_privileges(connection, told, "guarded")
    with pytest.raises(PrivilegeMissing):
        drive.dump(postgresql_15, "guarded", tmp_path / "refused", account)

    assert [one.remedy for one in missing] == [
        'GRANT USAGE ON SCHEMA "odd ""one""" TO "reader";',
        'GRANT SELECT ON ALL TABLES IN SCHEMA "odd ""one""" TO "reader";',
        'GRANT SELECT ON ALL SEQUENCES IN SCHEMA "public" TO "reader";',
        'ALTER ROLE "reader" BYPASSRLS;',
        'GRANT SELECT ON LARGE OBJECT 4711 TO "reader";',
    ]
    for one in missing:
        postgresql_15.sql(one.remedy, "guarded")
    taken = drive.dump(postgresql_15, "guarded", tmp_path / "dump", account)
    assert taken.manifest.rows == {'odd "one".t': 1, "public.seen_in_part": 1, "large objects": 1}


def test_databases_that_cannot_be_dumped_are_listed_with_the_reason(
    postgresql_15: PostgresqlServer, database: Make
) -> None:
    """One that accepts no connections, and one that an interrupted DROP DATABASE left."""
    database("closed")
    database("half dropped")
    postgresql_15.sql("ALTER DATABASE closed ALLOW_CONNECTIONS false")
    postgresql_15.sql("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'half dropped'")

    with connect(drive.ENGINE, drive.SUPERUSER.at(postgresql_15)) as connection:
        found = {one.name: one for one in drive.ENGINE.databases(connection, drive.SUPERUSER.at(postgresql_15))}
    postgresql_15.sql("UPDATE pg_database SET datconnlimit = -1 WHERE datname = 'half dropped'")

    assert "ALLOW_CONNECTIONS" in found["closed"].problem
    assert "invalid" in found["half dropped"].problem
    assert found["template0"].system
    assert found["postgres"].system
    assert not found["postgres"].problem


def test_a_locked_table_ends_the_dump_instead_of_queueing(
    postgresql_15: PostgresqlServer, database: Make, tmp_path: Path
) -> None:
    """A dump that waits would make everybody else wait behind it; it is tried again later."""
    database("busy", "CREATE TABLE t (v int)")
    with postgresql_15.connect("busy") as holder, holder.transaction():
        holder.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DumpBlocked) as caught:
            drive.dump(postgresql_15, "busy", tmp_path / "dump", lock_wait_seconds=0.2)

    assert caught.value.passes


def test_the_watch_sees_who_waits_behind_a_dump(postgresql_15: PostgresqlServer, database: Make) -> None:
    """By the name that the dump's sessions carry, and not otherwise."""
    database("busy", "CREATE TABLE t (v int)")
    with (
        postgresql_15.connect("busy", application_name="vya-test") as dump,
        postgresql_15.connect("busy") as other,
        connect(drive.ENGINE, drive.SUPERUSER.at(postgresql_15)) as watch,
    ):
        dump.autocommit = False
        dump.execute("LOCK TABLE t IN ACCESS SHARE MODE")
        assert drive.ENGINE.blocked_seconds(watch, "vya-test") == 0
        waiting = threading.Thread(target=lambda: other.execute("ALTER TABLE t ADD w int"))
        waiting.start()
        while not (seen := drive.ENGINE.blocked_seconds(watch, "vya-test")):
            assert waiting.is_alive()
        assert seen > 0
        assert drive.ENGINE.blocked_seconds(watch, "another") == 0
        dump.rollback()
        waiting.join()
        assert drive.ENGINE.blocked_seconds(watch, "vya-test") == 0


def test_a_check_that_refuses_its_own_rows_fails_the_restore(
    postgresql_15: PostgresqlServer, database: Make, tmp_path: Path
) -> None:
    """The staging database is gone, and the message names no value of a row."""
    database(
        "odd",
        "CREATE TABLE allowed AS SELECT 'secret value' AS v",
        "CREATE TABLE zallowed AS SELECT 'secret value' AS v",
        """CREATE FUNCTION ok(text) RETURNS bool LANGUAGE sql
            AS 'SELECT EXISTS (SELECT FROM public.zallowed WHERE v = $1)'""",
        "ALTER TABLE allowed ADD CHECK (ok(v))",
    )
    taken = drive.dump(postgresql_15, "odd", tmp_path / "dump")
    before = postgresql_15.databases()

    with pytest.raises(RestoreFailed) as caught:
        drive.restore(taken, drive.request_for(taken, postgresql_15, "copy"))

    assert "check constraint" in caught.value.message
    assert "secret value" not in str(caught.value)
    assert postgresql_15.databases() == before


PG_DUMP = (
    ("pg_dump: error: aborting because of server version mismatch\n", ToolMissing),
    ("pg_dump: error: query failed: ERROR:  permission denied for table t\n", PrivilegeMissing),
    (
        'pg_dump: error: query failed: ERROR:  query would be affected by row-level security policy for table "t"\n',
        PrivilegeMissing,
    ),
    (
        'pg_dump: error: Dumping the contents of table "t" failed: PQgetResult() failed.\n'
        "pg_dump: detail: Error message from server: ERROR:  canceling statement due to conflict with recovery\n"
        "DETAIL:  User query might have needed to see row versions that must be removed.\n",
        DumpDisturbed,
    ),
    (
        'pg_dump: error: Dumping the contents of table "t" failed: PQgetCopyData() failed.\n'
        "pg_dump: detail: Error message from server: server closed the connection unexpectedly\n",
        DumpDisturbed,
    ),
    ("pg_dump: error: query failed: SSL connection has been closed unexpectedly\n", DumpDisturbed),
    ("pg_dump: error: query failed: SSL error: unexpected eof while reading\n", DumpDisturbed),
    ("pg_dump: error: connection failed: SSL error: certificate verify failed\n", LoginRefused),
    ("pg_dump: error: FATAL:  terminating connection due to administrator command\n", DumpDisturbed),
    ("pg_dump: error: could not write to output file: No space left on device\n", SpaceMissing),
    ("pg_dump: error: connection failed: ERROR:  unsupported startup parameter: options\n", ConfigurationError),
    ("pg_dump: error: something new\n", DumpFailed),
    ("", DumpFailed),
)


@pytest.mark.parametrize(("stderr", "error"), PG_DUMP)
def test_a_failing_pg_dump_is_called_by_its_cause(stderr: str, error: type[BackupError]) -> None:
    """What passes is tried again, what does not is not."""
    found = drive.ENGINE.explain_tool("/usr/bin/pg_dump", 1, stderr)

    assert type(found) is error
    assert "might have needed" not in found.message


def test_a_message_names_objects_and_hides_values() -> None:
    """Quoted text stays only where it names something."""
    said = drive.ENGINE.explain_tool(
        "psql", 3, 'psql:<stdin>:9: ERROR:  invalid input syntax for type integer: "4711"\n'
    )
    named = drive.ENGINE.explain_tool("psql", 3, 'psql:<stdin>:9: ERROR:  relation "film" already exists\n')

    assert "4711" not in said.message
    assert 'relation "film"' in named.message


def test_a_client_older_than_the_server_is_refused_with_the_package_that_helps() -> None:
    """pg_dump must be at least the server's major; of those that can, the same major is best."""
    clients = [
        Client(Path(f"/usr/lib/postgresql/{major}/bin/pg_dump"), (major, 4), "pg_dump (PostgreSQL)")
        for major in (14, 16, 17)
    ]

    def server(major: int) -> Server:
        return Server("postgresql", (major, 1), "")

    assert choose_client(drive.ENGINE, clients, server(15)).version == (16, 4)
    assert choose_client(drive.ENGINE, clients, server(17)).version == (17, 4)
    with pytest.raises(ToolMissing, match="postgresql-client-18"):
        choose_client(drive.ENGINE, clients, server(18))
    with pytest.raises(ToolMissing, match="not found"):
        choose_client(drive.ENGINE, [], server(15))


def test_the_newest_client_loads() -> None:
    """It understands the most of what a dump may hold."""
    clients = [Client(Path(f"/opt/{major}/psql"), (major, 4), "psql (PostgreSQL)") for major in (16, 18, 17)]

    chosen = choose_loader(drive.ENGINE, clients, Server("postgresql", (16, 1), ""), Needs(client_version=(16, 4)))

    assert chosen.version == (18, 4)


def test_a_missing_role_during_a_load_is_no_refused_login() -> None:
    """Only the role that logs in is a login."""
    said = 'psql:<stdin>:9: ERROR:  role "clerk" does not exist\n'

    assert type(drive.ENGINE.explain_tool("psql", 3, said)) is RestoreFailed
    assert 'role "clerk"' in drive.ENGINE.explain_tool("psql", 3, said).message


def test_no_secret_stands_in_a_described_command(postgresql_15: PostgresqlServer, database: Make) -> None:
    """The password is only in the secret file, which shows a mask."""
    database("open")
    told, survey = drive.asked(postgresql_15, "open")
    access = replace(drive.SUPERUSER.at(postgresql_15), password=Secret("hush hush"))
    (part,) = drive.ENGINE.dump(DumpRequest(access, "open", told, drive.client_of(postgresql_15), survey, "marker", 5))

    assert "hush hush" not in repr(part)
    assert part.command.secret_files[0].content.reveal() == "*:*:*:*:hush hush\n"
