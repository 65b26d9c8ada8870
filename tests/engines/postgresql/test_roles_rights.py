"""Accounts without all rights, servers that lack something, and who may do what on one database."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.conftest import encrypt, project_with
from tests.drills.conftest import Drills
from tests.engines.postgresql.test_roles import ENGINE, dumped, project_of
from tests.servers import PostgresqlServer
from vya_backup.decisions.accounts import UNKNOWN, Account, AccountName, differences
from vya_backup.engines import engine_for
from vya_backup.engines.accounts import DatabasePrivilege, TellsDatabasePrivileges
from vya_backup.engines.answers import Survey
from vya_backup.engines.contract import Access
from vya_backup.engines.dumping import DumpPart, DumpRequest
from vya_backup.engines.throwaway import Site
from vya_backup.engines.tools import Client
from vya_backup.errors import DumpFailed
from vya_backup.redaction import Secret
from vya_backup.transport.connections import connect

__all__ = ["project_with"]
Make = Callable[..., str]


def test_without_the_right_to_read_passwords_the_dump_is_good_and_says_so(
    postgresql_15: PostgresqlServer, project_with: Drills, role: Make
) -> None:
    """A recorded, visible gap; with the right that the remedy names, the passwords are there."""
    role("poor"), role("app", "CONNECTION LIMIT 3")
    project = project_of(project_with, postgresql_15)
    encrypt(project, {"main": ("poor", "other secret")})

    path = dumped(project)

    text = gzip.decompress(path.read_bytes()).decode()
    accounts = {account.name.user: account for account in ENGINE.read(text)}
    assert "PASSWORD" not in text
    assert accounts["app"].authentication == UNKNOWN
    assert accounts["app"].facts == {"connection limit": "3"}
    (event,) = project.events("type = 'dumped'")
    assert "password" in str(event["data"]["gaps"])
    (metadata,) = project.files("*.metadata.json")
    assert "GRANT SELECT ON pg_catalog.pg_authid TO" in metadata.read_text()
    assert project.run("verify").status == 0
    assert any("holds no passwords" in message for message in told(postgresql_15, accounts.values()))
    assert differences(accounts.values(), live(postgresql_15)) == []
    assert ENGINE.equalize(accounts["app"], {a.name.user: a for a in live(postgresql_15)}["app"]) == ()

    postgresql_15.sql("GRANT SELECT ON pg_authid TO poor")
    assert project.run("backup:main/@users", "--force").status == 0
    newest = max(project.files("*.sql.gz"), key=lambda path: path.stat().st_mtime_ns)
    postgresql_15.sql("REVOKE SELECT ON pg_authid FROM poor")
    assert "PASSWORD 'SCRAM-SHA-256$" in gzip.decompress(newest.read_bytes()).decode()


def live(server: PostgresqlServer) -> list[Account]:
    """Return the accounts of a server, as a superuser's own dump tells them."""
    from vya_backup.engines.postgresql.roles import catalogs

    with connect(ENGINE, server.access()) as connection:
        return list(catalogs.asked(connection, passwords=True).accounts)


def told(server: PostgresqlServer, accounts: object, access: Access | None = None) -> list[str]:
    """Return what is found against accounts on a server; blockers begin with a mark."""
    with connect(ENGINE, access or server.access()) as connection:
        found = ENGINE.accounts_findings(connection, ENGINE.server(connection), accounts)  # type: ignore[arg-type]
    return [("! " if one.blocks else "") + one.message for one in found]


STRANGE = """CREATE ROLE app; ALTER ROLE app WITH LOGIN REPLICATION;
GRANT staff TO app WITH ADMIN OPTION, INHERIT FALSE, SET TRUE GRANTED BY chief;
ALTER ROLE app IN DATABASE nowhere SET work_mem TO '5MB';
ALTER ROLE app SET no_such_setting TO '1';
SECURITY LABEL FOR selinux ON ROLE app IS 'x';
"""


