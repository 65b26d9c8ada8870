"""The `AccountsEngine` for PostgreSQL: the engine of its databases, but for what is about roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vya_backup.decisions.accounts import AccountName
from vya_backup.decisions.manifest import Manifest
from vya_backup.engines.answers import Finding, FoundDatabase
from vya_backup.engines.postgresql import FOLDERS, PostgresqlEngine, target
from vya_backup.engines.postgresql.roles import catalogs, dump, equalizing, findings, privileges, reading, restoring
from vya_backup.engines.postgresql.roles.observer import AccountsObserver
from vya_backup.engines.tools import ToolSpec

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vya_backup.decisions.accounts import Account, Statement
    from vya_backup.engines.accounts import DatabasePrivilege
    from vya_backup.engines.answers import MissingPrivilege, Server, Survey
    from vya_backup.engines.contract import Access, ConnectionSpec, Mending, RestoreRequest, Unfinished
    from vya_backup.engines.dumping import DumpObserver, DumpPart, DumpRequest
    from vya_backup.engines.steps import Steps
    from vya_backup.engines.throwaway import Site, Throwaway


# A statement with a hash belongs into no log, and only a superuser may keep it out of there.
QUIET = """SELECT set_config(name, value, false) FROM (VALUES ('log_statement', 'none'), ('log_duration', 'off'),
    ('log_min_duration_statement', '-1'), ('log_min_duration_sample', '-1'), ('log_min_error_statement', 'panic'),
    ('log_transaction_sample_rate', '0'), ('pg_stat_statements.track_utility', 'off')) AS quiet (name, value)
    WHERE current_setting('is_superuser') = 'on'"""


class PostgresqlAccounts(PostgresqlEngine):
    """The accounts of a server; every `database` is its maintenance database."""

    dump_tool = ToolSpec(("pg_dumpall",), FOLDERS)

    def connection(self, access: Access, database: str | None, *, timeout_seconds: float = 10) -> ConnectionSpec:
        """Describe a connection to the maintenance database.

        It tells times in UTC as the dump does, and the server keeps no statement of it where the account can say so.
        """
        spec = super().connection(access, None, timeout_seconds=timeout_seconds)
        return replace(spec, first_statements=(*spec.first_statements, "SET TimeZone = 'UTC'", QUIET))

    def databases(self, connection: Connection, access: Access) -> tuple[FoundDatabase, ...]:
        """Return nothing: accounts belong to the whole server."""
        return ()

    def missing_privileges(self, connection: Connection, server: Server, database: str) -> tuple[MissingPrivilege, ...]:
        """Return nothing: every account may read roles; passwords that it may not read are a gap of the survey."""
        return ()

    def survey(self, connection: Connection, server: Server, database: str) -> Survey:
        """Ask which accounts there are."""
        return dump.survey(connection, server)

    def blocked_seconds(self, connection: Connection, marker: str) -> float:
        """Return 0: nobody waits behind a reader of roles."""
        return 0.0

    def dump(self, request: DumpRequest) -> tuple[DumpPart, ...]:
        """Describe the dump: the roles, then settings of roles in databases."""
        return dump.parts(request)

    def observer(self) -> DumpObserver:
        """Return a fresh observer."""
        return AccountsObserver()

    def count(self, connection: Connection, server: Server, database: str) -> Manifest:
        """Survey the accounts in the manifest's spellings; they have no rows."""
        found = catalogs.asked(connection, passwords=False).accounts
        return Manifest(reading.objects(found), {}, schema_hash=reading.shape(found))

    def target_exists(self, connection: Connection, request: RestoreRequest) -> bool:
        """Return False: accounts are restored one by one, beside those that are there."""
        return False

    def check_target(self, connection: Connection, request: RestoreRequest) -> tuple[Finding, ...]:
        """Say what stands against the client and the server; `accounts_findings` judges the accounts."""
        return tuple(target.check_client(request)) + tuple(target.check_server(request))

    def restore(self, request: RestoreRequest) -> Steps:
        """Describe a drill's restore into a private server."""
        return restoring.steps(request)

    def mend(self, left: Unfinished) -> Mending:
        """Describe nothing: statements that a dead restore did not come to are run by the next one."""
        yield from ()
        return ""

    def throwaway(self, site: Site) -> Throwaway:
        """Describe a private server whose superuser has the original's name."""
        return restoring.throwaway(site)

    def stubs(self, connection: Connection, request: RestoreRequest) -> tuple[str, ...]:
        """Return the databases that settings of roles are for."""
        return restoring.databases(connection, request)

    def drill_objections(self, connection: Connection, server: Server) -> tuple[str, ...]:
        """Refuse: accounts belong to the whole server, and cannot stand beside those that are there."""
        return ("accounts can only be drilled on a private server: leave drill.instance empty",)

    def drop(self, database: str) -> tuple[str, ...]:
        """Return nothing: the accounts go with their private server."""
        return ()

    # ------------------------------------------------------------------ accounts

    def read(self, text: str) -> tuple[Account, ...]:
        """Return the accounts that a dump holds, in its order; every password in it is remembered for redaction.

        Raises:
            ValueError: the text is no roles dump; the message says where it stops being one.
        """
        return reading.read(text).accounts

    def kept_back(self, accounts: Iterable[Account], access: Access) -> frozenset[AccountName]:
        """Return the superuser that the server was made with, `postgres`, and the account of `access`."""
        made = {account.name for account in accounts if isinstance(account, reading.BootstrapAccount)}
        return frozenset(made | {AccountName(reading.DEFAULT_BOOTSTRAP), AccountName(access.username)})

    def accounts_findings(
        self, connection: Connection, server: Server, accounts: Iterable[Account]
    ) -> tuple[Finding, ...]:
        """Say what stands against making these accounts there."""
        return tuple(findings.findings(connection, server, accounts))

    def equalize(self, wanted: Account, live: Account) -> tuple[Statement, ...]:
        """Return the statements that make a role of the server equal to the dump's, its password included."""
        return equalizing.equalize(wanted, live)

    def privileges_in_dump(
        self, plain: Iterable[bytes], database: str, properties: Mapping[str, Any], accounts: Iterable[Account]
    ) -> tuple[DatabasePrivilege, ...]:
        """Say who may do what on one database; see `TellsDatabasePrivileges`."""
        return privileges.in_dump(plain, database, properties, accounts)
