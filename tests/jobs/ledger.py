"""An accounts engine whose server is an SQLite file: accounts are rows, statements are INSERTs, a missing database is
what a trigger says. It stands for MySQL, so that the jobs are tested without a server.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vya_backup.decisions.accounts import MEMBERSHIP, Account, AccountName, Grant, Kind, Statement
from vya_backup.decisions.manifest import Manifest
from vya_backup.decisions.metadata import Needs
from vya_backup.engines.answers import Finding, MissingPrivilege, Server, Survey
from vya_backup.engines.commands import Command, SecretFile, SecretPath
from vya_backup.engines.contract import Access, ConnectionSpec
from vya_backup.engines.dumping import DumpPart, DumpRequest, Observation
from vya_backup.engines.tools import Client, ToolSpec
from vya_backup.errors import BackupError, DumpFailed
from vya_backup.redaction import MASK, Secret, remember

END = "-- end of accounts"
TABLES = """
CREATE TABLE account (user, host, is_role, secret, facts, UNIQUE (user, host));
CREATE TABLE granted (user, host, privilege, on_what, options, database);
CREATE TABLE database (name);
CREATE TRIGGER plugin BEFORE INSERT ON account WHEN new.secret LIKE 'strange:%' BEGIN SELECT RAISE(ABORT, '1524'); END;
CREATE TRIGGER there BEFORE INSERT ON granted
WHEN new.database <> '' AND new.database NOT IN (SELECT name FROM database)
BEGIN SELECT RAISE(ABORT, '1146'); END;
CREATE TRIGGER owner BEFORE INSERT ON granted
WHEN NOT EXISTS (SELECT 1 FROM account WHERE user = new.user AND host = new.host)
BEGIN SELECT RAISE(ABORT, '1410'); END;
"""


@dataclass(frozen=True)
class Ledger:
    """One such server."""

    path: Path

    def __post_init__(self) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(TABLES)

    def run(self, *statements: str) -> None:
        """Change it behind the product's back."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask it."""
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    def add(self, user: str, host: str = "%", secret: str = "", *, is_role: bool = False, **facts: str) -> None:
        """Make an account."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            values = (user, host, is_role, secret, json.dumps(facts))
            connection.execute("INSERT INTO account VALUES (?, ?, ?, ?, ?)", values)

    def grant(self, user: str, privilege: str, on: str, host: str = "%", database: str = "") -> None:
        """Grant something; with a `database` that must be there first."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            if database:
                connection.execute("INSERT INTO database VALUES (?)", (database,))
            values = (user, host, privilege, on, "", database)
            connection.execute("INSERT INTO granted VALUES (?, ?, ?, ?, ?, ?)", values)


