"""The account that backups are made with: what an engine is told of it, and what the engine answers.

What it must be allowed stands in each engine's own folder, beside the questions that prove it (`missing_privileges`).
"""

from __future__ import annotations

from dataclasses import dataclass

from vya_backup.redaction import Secret

TO_BE_CHOSEN = "…"
"""Stands in statements for a password that an administrator has yet to choose."""


@dataclass(frozen=True)
class NewAccount:
    """An account that shall read everything and change nothing."""

    name: str
    password: Secret
    """Letters and digits; empty: whoever runs the statements chooses one."""
    host: str = ""
    """From where it may come (MySQL, MariaDB); empty: from where the connection comes; without one, from everywhere."""
    over_tls: bool = False
    """Whether it may come over TLS only."""


@dataclass(frozen=True)
class AccountStatements:
    """What makes the account, in this order; what follows `create` may be run again, and changes nothing then."""

    name: str
    """As the server spells it: `'backup'@'localhost'`."""
    exists: bool
    create: str
    grants: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    """Statements that some versions of a server that was not asked would need, each behind the words that say which."""

    @property
    def all(self) -> tuple[str, ...]:
        """Return the statements that are still to be run."""
        return self.grants if self.exists else (self.create, *self.grants)
