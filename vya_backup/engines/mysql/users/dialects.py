"""What is different about accounts in MySQL and in MariaDB, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vya_backup.decisions.accounts import AccountName
from vya_backup.engines.mysql.questions import identifier, literal

PUBLIC = AccountName("PUBLIC")
"""What every account of a MariaDB (10.11 and later) has; there always is one."""


@dataclass(frozen=True)
class Dialect:
    """The words of one family."""

    built_in: frozenset[AccountName]
    """Made by the server itself: never dumped."""
    roles_have_hosts: bool
    """MySQL's roles are accounts like others, only locked; MariaDB's are of their own kind."""
    dynamic_privileges: bool
    """Whether a privilege with `_` in its name is granted by itself, its grant option too."""
    default_role_for: str
    """The word between the roles and the account in SET DEFAULT ROLE."""
    no_password: str
    """How ALTER USER says that there is no password; behind the plugin where that is named."""
    limits: tuple[str, ...]
    """What stands behind WITH; each has no effect at 0."""
    installable: Mapping[str, str]
    """The library of each login plugin that a private server can load by its name."""

    def account(self, name: AccountName) -> str:
        """Return how a statement names an account."""
        if name.host or self.roles_have_hosts:
            return f"{_quoted(name.user)}@{_quoted(name.host)}"
        return PUBLIC.user if name == PUBLIC else _quoted(name.user)


def _quoted(name: str) -> str:
    """Quote a part of a name; line breaks are escaped, of which the clients would lose some."""
    if name.isprintable():
        return identifier(name)
    return literal(name).replace("\r", "\\r").replace("\n", "\\n")


_LIMITS = ("MAX_QUERIES_PER_HOUR", "MAX_UPDATES_PER_HOUR", "MAX_CONNECTIONS_PER_HOUR", "MAX_USER_CONNECTIONS")
MYSQL = Dialect(
    built_in=frozenset(AccountName(f"mysql.{name}", "localhost") for name in ("sys", "session", "infoschema")),
    roles_have_hosts=True,
    dynamic_privileges=True,
    default_role_for="TO",
    no_password="AS ''",  # noqa: S106  without it the password would be taken for expired
    limits=_LIMITS,
    installable={},
)
MARIADB = Dialect(
    built_in=frozenset({AccountName("mariadb.sys", "localhost")}),
    roles_have_hosts=False,
    dynamic_privileges=False,
    default_role_for="FOR",
    no_password="IDENTIFIED VIA mysql_native_password USING ''",  # noqa: S106
    limits=(*_LIMITS, "MAX_STATEMENT_TIME"),
    installable={"ed25519": "auth_ed25519", "pam": "auth_pam", "gssapi": "auth_gssapi", "parsec": "auth_parsec"},
)
DIALECTS = {"mysql": MYSQL, "mariadb": MARIADB}
