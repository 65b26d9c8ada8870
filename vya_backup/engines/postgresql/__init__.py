"""PostgreSQL 13 to 18: the engine, put together from one module per question.

The rule: nothing here runs or opens anything; each module's own docstring has the rule of its part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vya_backup.engines.postgresql import connection as connections
from vya_backup.engines.postgresql import (
    counting,
    drill,
    dump,
    explain,
    mending,
    new_account,
    privileges,
    restore,
    survey,
    target,
    watching,
)
from vya_backup.engines.postgresql.stream import PostgresqlObserver
from vya_backup.engines.tools import ToolSpec

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vya_backup.decisions.manifest import Manifest
    from vya_backup.engines.accounts import AccountsEngine
    from vya_backup.engines.answers import Finding, FoundDatabase, MissingPrivilege, Server, Survey
    from vya_backup.engines.contract import Access, ConnectionSpec, Mending, RestoreRequest, Unfinished
    from vya_backup.engines.dumping import DumpObserver, DumpPart, DumpRequest
    from vya_backup.engines.new_account import AccountStatements, NewAccount
    from vya_backup.engines.steps import Steps
    from vya_backup.engines.throwaway import Site, Throwaway
    from vya_backup.engines.tools import Client
    from vya_backup.errors import BackupError

FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql*/bin",
    "/opt/postgresql*/bin",
    "/opt/pgsql*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/libexec/postgresql*",
    "/usr/lib/postgresql*/bin",
)


class PostgresqlEngine:
    """The `Engine` for PostgreSQL."""

    name = "postgresql"
    family = "postgresql"
    default_port: int | None = 5432
    content_suffix = "sql"
    dump_tool = ToolSpec(("pg_dump",), FOLDERS)
    load_tool = ToolSpec(("psql",), FOLDERS)
    server_tool = ToolSpec(("postgres",), FOLDERS)

    def connection(self, access: Access, database: str | None, *, timeout_seconds: float = 10) -> ConnectionSpec:
        """Describe a connection; None is the maintenance database."""
        return connections.spec(access, database, timeout_seconds)

    def explain(self, error: Exception, access: Access) -> BackupError:
        """Turn a driver's exception into ours."""
        return explain.explain_error(error, access)

    def server(self, connection: Connection) -> Server:
        """Ask the server what it is."""
        return survey.server(connection)

    def databases(self, connection: Connection, access: Access) -> tuple[FoundDatabase, ...]:
        """List every database, system ones marked."""
        return survey.databases(connection)

    def missing_privileges(self, connection: Connection, server: Server, database: str) -> tuple[MissingPrivilege, ...]:
        """Return what the account may not read."""
        return privileges.missing(connection)

    def new_account(
        self, connection: Connection | None, server: Server, account: NewAccount
    ) -> AccountStatements | None:
        """Return what makes the role for backups."""
        return new_account.statements(connection, server, account)

    def survey(self, connection: Connection, server: Server, database: str) -> Survey:
        """Ask what the connection's database holds."""
        return survey.survey(connection, server)

    def blocked_seconds(self, connection: Connection, marker: str) -> float:
        """Return how long another session has been waiting behind the marked dump."""
        return watching.blocked_seconds(connection, marker)

    def dump_problem(self, client: Client, server: Server) -> str:
        """Return why this client cannot dump this server, or an empty text."""
        return dump.dump_problem(client, server)

    def dump(self, request: DumpRequest) -> tuple[DumpPart, ...]:
        """Describe the dump: one part."""
        return dump.parts(request)

    def explain_tool(self, tool: str, status: int, stderr: str) -> BackupError:
        """Turn a tool's failure into ours."""
        return explain.explain_tool(tool, status, stderr)

    def observer(self) -> DumpObserver:
        """Return a fresh observer."""
        return PostgresqlObserver()

    def count(self, connection: Connection, server: Server, database: str) -> Manifest:
        """Survey with exact row counts and sequence values."""
        return counting.count(connection, server)

    def target_exists(self, connection: Connection, request: RestoreRequest) -> bool:
        """Say whether the server has a database of the target's name."""
        return any(found.name == request.database for found in self.databases(connection, request.access))

    def check_target(self, connection: Connection, request: RestoreRequest) -> tuple[Finding, ...]:
        """Say what stands against loading there, or should be known before."""
        return target.check(connection, request)

    def restore(self, request: RestoreRequest) -> Steps:
        """Describe the restore, step by step."""
        return restore.steps(request)

    def place(self, request: RestoreRequest) -> str:
        """Return nothing: the server knows where its databases lie."""
        return ""

    def mend(self, left: Unfinished) -> Mending:
        """Describe how what a dead restore left is put right."""
        return mending.mend(left)

    def restore_words(self) -> Mapping[str, str]:
        """Return the words that `check_target` may ask for."""
        return target.WORDS

    def throwaway(self, site: Site) -> Throwaway:
        """Describe a private server for one drill."""
        return drill.throwaway(site)

    def stubs(self, connection: Connection, request: RestoreRequest) -> tuple[str, ...]:
        """Return the roles and tablespaces that the dump takes for given."""
        return drill.stubs(connection, request)

    def drill_objections(self, connection: Connection, server: Server) -> tuple[str, ...]:
        """Say why this account on this server must not run a drill."""
        return drill.objections(connection)

    def before_assertions(self) -> tuple[str, ...]:
        """Return the way back to the schemas that applications search."""
        return drill.BEFORE_ASSERTIONS

    def drop(self, database: str) -> tuple[str, ...]:
        """Return what removes a restored database."""
        return drill.drop(database)


def engine(name: str) -> PostgresqlEngine:
    """Return the engine of the configured type `postgresql`."""
    return PostgresqlEngine()


def accounts(name: str) -> AccountsEngine:
    """Return what backs up the accounts of the configured type `postgresql`."""
    from vya_backup.engines.postgresql.roles.engine import PostgresqlAccounts  # it is made of this engine

    return PostgresqlAccounts()
