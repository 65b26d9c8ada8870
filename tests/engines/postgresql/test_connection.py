"""PostgreSQL: how names, passwords, settings and addresses are spelled for libpq."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engines.postgresql import drive
from tests.servers import PostgresqlServer
from vya_backup.engines.commands import SecretPath
from vya_backup.engines.contract import Access
from vya_backup.engines.postgresql import connection
from vya_backup.redaction import Secret
from vya_backup.settings.model import Instance
from vya_backup.transport.connections import connect

Make = Callable[..., str]


def access(password: str = "", **more: Any) -> Access:
    """Return access to an imagined instance."""
    return Access(Instance(**{"id": "x", "type": "postgresql", "host": "localhost", **more}), "me", Secret(password))


def environment(**more: Any) -> dict[str, Any]:
    """Return the variables that a tool gets."""
    return dict(connection.environment(access(**more), "marker", {}))


def test_a_database_name_is_quoted_as_a_connection_string() -> None:
    """Bare, `dbname=template1` would dump template1, with exit status 0."""
    assert connection.conninfo("dbname=template1") == "dbname='dbname=template1'"
    assert connection.conninfo("it's \\") == r"dbname='it\'s \\'"


def test_a_password_file_escapes_colons_and_backslashes() -> None:
    """They are the two characters with a meaning there; without a password there is no file."""
    (file,) = connection.password_files(access("a:b\\c"))

    assert file.content.reveal() == "*:*:*:*:a\\:b\\\\c\n"
    assert environment(password="a:b\\c")["PGPASSFILE"] == SecretPath("pgpass")
    assert connection.password_files(access()) == ()
    assert environment()["PGPASSFILE"] == "/dev/null"


def test_settings_with_blanks_and_backslashes_stay_one_setting() -> None:
    """The server splits the options at blanks that no backslash protects."""
    assert connection.options({"DateStyle": "ISO, MDY", "x.y": "a\\b"}) == r"-c DateStyle=ISO,\ MDY -c x.y=a\\b"


def test_a_remote_host_is_verified_in_full_and_a_local_one_may_be_plain(tmp_path: Path) -> None:
    """Each as the instance says, through the tool's environment as through the driver."""
    authority = tmp_path / "ca.pem"
    remote = environment(host="db.example.org", ssl={"ca_cert": authority})

    assert remote["PGSSLMODE"] == "verify-full"
    assert remote["PGSSLROOTCERT"] == str(authority)
    assert environment()["PGSSLMODE"] == "prefer"
    assert "PGSSLROOTCERT" not in environment(host="db.example.org", ssl={"mode": "require"})


@pytest.mark.parametrize("socket", ["/run/postgresql", "/run/postgresql/.s.PGSQL.5433"])
def test_a_socket_is_given_as_its_folder(socket: str) -> None:
    """The port names the file in it."""
    assert environment(socket=Path(socket), port=5433)["PGHOST"] == "/run/postgresql"
    assert environment(socket=Path(socket), port=5433)["PGPORT"] == "5433"


def test_a_certificate_of_the_named_authority_is_accepted(postgresql_15: PostgresqlServer) -> None:
    """And the connection tells its protocol and cipher."""
    tls = {"ca_cert": postgresql_15.certificates.ca, "mode": "verify-full"}

    with connect(drive.ENGINE, drive.Account(more={"ssl": tls, "host": "localhost"}).at(postgresql_15)) as one:
        assert drive.ENGINE.server(one).tls.startswith("TLSv1.")


def test_the_settings_of_role_and_database_never_reach_a_session_of_ours(
    postgresql_15: PostgresqlServer, database: Make, role: Make, tmp_path: Path
) -> None:
    """Each of these has broken a dump or a restore; the dump is the same as without them."""
    role("odd", "SUPERUSER")
    database(
        "odd",
        "CREATE TABLE t AS SELECT '2026-02-01'::date AS d, ARRAY[NULL, 'NULL'] AS a, '-1 day 2:03'::interval AS i",
    )
    before = drive.dump(postgresql_15, "odd", tmp_path / "before")
    for target in ("DATABASE odd", "ROLE odd"):
        for setting in (
            "default_transaction_read_only = on",
            "statement_timeout = '1ms'",
            "lock_timeout = '1ms'",
            "idle_in_transaction_session_timeout = '1ms'",
            "search_path = 'nowhere'",
            "row_security = on",
            "DateStyle = 'German, YMD'",
            "IntervalStyle = 'sql_standard'",
            "bytea_output = 'escape'",
            "array_nulls = off",
            "standard_conforming_strings = off",
            "quote_all_identifiers = on",
            "default_transaction_isolation = 'serializable'",
        ):
            postgresql_15.sql(f"ALTER {target} SET {setting}")
    account = drive.Account("odd", "other secret")

    after = drive.dump(postgresql_15, "odd", tmp_path / "after", account)
    drive.restore(after, drive.request_for(after, postgresql_15, "copy", account))
    again = drive.dump(postgresql_15, "copy", tmp_path / "again", account)

    assert drive.lines(after) == drive.lines(before)
    assert drive.lines(again) == drive.lines(before)
    assert again.survey.properties == after.survey.properties
