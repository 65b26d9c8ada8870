"""What an instance's `@users` needs beyond an engine: accounts read out of a dump, compared, and made equal.

Such an engine dumps, observes and counts like any other, and knows one database only. Its dump is plain SQL that the
vendor's client takes; what it says of accounts is a value of `decisions.accounts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from vya_backup.decisions.accounts import Account, AccountName, Statement
from vya_backup.engines.answers import Finding, Server
from vya_backup.engines.contract import Access, Engine

if TYPE_CHECKING:
    from sqlalchemy import Connection


NOTHING_THERE = frozenset(
    {
        *("1049", "1054", "1146", "1305"),  # MySQL, MariaDB
        *("3D000", "3F000", "42P01", "42704", "42883", "42703"),  # PostgreSQL
    }
)
"""What servers say of a grant on a database, table, column or routine that they do not have."""


class AccountsEngine(Engine, Protocol):
    """The engine of `INSTANCE/@users` for one flavour of server."""

    def read(self, text: str) -> tuple[Account, ...]:
        """Return the accounts that a dump holds, in its order; every hash in it is remembered for redaction.

        Raises:
            ValueError: the text is no accounts dump of this flavour; the message says where it stops being one.
        """

    def kept_back(self, accounts: Iterable[Account], access: Access) -> frozenset[AccountName]:
        """Return those that are only restored when named: superusers of the server's making, and `access`."""

    def accounts_findings(
        self, connection: Connection, server: Server, accounts: Iterable[Account]
    ) -> tuple[Finding, ...]:
        """Say what stands against making these accounts there: a missing plugin, a setting, a privilege of `access`."""

    def equalize(self, wanted: Account, live: Account) -> tuple[Statement, ...]:
        """Return the statements that make an account of the server equal to the dump's, its password included."""


@dataclass(frozen=True, order=True)
class DatabasePrivilege:
    """One thing that an account may do with a database or with what is in it, as a person reads it."""

    account: str
    """As `str(AccountName)`; `PUBLIC` is everybody."""
    on: str
    """`database shop`, `schema sales`, `table sales.invoice`, `function sales.total(integer)`; for default privileges
    `tables that app will make in sales`; for a superuser `everything`."""
    privilege: str
    """`SELECT`, `SELECT (name, price)`, `CONNECT`, `owner`, `superuser`, `SELECT with grant option`."""
    via: str = ""
    """Empty where it was given to the account itself, else the role whose member it is."""


@runtime_checkable
class TellsDatabasePrivileges(Protocol):
    """An accounts engine whose grants on objects stand in the dump of each database, not in that of the accounts."""

    def privileges_in_dump(
        self, plain: Iterable[bytes], database: str, properties: Mapping[str, Any], accounts: Iterable[Account]
    ) -> tuple[DatabasePrivilege, ...]:
        """Say who may do what on one database, sorted.

        `plain` are the decoded bytes of a dump of that database in chunks of any size, read once, in memory that does
        not grow with its rows; `properties` those of the same dump's sidecar; `accounts` what `read` gave, for
        superusers and memberships (empty: only what is granted directly).
        """
