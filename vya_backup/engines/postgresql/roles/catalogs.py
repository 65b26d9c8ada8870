"""Asks a server for its roles and writes them as pg_dumpall would; and the part of a dump that pg_dumpall leaves out.

The rule: the answers go through the same reader as a dump, so that both are compared in the same words.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vya_backup.engines.postgresql.properties import assignment, identifier, literal
from vya_backup.engines.postgresql.roles.reading import END, END_OF_ROLES, About, Read, read
from vya_backup.engines.postgresql.roles.statements import FLAGS, UNLIMITED, Membership
from vya_backup.engines.postgresql.roles.writing import granted

if TYPE_CHECKING:
    from sqlalchemy import Connection

_PLAIN = {"no_parameters": True}
_ABOUT = """SELECT pg_get_userbyid(10) AS bootstrap,
    has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS passwords"""
_ROLES = """SELECT r.rolname AS name, {columns}, r.rolconnlimit AS connections, r.rolvaliduntil::text AS valid_until,
    shobj_description(r.oid, 'pg_authid') AS comment, {password} AS password
    FROM pg_catalog.{table} r WHERE r.rolname !~ '^pg_' ORDER BY r.rolname COLLATE "C" """
_COLUMNS = {"superuser": "super", "login": "canlogin"}
_LABELS = """SELECT r.rolname, s.provider, s.label FROM pg_shseclabel s JOIN pg_roles r ON r.oid = s.objoid
    WHERE s.classoid = 'pg_authid'::regclass AND r.rolname !~ '^pg_' ORDER BY r.rolname COLLATE "C", 2"""
_MEMBERSHIPS = """SELECT r.rolname AS role, m.rolname AS member, g.rolname AS grantor, to_jsonb(a) AS fields
    FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
    LEFT JOIN pg_roles g ON g.oid = a.grantor
    WHERE NOT (r.rolname ~ '^pg_' AND m.rolname ~ '^pg_') ORDER BY 1, 2, 3"""
_SETTINGS = """SELECT r.rolname AS role, d.datname AS database, unnest(s.setconfig) AS value
    FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
    LEFT JOIN pg_database d ON d.oid = s.setdatabase
    WHERE r.rolname !~ '^pg_' AND (s.setdatabase <> 0) = {within}
    ORDER BY r.rolname COLLATE "C", d.datname COLLATE "C" """
OF_ALL = """SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole = 0 AND setdatabase = 0"""


def asked(connection: Connection, *, passwords: bool) -> Read:
    """Return the server's accounts as a dump of this moment would tell them; `passwords` only where they are needed."""
    about = about_server(connection)
    wanted = passwords and about.passwords
    text = ";\n".join([*_statements(connection, passwords=wanted), ""])
    told = About(about.bootstrap, passwords=wanted)
    return read("\n".join((text, END_OF_ROLES, told.line(), END)))


def about_server(connection: Connection) -> About:
    """Return what pg_dumpall does not tell of a server."""
    row = connection.exec_driver_sql(_ABOUT).one()
    return About(row.bootstrap, row.passwords)


def settings_part(connection: Connection) -> str:
    """Return the part of a dump that pg_dumpall does not write: settings of roles in databases, and of every role."""
    lines = [
        "--\n-- Settings of roles in databases: a database must be there before\n--\n",
        about_server(connection).line(),
        "",
        *(f"{one};" for one in _within_databases(connection)),
        *(f"ALTER ROLE ALL SET {assignment(value)};" for value in of_all(connection)),
        "",
        END,
        "",
    ]
    return "\n".join(lines)


def of_all(connection: Connection) -> list[str]:
    """Return the settings of every role, `name=value`."""
    return sorted(value for (value,) in connection.exec_driver_sql(OF_ALL))


def databases_of_settings(connection: Connection) -> list[str]:
    """Return the databases that the settings of roles are for."""
    return sorted({row.database for row in connection.exec_driver_sql(_SETTINGS.format(within="true"))})


def _statements(connection: Connection, *, passwords: bool) -> Iterator[str]:
    columns = ", ".join(f"r.rol{_COLUMNS.get(name, name)} AS {identifier(name)}" for name in FLAGS)
    table, password = ("pg_authid", "r.rolpassword") if passwords else ("pg_roles", "NULL::text")
    for row in connection.exec_driver_sql(_ROLES.format(columns=columns, table=table, password=password)).mappings():
        yield from _role(row)
    for role, provider, label in connection.exec_driver_sql(_LABELS):
        yield f"SECURITY LABEL FOR {identifier(provider)} ON ROLE {identifier(role)} IS {literal(label)}"
    for role, _, value in connection.exec_driver_sql(_SETTINGS.format(within="false")):
        yield f"ALTER ROLE {identifier(role)} SET {assignment(value)}"
    for role, member, grantor, fields in connection.exec_driver_sql(_MEMBERSHIPS):
        options = (fields["admin_option"], fields.get("inherit_option"), fields.get("set_option"))
        yield granted(Membership(role, member, *options, grantor or ""))
    yield from _within_databases(connection)


def _role(row: Any) -> Iterator[str]:
    name = identifier(row["name"])
    yield f"CREATE ROLE {name}"
    words = [flag.upper() if row[flag] else f"NO{flag.upper()}" for flag in FLAGS]
    words += [f"CONNECTION LIMIT {row['connections']}"] if row["connections"] != UNLIMITED else []
    words += [f"PASSWORD {literal(row['password'])}"] if row["password"] is not None else []
    words += [f"VALID UNTIL {literal(row['valid_until'])}"] if row["valid_until"] is not None else []
    yield f"ALTER ROLE {name} WITH {' '.join(words)}"
    if row["comment"]:
        yield f"COMMENT ON ROLE {name} IS {literal(row['comment'])}"


def _within_databases(connection: Connection) -> Iterator[str]:
    for role, database, value in connection.exec_driver_sql(_SETTINGS.format(within="true")):
        yield f"ALTER ROLE {identifier(role)} IN DATABASE {identifier(database)} SET {assignment(value)}"