def _quoted(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _statements(row: dict[str, Any]) -> Iterator[Statement]:
    values = (row["user"], row["host"], int(row["role"]), row["secret"], json.dumps(row["facts"]))
    kind = Kind.ROLE if row["role"] else Kind.USER
    shown = (*values[:3], MASK, values[4])
    make = "INSERT INTO account VALUES ({})"
    text, masked = (make.format(", ".join(map(_quoted, these))) for these in (values, shown))
    yield Statement(kind, text, masked)
    yield from (_granting(row, grant) for grant in row["grants"])


def _granting(row: dict[str, Any], grant: list[str]) -> Statement:
    privilege, _, _, database = grant
    kind = Kind.OBJECT_GRANT if database else Kind.MEMBERSHIP if privilege == MEMBERSHIP else Kind.GRANT
    text = f"INSERT INTO granted VALUES ({', '.join(map(_quoted, (row['user'], row['host'], *grant)))})"
    return Statement(kind, text, text, database)


@dataclass
class _Observer:
    content: bytearray = field(default_factory=bytearray)

    def feed(self, chunk: bytes) -> None:
        self.content += chunk

    def end_part(self, name: str) -> None:
        """It has one part."""

    def note_report(self, report: str) -> None:
        """It has no report."""

    def finish(self) -> Observation:
        lines = self.content.decode().splitlines()
        names = tuple(sorted(json.loads(line)["user"] for line in lines[:-1]))
        return Observation(Manifest({"user": names}, {}), bool(lines) and lines[-1] == END)


@dataclass
class LedgerEngine:
    """Serves every instance from the file of its id in one folder; only what the jobs ask for is there."""

    folder: Path
    lacking: tuple[MissingPrivilege, ...] = ()
    findings: tuple[Finding, ...] = ()
    name = "mysql"
    family = "mysql"
    default_port = 3306
    content_suffix = "sql"
    dump_tool = ToolSpec(("cat",))
    load_tool = ToolSpec(("cat",))

    def connection(self, access: Access, database: str | None, *, timeout_seconds: float = 10) -> ConnectionSpec:
        from sqlalchemy.engine import URL

        return ConnectionSpec(URL.create("sqlite", database=str(self.folder / f"{access.instance.id}.ledger")), {})

    def explain(self, error: Exception, access: Access) -> BackupError:
        return DumpFailed(f"{access.instance.id}: {error}")

    def server(self, connection: Any) -> Server:
        return Server("mysql", (9, 1), "a ledger")

    def databases(self, connection: Any, access: Access) -> tuple[()]:
        return ()

    def missing_privileges(self, connection: Any, server: Server, database: str) -> tuple[MissingPrivilege, ...]:
        return self.lacking

    def survey(self, connection: Any, server: Server, database: str) -> Survey:
        text = "".join(f"{json.dumps(row)}\n" for row in _rows(connection)) + f"{END}\n"
        names = tuple(sorted(row["user"] for row in _rows(connection)))
        return Survey({"user": names}, {}, Needs(), text=Secret(text))

    def blocked_seconds(self, connection: Any, marker: str) -> float:
        return 0

    def dump_problem(self, client: Client, server: Server) -> str:
        return ""

    def dump(self, request: DumpRequest) -> tuple[DumpPart, ...]:
        assert request.survey.text is not None
        file = SecretFile("accounts", request.survey.text)
        return (DumpPart("accounts", Command(("cat", SecretPath("accounts")), secret_files=(file,))),)

    def observer(self) -> _Observer:
        return _Observer()

    def read(self, text: str) -> tuple[Account, ...]:
        *lines, end = text.splitlines()
        if end != END:
            raise ValueError("there is no end line")
        return tuple(map(_account, map(json.loads, lines)))

    def kept_back(self, accounts: Iterable[Account], access: Access) -> frozenset[AccountName]:
        return frozenset(one.name for one in accounts if one.name.user == "root")

    def accounts_findings(self, connection: Any, server: Server, accounts: Iterable[Account]) -> tuple[Finding, ...]:
        return self.findings

    def equalize(self, wanted: Account, live: Account) -> tuple[Statement, ...]:
        where = f"WHERE user = {_quoted(wanted.name.user)} AND host = {_quoted(wanted.name.host)}"
        gone = [Statement(Kind.USER, f"DELETE FROM {table} {where}", "clear") for table in ("granted", "account")]
        return (*gone, *wanted.statements)


def _rows(connection: Any) -> list[dict[str, Any]]:
    def ask(query: str) -> list[Any]:
        return list(connection.exec_driver_sql(query))

    granted = ask("SELECT user, host, privilege, on_what, options, database FROM granted ORDER BY rowid")
    accounts = ask("SELECT user, host, is_role, secret, facts FROM account ORDER BY is_role DESC, user, host")
    return [
        {
            "user": user,
            "host": host,
            "role": bool(int(is_role)),
            "secret": secret,
            "facts": json.loads(facts),
            "grants": [list(grant[2:]) for grant in granted if tuple(grant[:2]) == (user, host)],
        }
        for user, host, is_role, secret, facts in accounts
    ]


def _account(row: dict[str, Any]) -> Account:
    remember(row["secret"])
    return Account(
        name=AccountName(row["user"], row["host"]),
        is_role=row["role"],
        statements=tuple(_statements(row)),
        facts=row["facts"],
        grants=frozenset(Grant(privilege, on, options) for privilege, on, options, _ in row["grants"]),
        authentication=row["secret"],
    )
