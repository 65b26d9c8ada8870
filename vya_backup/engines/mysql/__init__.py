"""MySQL and MariaDB: one engine, the flavour as data.

The reading order: flavours, option_file, questions, connection; objects, gaps, survey, privileges, new_account; dump,
then inserts, statements and stream, which watch it; target, restore, steps, swap, undo_log and events, which bring it
back; mending, for a restore that died; counting, blocking and explain. `users` is about the accounts.
The rule: describe and ask only; nothing here runs a tool or opens a connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vya_backup.decisions.manifest import Manifest
from vya_backup.engines.answers import Finding, FoundDatabase, MissingPrivilege, Server, Survey
from vya_backup.engines.contract import Access, ConnectionSpec, Mending, RestoreRequest, Unfinished
from vya_backup.engines.dumping import DumpObserver, DumpPart, DumpRequest
from vya_backup.engines.mysql import blocking, counting, drill, mending, new_account, privileges, target
from vya_backup.engines.mysql import connection as connections
from vya_backup.engines.mysql import dump as dumps
from vya_backup.engines.mysql import explain as explanations
from vya_backup.engines.mysql import restore as restores
from vya_backup.engines.mysql import survey as surveys
from vya_backup.engines.mysql.flavours import FLAVOURS, Flavour
from vya_backup.engines.mysql.stream import Observer
from vya_backup.engines.steps import Steps
from vya_backup.engines.throwaway import Site, Throwaway
from vya_backup.engines.tools import Client
from vya_backup.errors import BackupError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vya_backup.engines.accounts import AccountsEngine
    from vya_backup.engines.new_account import AccountStatements, NewAccount


class MySqlEngine:
    """One flavour of the family; see `contract.Engine`."""

    default_port: int | None = 3306
    content_suffix = "sql"

    def __init__(self, flavour: Flavour) -> None:
        self.flavour = flavour
        self.name = self.family = flavour.name
        self.dump_tool = flavour.dump_tool
        self.load_tool = flavour.load_tool
        self.server_tool = flavour.server_tool

    def connection(self, access: Access, database: str | None, *, timeout_seconds: float = 10) -> ConnectionSpec:
        """Describe a connection."""
        return connections.connection_spec(access, database, timeout_seconds=timeout_seconds)

    def explain(self, error: Exception, access: Access) -> BackupError:
        """Turn a driver's exception into ours."""
        return explanations.explain(error, access)

    def server(self, connection: Connection) -> Server:
        """Ask the server what it is."""
        return connections.ask_server(connection)

    def databases(self, connection: Connection, access: Access) -> tuple[FoundDatabase, ...]:
        """List every database that the account may see."""
        return connections.list_databases(connection)

    def missing_privileges(self, connection: Connection, server: Server, database: str) -> tuple[MissingPrivilege, ...]:
        """Prove from SHOW GRANTS that the account sees everything; return what is missing."""
        return privileges.missing_privileges(connection, FLAVOURS[server.flavour], database)

    def new_account(
        self, connection: Connection | None, server: Server, account: NewAccount
    ) -> AccountStatements | None:
        """Return what makes the account for backups."""
        return new_account.statements(connection, server, account, self.flavour)

    def survey(self, connection: Connection, server: Server, database: str) -> Survey:
        """Ask what the database holds."""
        return surveys.survey(connection, server, database)

    def blocked_seconds(self, connection: Connection, marker: str) -> float:
        """Return the longest wait behind a dump of this account, or of the dump itself (see `blocking`)."""
        return blocking.blocked_seconds(connection)

    def dump_problem(self, client: Client, server: Server) -> str:
        """Return why this client cannot dump this server, or an empty text."""
        return dumps.dump_problem(client, server)

    def dump(self, request: DumpRequest) -> tuple[DumpPart, ...]:
        """Describe the commands whose outputs, one after the other, are the dump."""
        return dumps.dump(request, FLAVOURS[request.server.flavour])

    def explain_tool(self, tool: str, status: int, stderr: str) -> BackupError:
        """Turn a tool's failure into ours."""
        return explanations.explain_tool(tool, status, stderr)

    def observer(self) -> DumpObserver:
        """Return a fresh observer."""
        return Observer()

    def count(self, connection: Connection, server: Server, database: str) -> Manifest:
        """Count a restored database exactly."""
        return counting.count(connection, database)

    def target_exists(self, connection: Connection, request: RestoreRequest) -> bool:
        """Say whether the server has a database of the target's name."""
        return any(found.name == request.database for found in self.databases(connection, request.access))

    def check_target(self, connection: Connection, request: RestoreRequest) -> tuple[Finding, ...]:
        """Say what stands against loading there, or should be known before."""
        return target.check_target(connection, request)

    def restore(self, request: RestoreRequest) -> Steps:
        """Describe the restore, step by step."""
        return restores.restore(request)

    def place(self, request: RestoreRequest) -> str:
        """Return nothing: the server knows where its databases lie."""
        return ""

    def mend(self, left: Unfinished) -> Mending:
        """Describe how what a dead restore left is put right."""
        return mending.mend(left)

    def restore_words(self) -> Mapping[str, str]:
        """Return the extra words of the command line."""
        return target.WORDS

    def throwaway(self, site: Site) -> Throwaway:
        """Describe a private server for one drill."""
        return drill.throwaway(site, self.flavour)

    def stubs(self, connection: Connection, request: RestoreRequest) -> tuple[str, ...]:
        """Return the definers that the dump takes for given."""
        return drill.stubs(request)

    def drill_objections(self, connection: Connection, server: Server) -> tuple[str, ...]:
        """Say why this account on this server must not run a drill."""
        return drill.objections(connection)

    def before_assertions(self) -> tuple[str, ...]:
        """Return nothing: a name means the same in every session."""
        return ()

    def drop(self, database: str) -> tuple[str, ...]:
        """Return what removes a restored database."""
        return drill.drop(database)


def engine(name: str) -> MySqlEngine:
    """Return the engine of a configured type, `mysql` or `mariadb`."""
    return MySqlEngine(FLAVOURS[name])


def accounts(name: str) -> AccountsEngine:
    """Return what backs up the accounts of a configured type."""
    from vya_backup.engines.mysql.users.engine import MySqlAccounts  # it is made of the engine above

    return MySqlAccounts(FLAVOURS[name])
