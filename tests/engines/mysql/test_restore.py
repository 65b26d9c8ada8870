"""Restores into empty servers, over live databases and under other names; and what takes them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engines.mysql import drive
from tests.samples import building
from tests.servers import MySqlServer
from vya_backup.decisions.manifest import differences
from vya_backup.engines.answers import Survey
from vya_backup.engines.contract import Access
from vya_backup.engines.mysql.definitions import definitions
from vya_backup.engines.steps import PointOfNoReturn
from vya_backup.errors import RestoreFailed
from vya_backup.redaction import Secret

Make = Callable[..., str]

LIVE = """
CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES p (id));
INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1, 1);
CREATE VIEW b AS SELECT * FROM c; CREATE VIEW a AS SELECT * FROM b;
CREATE FUNCTION f(n int) RETURNS int DETERMINISTIC RETURN n + 1;
CREATE PROCEDURE pr() SELECT 'ü';
CREATE TRIGGER t1 BEFORE INSERT ON p FOR EACH ROW SET NEW.id = NEW.id;
CREATE TRIGGER t2 BEFORE INSERT ON p FOR EACH ROW SET NEW.id = NEW.id + 0;
CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO DELETE FROM p WHERE id = 0;
CREATE EVENT asleep ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DISABLE DO DELETE FROM p WHERE id = 0;
"""


def picture(server: MySqlServer, database: str) -> Any:
    """Return everything of a database that a failed restore must leave as it was."""
    with drive.ask(server, database) as connection:
        found = definitions(connection, database)
    programs = sorted((d for d in found if d.kind != "trigger"), key=lambda d: (d.kind, d.name))
    programs += [d for d in found if d.kind == "trigger"]  # whose order counts
    creates = [server.sql(f"SHOW CREATE TABLE `{name}`", database) for name in ("p", "c")]
    return programs, creates, drive.counted(server, database), server.sql(f"SHOW CREATE DATABASE `{database}`")


def test_the_big_sample_comes_back_into_nothing_and_over_itself(
    server: MySqlServer, make: Make, tmp_path: Path
) -> None:
    """Every object, every row, every sequence; twice."""
    building.build_mysql(server, "harbour_back")
    dumped = drive.dump(server, "harbour_back", tmp_path)
    server.drop_database("harbour_back")
    for _again in range(2):
        drive.restore(server, dumped)
        assert differences(dumped.manifest, drive.counted(server, "harbour_back")) == []
    again = drive.dump(server, "harbour_back", tmp_path)
    assert again.manifest.schema_hash == dumped.manifest.schema_hash


def test_a_live_database_becomes_what_the_dump_held(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """Newer tables, views, routines, triggers and events are gone; nothing is left beside it; the event runs again."""
    database = make(LIVE)
    dumped = drive.dump(server, database, tmp_path)
    before = picture(server, database)
    server.load(
        "DROP TABLE c; CREATE TABLE newer (a int); INSERT INTO p VALUES (9); CREATE VIEW late AS SELECT 1 AS x;"
        "CREATE PROCEDURE late() SELECT 2; CREATE TRIGGER late AFTER DELETE ON p FOR EACH ROW SET @a = 1;"
        "ALTER EVENT e DISABLE; DROP EVENT asleep;",
        database,
    )
    drive.restore(server, dumped)
    assert picture(server, database) == before
    assert not {drive.STAGING, drive.RETIRED} & set(server.databases())


@pytest.mark.long_for("mysql")
def test_a_failure_after_any_step_leaves_the_old_database(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """Before the point of no return each step is taken back: programs, tables, properties, and nothing beside."""
    database = make(LIVE)
    dumped = drive.dump(server, database, tmp_path)
    server.load(
        "INSERT INTO p VALUES (9); CREATE TABLE newer (a int); CREATE VIEW late AS SELECT * FROM newer;", database
    )
    before = picture(server, database)
    request = drive.request_for(server, dumped)
    rehearsal = drive.run_steps(server, drive.dump(server, make(LIVE), tmp_path), replace(request, database=make(LIVE)))
    last = next(number for number, step in enumerate(rehearsal) if isinstance(step, PointOfNoReturn))
    for number in range(1, last + 1):
        with pytest.raises(RestoreFailed, match="stopped by the test"):
            drive.run_steps(server, dumped, request, fail_after=number)
        assert picture(server, database) == before, rehearsal[number - 1]
        assert not {drive.STAGING, drive.RETIRED} & set(server.databases()), rehearsal[number - 1]


def test_an_empty_target_is_filled_and_emptied_again_on_failure(
    server: MySqlServer, make: Make, tmp_path: Path
) -> None:
    """A database that was there, empty, stays there, with its own character set."""
    dumped = drive.dump(server, make(LIVE), tmp_path)
    empty = make()
    server.sql(f"ALTER DATABASE {empty} CHARACTER SET latin1")
    request = replace(drive.request_for(server, dumped, empty), exists=False)
    with pytest.raises(RestoreFailed):
        drive.run_steps(server, dumped, request, fail_after=5)
    assert "latin1" in server.sql(f"SHOW CREATE DATABASE {empty}")[0][1]
    drive.run_steps(server, dumped, request)
    assert "utf8mb4" in server.sql(f"SHOW CREATE DATABASE {empty}")[0][1]


def test_under_another_name_events_sleep_and_what_names_the_source_is_listed(
    server: MySqlServer, make: Make, tmp_path: Path
) -> None:
    """The scheduler is on, and a body with the source's name would write there."""
    database = make(LIVE)
    server.load(
        f"CREATE EVENT loud ON SCHEDULE EVERY 1 SECOND DISABLE DO INSERT INTO {database}.p VALUES (7);", database
    )
    server.load("ALTER EVENT loud DISABLE", database)
    dumped = drive.dump(server, database, tmp_path)
    text = dumped.text
    assert b"EVENT `loud`" in text
    messages = [finding.message for finding in drive.findings(server, drive.request_for(server, dumped, "elsewhere"))]
    assert any(message.startswith("event loud names") for message in messages)
    drive.restore(server, dumped, "elsewhere")
    states = server.sql("SELECT EVENT_NAME, STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'elsewhere'")
    assert {status for _name, status in states} == {"DISABLED"}
    assert len(states) == 3