def test_what_a_server_lacks_is_said_before_the_first_statement(postgresql_15: PostgresqlServer, role: Make) -> None:
    """Options of newer servers, roles, databases, settings, label providers; and what the account may not."""
    role("maker", "CREATEROLE"), role("nobody")
    accounts = ENGINE.read(STRANGE)

    found = told(postgresql_15, accounts)
    access = {name: Access(postgresql_15.instance(), name, Secret("other secret")) for name in ("maker", "nobody")}
    by_maker, by_nobody = (told(postgresql_15, accounts, one) for one in access.values())

    expected = ("INHERIT and SET", "neither there nor among", "wait for databases", "does not know", "labels need")
    assert [word for word in expected if not any(word in message for message in found)] == []
    assert "chief, staff" in found[1]
    assert not any(message.startswith("! ") for message in found + by_maker)
    assert any("only one can make superusers" in message for message in by_maker)
    assert "! the account nobody may not create roles" in by_nobody


def test_the_superusers_and_the_own_account_are_kept_back(postgresql_15: PostgresqlServer) -> None:
    """The one that the server was made with is known under whatever name."""
    text = (
        'CREATE ROLE chief; CREATE ROLE app; CREATE ROLE me;\n-- Accounts: {"bootstrap": "chief", "passwords": true}\n'
    )

    kept = ENGINE.kept_back(ENGINE.read(text), Access(postgresql_15.instance(), "me"))

    assert kept == {AccountName("chief"), AccountName("postgres"), AccountName("me")}


def test_a_tool_that_lets_a_name_become_sql_is_refused(postgresql_15: PostgresqlServer, role: Make) -> None:
    """pg_dumpall wrote a line break of a name as it is (CVE-2025-8715), so that what follows it was run."""
    with connect(ENGINE, postgresql_15.access()) as connection:
        server = ENGINE.server(connection)
        safe = ENGINE.survey(connection, server, "@users")
        role("x\nALTER ROLE app SUPERUSER;")
        broken = ENGINE.survey(connection, server, "@users")
    program = Path("/usr/bin/pg_dumpall")
    old, new = (Client(program, version, "pg_dumpall (PostgreSQL)") for version in ((15, 13), (15, 14)))

    def parts(client: Client, survey: Survey) -> tuple[DumpPart, ...]:
        return ENGINE.dump(DumpRequest(postgresql_15.access(), "@users", server, client, survey, "marker", 1))

    assert len(parts(old, safe)) == len(parts(new, broken)) == 2
    with pytest.raises(DumpFailed, match="line break"):
        parts(old, broken)


def test_a_private_server_has_a_superuser_of_the_originals_name(tmp_path: Path) -> None:
    """Grants are made in its name, and a dump may name it as their grantor."""
    program = Client(Path("/usr/lib/postgresql/15/bin/postgres"), (15, 20), "postgres (PostgreSQL)")

    private = ENGINE.throwaway(Site(program, tmp_path, "@users", {"bootstrap": "ch ief"}))

    assert private.access.username == "ch ief"
    assert "ch ief" in private.make[0].argv


RIGHTS = (
    'CREATE SCHEMA "Sa les" AUTHORIZATION owner_',
    'SET ROLE owner_; CREATE TABLE "Sa les".item (id int, "na me" text, price numeric); RESET ROLE',
    'CREATE VIEW "Sa les".few AS SELECT 1 AS one',
    """CREATE FUNCTION "Sa les".total(a integer, b character varying[]) RETURNS int LANGUAGE sql AS
        $$ SELECT 1; -- ; GRANT ALL ON TABLE x TO evil;
        $$""",
    'CREATE FUNCTION "Sa les".hidden() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
    'REVOKE ALL ON FUNCTION "Sa les".hidden() FROM PUBLIC',
    'GRANT EXECUTE ON FUNCTION "Sa les".hidden() TO app',
    'GRANT USAGE ON SCHEMA "Sa les" TO app',
    'GRANT SELECT ON "Sa les".item TO app WITH GRANT OPTION',
    'GRANT SELECT ("na me", price), UPDATE (price) ON "Sa les".item TO staff',
    'GRANT SELECT ON "Sa les".few TO staff',
    'ALTER DEFAULT PRIVILEGES FOR ROLE owner_ IN SCHEMA "Sa les" GRANT SELECT ON TABLES TO staff',
    "INSERT INTO \"Sa les\".item VALUES (1, 'x\n;GRANT ALL ON TABLE x TO evil;\n', 1)",
    "CREATE TABLE evil (t text); INSERT INTO evil VALUES ('x'), ('GRANT ALL ON TABLE evil TO evil;')",
    "GRANT CONNECT ON DATABASE rights TO app",
    "REVOKE CONNECT ON DATABASE rights FROM PUBLIC",
)
ITEM, FEW = "table Sa les.item", "view Sa les.few"
EXPECTED = {
    ("owner_", "schema Sa les", "owner", ""),
    ("owner_", ITEM, "owner", ""),
    ("app", "schema Sa les", "USAGE", ""),
    ("app", ITEM, "SELECT with grant option", ""),
    ("app", "function Sa les.hidden()", "EXECUTE", ""),
    ("app", "database rights", "CONNECT", ""),
    ("staff", ITEM, "SELECT (na me, price)", ""),
    ("staff", ITEM, "UPDATE (price)", ""),
    ("staff", FEW, "SELECT", ""),
    ("staff", "tables that owner_ will make in Sa les", "SELECT", ""),
    ("member", ITEM, "SELECT (na me, price)", "staff"),
    ("member", ITEM, "UPDATE (price)", "staff"),
    ("member", FEW, "SELECT", "staff"),
    ("member", "tables that owner_ will make in Sa les", "SELECT", "staff"),
    ("postgres", "everything", "superuser", ""),
    ("postgres", "database rights", "owner", ""),
    ("postgres", FEW, "owner", ""),
    ("postgres", "function Sa les.total(a integer, b character varying[])", "owner", ""),
    ("postgres", "function Sa les.hidden()", "owner", ""),
    ("postgres", "table public.evil", "owner", ""),
    ("PUBLIC", "function Sa les.total(a integer, b character varying[])", "EXECUTE", ""),
    ("PUBLIC", "database rights", "TEMPORARY", ""),
}


