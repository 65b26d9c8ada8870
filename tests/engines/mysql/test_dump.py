"""Dumps of hostile databases, watched as they pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines.mysql import drive
from tests.samples import building
from tests.servers import MySqlServer
from vya_backup.decisions.manifest import differences, missing_objects
from vya_backup.engines.contract import Access
from vya_backup.errors import BackupError, LoginRefused
from vya_backup.redaction import Secret

Make = Callable[..., str]

PROGRAMS = """
CREATE TABLE t (a int PRIMARY KEY, b varchar(20)); INSERT INTO t VALUES (1, 'x),(y'), (2, NULL);
CREATE VIEW v AS SELECT a FROM t;
CREATE PROCEDURE p() SELECT 1;
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.b = 'b';
CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO DELETE FROM t WHERE a = 0;
"""


def test_the_observer_sees_what_the_survey_lists_and_every_row(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """The big sample: all kinds of objects, names and values; counted in the stream and on the server."""
    building.build_mysql(server, "harbour_seen")
    dumped = drive.dump(server, "harbour_seen", tmp_path)
    assert missing_objects(dumped.survey.objects, dumped.manifest.objects) == []
    assert missing_objects(dumped.manifest.objects, dumped.survey.objects) == []
    assert differences(dumped.manifest, drive.counted(server, "harbour_seen")) == []
    assert [part.name for part in dumped.manifest.parts] == ["tables", "routines", "views", "triggers", "events"]


def test_the_file_restores_without_this_tool(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """`zcat FILE | mysql` into an empty database gives the same objects and rows."""
    dumped = drive.dump(server, make(PROGRAMS), tmp_path)
    copy = make(dumped.text)
    assert differences(dumped.manifest, drive.counted(server, copy)) == []


def test_a_broken_view_is_a_gap_and_costs_nothing_else(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """What mysqldump would stop at is left out by name, with the server's reason."""
    database = make(PROGRAMS + "CREATE TABLE gone (a int); CREATE VIEW broken AS SELECT * FROM gone; DROP TABLE gone;")
    dumped = drive.dump(server, database, tmp_path)
    assert [(gap.kind, gap.name) for gap in dumped.survey.gaps] == [("view", "broken")]
    assert "1356" in dumped.survey.gaps[0].reason
    assert dumped.manifest.objects["view"] == ("v",)
    assert dumped.manifest.objects["table"] == ("t",)


@pytest.mark.parametrize(
    "name",
    ["-h", "--all-databases", "a b", "per%cent", "it's", 'quo"te', "back`tick", "ü 漢", "a.b", "x=y", "$HOME", "#1"],
)
def test_dumps_and_restores_databases_of_any_name(server: MySqlServer, make: Make, tmp_path: Path, name: str) -> None:
    """Names that are options, patterns or quotes elsewhere."""
    database = make(PROGRAMS, name)
    dumped = drive.dump(server, database, tmp_path)
    server.drop_database(database)
    drive.restore(server, dumped)
    assert differences(dumped.manifest, drive.counted(server, database)) == []


