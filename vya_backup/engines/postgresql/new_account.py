"""The least-privileged role for backups of PostgreSQL: it reads all data, past row security, and owns nothing.

The rule: the password is sent as the SCRAM verifier that the server keeps (RFC 5803), so that no log ever holds it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from typing import TYPE_CHECKING

from vya_backup.engines.new_account import TO_BE_CHOSEN, AccountStatements, NewAccount
from vya_backup.engines.postgresql.properties import identifier
from vya_backup.errors import PrivilegeMissing
from vya_backup.redaction import Secret

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vya_backup.engines.answers import Server

OLDEST = (14,)
READER = "pg_read_all_data"
ITERATIONS = 4096
SALT_BYTES = 16
_CLOSED = """SELECT d.datname FROM pg_database d WHERE d.datallowconn AND NOT EXISTS (
    SELECT FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
    WHERE a.grantee = 0 AND a.privilege_type = 'CONNECT') ORDER BY 1"""


def statements(connection: Connection | None, server: Server, account: NewAccount) -> AccountStatements:
    """Return what makes the role; without a connection as if it were not there and every database were open to all.

    Raises:
        PrivilegeMissing: the server is older than the role that reads all data.
    """
    if server.version and server.version < OLDEST:
        raise PrivilegeMissing(
            f"PostgreSQL {server.version[0]} has no role {READER}, which reads everything",
            "Make the account by hand, with SELECT on every table and sequence, and say --existing-account.",
        )
    who = identifier(account.name)
    closed = _asked(connection, _CLOSED) if connection is not None else ()
    taken = _asked(connection, "SELECT rolname FROM pg_roles") if connection is not None else ()
    return AccountStatements(
        name=who,
        exists=account.name in taken,
        create=f"CREATE ROLE {who} LOGIN BYPASSRLS PASSWORD '{_verifier(account.password)}' IN ROLE {READER}",
        grants=tuple(f"GRANT CONNECT ON DATABASE {identifier(name)} TO {who}" for name in closed),
    )


def _asked(connection: Connection, question: str) -> tuple[str, ...]:
    return tuple(str(name) for (name,) in connection.exec_driver_sql(question))


def _verifier(password: Secret) -> str:
    """Return `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY`; the password is plain ASCII."""
    if not password:
        return TO_BE_CHOSEN
    salt = os.urandom(SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.reveal().encode(), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    parts = (base64.b64encode(part).decode() for part in (salt, stored, hmac.digest(salted, b"Server Key", "sha256")))
    return Secret("SCRAM-SHA-256${}:{}${}:{}".format(ITERATIONS, *parts)).reveal()