@pytest.mark.parametrize("size", [7, 1 << 20])
def test_who_may_do_what_is_read_out_of_a_databases_own_dump(
    postgresql_15: PostgresqlServer, role: Make, database: Make, size: int
) -> None:
    """Owners, grants on objects and columns, default privileges, through roles; never out of rows or bodies."""
    for name, options in {"owner_": "", "app": "", "staff": "", "member": "IN ROLE staff"}.items():
        role(name, options)
    database("rights", *RIGHTS)
    accounts = live(postgresql_15)
    engine = engine_for("postgresql")
    with connect(engine, postgresql_15.access(), "rights") as connection:
        properties = engine.survey(connection, engine.server(connection), "rights").properties
    plain = plain_dump(postgresql_15, "rights")
    pieces = (plain[start : start + size] for start in range(0, len(plain), size))

    assert isinstance(ENGINE, TellsDatabasePrivileges)
    rows = ENGINE.privileges_in_dump(pieces, "rights", json.loads(json.dumps(properties)), accounts)

    assert {(row.account, row.on, row.privilege, row.via) for row in rows} == EXPECTED
    assert list(rows) == sorted(rows)
    assert DatabasePrivilege("staff", FEW, "SELECT") in ENGINE.privileges_in_dump([plain], "rights", properties, ())


def plain_dump(server: PostgresqlServer, name: str) -> bytes:
    """Return pg_dump's output."""
    command = [str(server.client_folder / "pg_dump"), "-h", server.host, "-p", str(server.port), name]
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": server.password, "PGUSER": server.superuser}
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout


def test_a_database_whose_owner_is_missing_names_the_accounts_backup_that_has_it(
    postgresql_15: PostgresqlServer, postgresql_18: PostgresqlServer, project_with: Drills, role: Make, database: Make
) -> None:
    """Before the first byte; once the role is there, the same command works."""
    role("kee per")
    database("kept", 'CREATE TABLE t (a int); ALTER TABLE t OWNER TO "kee per"')
    project = project_with(main=postgresql_15, new=postgresql_18)
    configuration = (project.folder / "config/config.yaml").read_text()
    project.configure(configuration.replace("users: false", "users: true"))
    assert project.run("backup:main/kept").status == 0

    blind = project.run("restore:main/kept", "--target-instance", "new")
    assert project.run("backup:main/@users").status == 0
    done = project.run("restore:main/kept", "--target-instance", "new")

    assert (blind.status, done.status) == (1, 1)
    assert "CREATE ROLE" in blind.said
    (event,) = project.events("type = 'dumped' AND database = '@users'")
    words = " ".join(done.said.split())
    assert f"Backup {event['backup_id']} of main/@users has them" in words
    wanted = f"doit restore:main/@users --backup {event['backup_id']} --target-instance new --user 'kee per'"
    assert wanted.replace(" ", "") in done.said.replace(" ", "").replace("\n", "")
    assert "kept" not in postgresql_18.databases()