def test_a_blocked_restore_says_so_before_the_first_byte(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """An account without SUPER and without the right to set definers, and a definer that is not there."""
    script = LIVE + "CREATE USER IF NOT EXISTS ghost@h; CREATE DEFINER=ghost@h PROCEDURE haunted() SELECT 1;"
    dumped = drive.dump(server, make(script), tmp_path)
    server.sql("DROP USER ghost@h")
    server.sql("DROP USER IF EXISTS restorer@'%'")
    server.sql("CREATE USER restorer@'%' IDENTIFIED BY 'x'")
    access = Access(server.instance(), "restorer", Secret("x"))
    assert any("may not SELECT" in text for text in _blockers(server, dumped, access))
    words = "SELECT, INSERT, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW, TRIGGER, EVENT"
    server.sql(f"GRANT {words}, CREATE ROUTINE, ALTER ROUTINE ON *.* TO restorer@'%'")
    blockers = _blockers(server, dumped, access)
    assert any("1419" in text for text in blockers)
    assert any("ghost@h" in text for text in blockers)
    assert len(blockers) == (3 if server.engine == "mysql" else 2)  # MySQL: root, who defines the rest


def test_what_a_system_user_defined_is_refused_before_the_first_byte(mysql: MySqlServer, tmp_path: Path) -> None:
    """MySQL lets only SYSTEM_USER create or drop it; half way through a swap that could not be taken back."""
    mysql.create_database("systemic")
    mysql.sql("CREATE PROCEDURE p() SELECT 1", "systemic")
    mysql.sql("DROP USER IF EXISTS setter@'%'")
    mysql.sql("CREATE USER setter@'%' IDENTIFIED BY 'x'")
    words = "SELECT, INSERT, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW, TRIGGER, EVENT"
    mysql.sql(f"GRANT {words}, CREATE ROUTINE, ALTER ROUTINE, SET_ANY_DEFINER ON *.* TO setter@'%'")
    access = Access(mysql.instance(), "setter", Secret("x"))
    try:
        dumped = drive.dump(mysql, "systemic", tmp_path)
        beside = _blockers(mysql, dumped, access)
        old = replace(dumped, survey=_without_needs(dumped))
        swapped = drive.findings(mysql, drive.request_for(mysql, old, None, access))
        assert any("1227" in text for text in beside)
        assert any("1227" in finding.message for finding in swapped)
        mysql.sql("GRANT SYSTEM_USER ON *.* TO setter@'%'")
        assert not any("1227" in text for text in _blockers(mysql, dumped, access))
    finally:
        mysql.sql("DROP USER setter@'%'")
        mysql.drop_database("systemic")


def test_the_databases_beside_the_old_one_are_granted_by_a_pattern(mysql: MySqlServer, tmp_path: Path) -> None:
    """Their names are new in each restore: a grant on today's name would not help the next attempt."""
    mysql.create_database("patterned")
    mysql.sql("CREATE TABLE t (a INT)", "patterned")
    mysql.sql("DROP USER IF EXISTS poor@'%'")
    mysql.sql("CREATE USER poor@'%' IDENTIFIED BY 'x'")
    access = Access(mysql.instance(), "poor", Secret("x"))
    try:
        request = drive.request_for(mysql, drive.dump(mysql, "patterned", tmp_path), None, access)
        remedies = [f.hint for f in drive.findings(mysql, replace(request, exists=True)) if "may not" in f.message]
        for remedy in remedies:
            mysql.sql(remedy)
        left = [f.message for f in drive.findings(mysql, replace(request, exists=True)) if "may not" in f.message]
    finally:
        mysql.sql("DROP USER poor@'%'")
        mysql.drop_database("patterned")
    assert len(remedies) == 2
    assert left == []


def _without_needs(dumped: drive.Dumped) -> Survey:
    return replace(dumped.survey, needs=replace(dumped.survey.needs, definers=()))


def test_a_missing_definer_is_a_notice_for_who_may_set_it(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """Root creates such objects; they fail when they are used."""
    script = LIVE + "CREATE USER IF NOT EXISTS ghost@h; CREATE DEFINER=ghost@h PROCEDURE haunted() SELECT 1;"
    dumped = drive.dump(server, make(script), tmp_path)
    server.sql("DROP USER ghost@h")
    found = drive.findings(server, drive.request_for(server, dumped, "haunted"))
    assert [f.blocks for f in found if "ghost@h" in f.message] == [False]


def test_a_read_only_server_is_no_target(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """`read_only` stands on replicas, and on nothing that should be restored to."""
    dumped = drive.dump(server, make(LIVE), tmp_path)
    server.sql("SET GLOBAL read_only = ON")
    try:
        found = drive.findings(server, drive.request_for(server, dumped, "elsewhere"))
    finally:
        server.sql("SET GLOBAL read_only = OFF")
    assert any(finding.blocks and "read only" in finding.message for finding in found)


def test_foreign_keys_of_other_databases_block_a_swap(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """They would follow the old table into the retired database."""
    database = make(LIVE)
    dumped = drive.dump(server, database, tmp_path)
    other = make(f"CREATE TABLE pointing (p int, CONSTRAINT outside FOREIGN KEY (p) REFERENCES {database}.p (id));")
    found = drive.findings(server, drive.request_for(server, dumped))
    server.drop_database(other)
    assert any(finding.blocks and "outside" in finding.message for finding in found)


def test_grants_on_single_routines_stay(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """The server drops them with the routine; the restored routine has them again, and so has the old one."""
    database = make(LIVE + "CREATE USER IF NOT EXISTS caller@'%' IDENTIFIED BY 'x';")
    server.sql(f"GRANT EXECUTE ON FUNCTION {database}.f TO caller@'%' WITH GRANT OPTION")
    dumped = drive.dump(server, database, tmp_path)
    grants = server.sql("SHOW GRANTS FOR caller@'%'")
    with pytest.raises(RestoreFailed):
        drive.run_steps(server, dumped, drive.request_for(server, dumped), fail_after=9)
    assert server.sql("SHOW GRANTS FOR caller@'%'") == grants
    drive.restore(server, dumped)
    assert server.sql("SHOW GRANTS FOR caller@'%'") == grants
    server.sql("DROP USER caller@'%'")


def test_comments_inside_routines_survive(server: MySqlServer, make: Make, tmp_path: Path) -> None:
    """MariaDB's client strips them unless it is told not to."""
    database = make("CREATE PROCEDURE p() SELECT /* kept */ 1;")
    dumped = drive.dump(server, database, tmp_path)
    drive.restore(server, dumped, "copied")
    assert "kept" in server.sql("SHOW CREATE PROCEDURE copied.p")[0][2]


def _blockers(server: MySqlServer, dumped: drive.Dumped, access: Access) -> list[str]:
    request = drive.request_for(server, dumped, "elsewhere", access)
    return [finding.message for finding in drive.findings(server, request) if finding.blocks]