def test_upper_and_lower_case_are_two_databases(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """Linux keeps them apart, and MariaDB's own comparison does not."""
    upper, lower = make("CREATE TABLE big (a int)", "CASED"), make("CREATE TABLE small (a int)", "cased")
    assert drive.dump(server, upper, tmp_path).manifest.objects == {"table": ("big",)}
    assert drive.dump(server, lower, tmp_path).manifest.objects == {"table": ("small",)}


def test_unprotected_tables_are_named(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """Engines outside the snapshot."""
    tables = {"i": "InnoDB", "m": "MyISAM", "h": "MEMORY"}
    script = "".join(f"CREATE TABLE {name} (a int) ENGINE={engine};" for name, engine in tables.items())
    _server, survey = drive.surveyed(server, make(script))
    assert survey.unprotected == ("h", "m")


def test_float_values_that_six_digits_lose_are_a_gap(server: MySqlServer, make: Make) -> None:
    """16777216 comes back as 16777200; 0.1 comes back as itself."""
    script = "CREATE TABLE f (bad float, good float); INSERT INTO f VALUES (16777216, 0.1), (1, NULL)"
    _server, survey = drive.surveyed(server, make(script))
    assert [gap.name for gap in survey.gaps] == ["f.bad"]


def test_columns_in_legacy_character_sets_are_a_gap(server: MySqlServer, make: Make) -> None:
    """Bytes of gbk without a Unicode character do not survive utf8mb4."""
    _server, survey = drive.surveyed(server, make("CREATE TABLE g (t varchar(9) CHARACTER SET gbk, u varchar(9))"))
    assert [gap.name for gap in survey.gaps] == ["g.t"]


@pytest.mark.parametrize(
    "password", ["q'u\"o", "back\\slash\\", "#hash", "a = b", " blanks ", "100%", "ünï 漢 😀", "\\n\\s"]
)
def test_any_password_reaches_the_tools(server: MySqlServer, make: Make, tmp_path: Path, password: str) -> None:
    """Through the option file, with all its escapes."""
    database = make(PROGRAMS)
    server.sql("DROP USER IF EXISTS odd@'%'")
    server.sql("CREATE USER odd@'%%' IDENTIFIED BY %s", parameters=[password])
    server.sql("GRANT ALL ON *.* TO odd@'%'")
    access = Access(server.instance(), "odd", Secret(password))
    assert drive.dump(server, database, tmp_path, access).manifest.total_rows() == 2


def test_a_wrong_password_is_a_refused_login(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """Told by the driver and by the tool alike, without the password."""
    access = Access(server.instance(), "root", Secret("wrong password"))
    with pytest.raises(LoginRefused) as refused, drive.ask(server, access=access):
        pass
    assert "1045" in str(refused.value)
    assert "wrong password" not in str(refused.value)


@pytest.mark.parametrize("kind", ["SELECT", "SHOW VIEW", "TRIGGER", "EVENT"])
def test_a_missing_privilege_is_named_with_its_grant(server: MySqlServer, make: Make, kind: str) -> None:
    """Without TRIGGER the server shows no trigger, so the grants are looked at and not the counts."""
    database = make(PROGRAMS, "my_db%1")
    server.sql("DROP USER IF EXISTS poor@'%'")
    server.sql("CREATE USER poor@'%' IDENTIFIED BY 'x'")
    others = ", ".join(word for word in ("SELECT", "SHOW VIEW", "TRIGGER", "EVENT") if word != kind)
    server.sql(f"GRANT {others} ON `my\\_db\\%1`.* TO poor@'%'")
    access = Access(server.instance(), "poor", Secret("x"))
    missing = _missing(server, database, access)
    assert kind in missing
    for remedy in missing.values():
        server.sql(remedy)
    assert _missing(server, database, access) == {}


def test_privileges_by_role_count(server: MySqlServer, make: Make) -> None:
    """An account that has everything through its default role lacks nothing."""
    database = make(PROGRAMS)
    for statement in (
        "DROP USER IF EXISTS member@'%'", "DROP ROLE IF EXISTS backup_role", "CREATE ROLE backup_role",
        "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO backup_role", "CREATE USER member@'%' IDENTIFIED BY 'x'",
        "GRANT backup_role TO member@'%'",
        f"SET DEFAULT ROLE backup_role {'FOR' if server.engine == 'mariadb' else 'TO'} member@'%'",
    ):  # fmt: skip
        server.sql(statement)
    assert _missing(server, database, Access(server.instance(), "member", Secret("x"))) == {}


def test_without_the_proof_objects_would_silently_be_missing(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """The tools exit with 0 and their trailer; only the list of objects, surveyed by an account that sees, tells."""
    database = make(PROGRAMS)
    dumped = drive.dump(server, database, tmp_path)
    server.sql("DROP USER IF EXISTS poor@'%'")
    server.sql("CREATE USER poor@'%' IDENTIFIED BY 'x'")
    server.sql(f"GRANT SELECT, SHOW VIEW, EVENT ON `{database}`.* TO poor@'%'")
    seen = drive.dump_with(server, dumped, Access(server.instance(), "poor", Secret("x")), tmp_path, only="triggers")
    assert missing_objects(dumped.survey.objects, seen.objects)[-2:] == ["trigger tr", "view v"]


def test_events_that_mariadb_dump_cannot_find_are_a_gap(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """It escapes a quote in the database's name twice; MySQL's tool does not."""
    dumped = drive.dump(server, make(PROGRAMS, "o'clock"), tmp_path)
    gaps = [(gap.kind, gap.name) for gap in dumped.survey.gaps]
    assert gaps == ([("event", "e")] if server.engine == "mariadb" else [])
    assert ("event" in dumped.manifest.objects) == (server.engine == "mysql")


def test_a_missing_table_ends_the_dump(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """The database vanished after it was surveyed: an error, not an empty success."""
    database = make(PROGRAMS)
    dumped = drive.dump(server, database, tmp_path)
    server.drop_database(database)
    with pytest.raises(BackupError):
        drive.dump_with(server, dumped, server.access(), tmp_path, only="tables")


def test_a_remote_server_is_verified(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """With the test's own authority the driver and the tools take the line; with the system's they refuse."""
    database = make(PROGRAMS)
    trusted = server.instance(host="localhost", ssl={"enabled": True, "ca_cert": server.certificates.ca})
    access = Access(trusted, "root", Secret(server.password))
    assert drive.surveyed(server, database, access)[0].tls.startswith("TLSv1.")
    assert drive.dump(server, database, tmp_path, access).manifest.total_rows() == 2
    untrusted = Access(server.instance(host="localhost", ssl={"enabled": True}), "root", Secret(server.password))
    with pytest.raises(LoginRefused), drive.ask(server, access=untrusted):
        pass


def _missing(server: MySqlServer, database: str, access: Access) -> dict[str, str]:
    with drive.ask(server, access=access) as connection:
        found = drive.engine_of(server).server(connection)
        missing = drive.engine_of(server).missing_privileges(connection, found, database)
    return {item.privilege: item.remedy for item in missing}
