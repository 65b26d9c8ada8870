"""What an instance's `@users` needs beyond an engine: accounts read out of a dump, compared, and made equal.

Such an engine dumps, observes and counts like any other, and knows one database only. Its dump is plain SQL that the
vendor's client takes; what it says of accounts is a value of `decisions.accounts`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

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
