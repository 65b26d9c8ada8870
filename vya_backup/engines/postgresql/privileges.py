"""Proves that the account may read all that a dump reads, before any count is believed.

The rule: the server itself is asked (`has_*_privilege`, `row_security_active`), so roles, inheritance and PUBLIC are
judged as it judges them; each refusal comes with the statement that mends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vya_backup.engines.answers import MissingPrivilege
from vya_backup.engines.postgresql.inventory import own
from vya_backup.engines.postgresql.properties import identifier

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SHOWN = 5
_USER_SCHEMA = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"

_SCHEMAS = f"""SELECT n.nspname FROM pg_namespace n WHERE {_USER_SCHEMA} AND NOT has_schema_privilege(n.oid, 'USAGE')
    AND EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'S')) ORDER BY 1"""
# CASE keeps the planner from asking has_sequence_privilege about tables, which is an error.
_UNREADABLE = f"""SELECT n.nspname, o.relname, o.relkind = 'S' FROM pg_class o
    JOIN pg_namespace n ON n.oid = o.relnamespace
    WHERE {_USER_SCHEMA} AND o.relkind IN ('r', 'p', 'S') AND {own("pg_class")}
    AND NOT CASE o.relkind WHEN 'S' THEN has_sequence_privilege(o.oid, 'SELECT')
        ELSE has_table_privilege(o.oid, 'SELECT') END
    ORDER BY 1, 2"""
_FILTERED = f"""SELECT n.nspname, o.relname FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace
    WHERE {_USER_SCHEMA} AND o.relkind = 'r' AND row_security_active(o.oid) ORDER BY 1, 2"""
_LARGE_OBJECTS = """SELECT l.oid FROM pg_largeobject_metadata l
    WHERE NOT pg_has_role(l.lomowner, 'USAGE') AND NOT EXISTS (SELECT FROM aclexplode(l.lomacl) a
        WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE'))) ORDER BY 1"""
_SUPERUSER = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"


def missing(connection: Connection) -> tuple[MissingPrivilege, ...]:
    """Return what the account may not read of the connection's database."""
    if connection.exec_driver_sql(_SUPERUSER).scalar_one():
        return ()
    account = identifier(connection.exec_driver_sql("SELECT current_user").scalar_one())
    return (
        *_schemas(connection, account),
        *_relations(connection, account),
        *_row_security(connection, account),
        *_large_objects(connection, account),
    )


def _schemas(connection: Connection, account: str) -> Iterator[MissingPrivilege]:
    for (schema,) in connection.exec_driver_sql(_SCHEMAS):
        yield MissingPrivilege(
            f"USAGE on schema {schema}",
            "its tables cannot be read without it",
            f"GRANT USAGE ON SCHEMA {identifier(schema)} TO {account};",
        )


def _relations(connection: Connection, account: str) -> Iterator[MissingPrivilege]:
    unreadable: dict[tuple[str, bool], list[str]] = {}
    for schema, name, is_sequence in connection.exec_driver_sql(_UNREADABLE):
        unreadable.setdefault((schema, is_sequence), []).append(name)
    for (schema, is_sequence), names in unreadable.items():
        what = "SEQUENCES" if is_sequence else "TABLES"
        yield MissingPrivilege(
            f"SELECT on {len(names)} {what.lower()} of schema {schema}: {_some(names)}",
            "pg_dump stops at what it cannot read",
            f"GRANT SELECT ON ALL {what} IN SCHEMA {identifier(schema)} TO {account};",
        )


def _row_security(connection: Connection, account: str) -> Iterator[MissingPrivilege]:
    tables = [f"{schema}.{name}" for schema, name in connection.exec_driver_sql(_FILTERED)]
    if tables:
        yield MissingPrivilege(
            f"BYPASSRLS for {len(tables)} tables with row security: {_some(tables)}",
            "policies would hide rows from the dump, so pg_dump refuses",
            f"ALTER ROLE {account} BYPASSRLS;",
        )


def _large_objects(connection: Connection, account: str) -> Iterator[MissingPrivilege]:
    numbers = [str(number) for (number,) in connection.exec_driver_sql(_LARGE_OBJECTS)]
    if numbers:
        yield MissingPrivilege(
            f"SELECT on {len(numbers)} large objects: {_some(numbers)}",
            "pg_dump stops at what it cannot read",
            f"GRANT SELECT ON LARGE OBJECT {', '.join(numbers)} TO {account};",
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
