"""The least-privileged account for backups of MySQL and MariaDB.

The rule: it holds what `privileges` demands for a complete dump and no more; the password leaves as the hash that the
server keeps where the family takes one, so that no log of statements ever holds it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vya_backup.engines.mysql.flavours import Flavour, dotted
from vya_backup.engines.mysql.privileges import ON_THE_DATABASE
from vya_backup.engines.mysql.questions import literal, one, rows
from vya_backup.engines.new_account import TO_BE_CHOSEN, AccountStatements, NewAccount
from vya_backup.redaction import Secret

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vya_backup.engines.answers import Server

PRIVILEGES = (*ON_THE_DATABASE, "EXECUTE", "PROCESS")
"""EXECUTE for views that call functions, PROCESS for sessions that wait behind a dump. SELECT also reads accounts."""
EVERYWHERE = "%"


def statements(
    connection: Connection | None, server: Server, account: NewAccount, flavour: Flavour
) -> AccountStatements:
    """Return what makes the account; without a connection as if it were not there.

    A server without a version was not heard: MySQL is taken for one of today, which is nearly always right.
    """
    host = account.host or (_own_host(connection) if connection is not None else EVERYWHERE)
    who = f"{literal(account.name)}@{literal(host)}"
    require = " REQUIRE SSL" if account.over_tls else ""
    words, perhaps = [", ".join(PRIVILEGES)], []
    routines = flavour.routine_privileges[0][0]
    if server.version >= flavour.routine_privilege_since or (not server.version and flavour.name == "mysql"):
        words.append(routines)
    elif not server.version:
        perhaps.append(
            f"{flavour.title} {dotted(flavour.routine_privilege_since)} and later: GRANT {routines} ON *.* TO {who}"
        )
    return AccountStatements(
        name=who,
        exists=connection is not None and _exists(connection, account.name, host),
        create=f"CREATE USER {who} IDENTIFIED {_proof(account.password, flavour)}{require}",
        grants=tuple(f"GRANT {each} ON *.* TO {who}" for each in words),
        perhaps=tuple(perhaps),
    )


def _proof(password: Secret, flavour: Flavour) -> str:
    if not password:
        return f"BY '{TO_BE_CHOSEN}'"
    if not flavour.takes_hashes:
        return f"BY {literal(password.reveal())}"  # this family hides it in its logs by itself
    inner = hashlib.sha1(password.reveal().encode(), usedforsecurity=False).digest()
    kept = Secret(f"*{hashlib.sha1(inner, usedforsecurity=False).hexdigest().upper()}")
    return f"BY PASSWORD '{kept.reveal()}'"


def _own_host(connection: Connection) -> str:
    """Return from where the server sees us come: whoever comes from there with the account is us."""
    return str(one(connection, "SELECT USER()")).rpartition("@")[2] or EVERYWHERE


def _exists(connection: Connection, name: str, host: str) -> bool:
    question = "SELECT COUNT(*) FROM mysql.user WHERE User = :name AND Host = :host"
    return bool(rows(connection, question, name=name, host=host)[0][0])
