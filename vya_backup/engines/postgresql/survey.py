"""Asks a server what it is, which databases it has and what one of them holds.

The rule: an answer that could not be had is an error, never an empty list.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from vya_backup.decisions.metadata import Needs
from vya_backup.engines.answers import FoundDatabase, Gap, Server, Survey
from vya_backup.engines.postgresql import encodings, entries, inventory, properties
from vya_backup.engines.postgresql.properties import identifier, literal

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from vya_backup.decisions.manifest import Objects

SYSTEM = frozenset({"postgres", "template0", "template1"})


_SERVER = """SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS release,
    pg_is_in_recovery() AS is_replica, current_setting('is_superuser') AS superuser, current_user AS account,
    current_setting('wal_level') AS wal_level, current_setting('archive_mode') AS archive_mode,
    (SELECT concat_ws(' ', s.version, s.cipher) FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid() AND s.ssl) AS tls,
    (SELECT count(*) FROM pg_stat_replication) AS standbys"""
_DATABASES = """SELECT d.datname, d.datallowconn, d.datconnlimit,
    CASE WHEN d.datallowconn AND d.datconnlimit <> -2 AND has_database_privilege(d.oid, 'CONNECT')
        THEN pg_database_size(d.oid) END AS size_bytes FROM pg_database d ORDER BY d.datname"""
# What pg_shdepend does not note is what the superuser of initdb owns, because it can never be dropped.
_ROLES = """SELECT pg_get_userbyid(s.refobjid) FROM pg_shdepend s JOIN pg_database d ON d.datname = current_database()
    WHERE s.refclassid = 'pg_authid'::regclass
        AND (s.dbid = d.oid OR s.dbid = 0 AND s.classid = 'pg_database'::regclass AND s.objid = d.oid)
    UNION SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()
    UNION SELECT pg_get_userbyid(s.setrole) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
        WHERE d.datname = current_database() AND s.setrole <> 0
    UNION SELECT rolname FROM pg_roles WHERE oid = 10 AND (
        EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relowner = 10 AND c.oid >= 16384 AND n.nspname !~ '^pg_')
        OR EXISTS (SELECT FROM pg_proc WHERE proowner = 10 AND oid >= 16384)
        OR EXISTS (SELECT FROM pg_type WHERE typowner = 10 AND oid >= 16384)
        OR EXISTS (SELECT FROM pg_namespace WHERE nspowner = 10 AND oid >= 16384 AND nspname !~ '^pg_'))
    ORDER BY 1"""


def server(connection: Connection) -> Server:
    """Ask the server what it is."""
    row = connection.exec_driver_sql(_SERVER).one()
    return Server(
        flavour="postgresql",
        version=(row.number // 10000, row.number % 10000),
        banner=f"PostgreSQL {row.release}",
        tls=row.tls or "",
        is_replica=row.is_replica,
        facts={
            "account": f"{row.account} ({'superuser' if row.superuser == 'on' else 'no superuser'})",
            **({"standbys connected": str(row.standbys)} if row.standbys else {}),
        },
    )


def databases(connection: Connection) -> tuple[FoundDatabase, ...]:
    """List every database; those that take no connections carry the reason."""
    return tuple(
        FoundDatabase(row.datname, row.size_bytes, row.datname in SYSTEM, _problem(row))
        for row in connection.exec_driver_sql(_DATABASES)
    )


def survey(connection: Connection, of: Server) -> Survey:
    """Ask what the connection's database holds."""
    with encodings.named(connection) as readable:
        return Survey(
            objects=objects(connection, of, readable),
            properties=properties.record(connection),
            needs=Needs(
                server_version=of.version,
                flavour=of.flavour,
                roles=tuple(role for (role,) in connection.exec_driver_sql(_ROLES)),
                extensions=tuple(name for name, _ in connection.exec_driver_sql(inventory.QUESTIONS["EXTENSION"])),
            ),
            gaps=gaps(connection, of),
            size_bytes=connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one(),
        )


def objects(connection: Connection, of: Server, readable: encodings.Names) -> Objects:
    """Return the sorted names by kind, as far as this account's dump holds them."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for kind, question in inventory.questions(of.version, superuser=is_superuser(connection)).items():
        for name, schema in connection.exec_driver_sql(question):
            entry = entries.entry(kind, readable(name), readable(schema))
            if entry.counts:
                found[entry.kind].add(entry.name)
    return {kind: tuple(sorted(names)) for kind, names in sorted(found.items())}


def is_superuser(connection: Connection) -> bool:
    """Say whether the account is a superuser."""
    return bool(connection.exec_driver_sql("SELECT current_setting('is_superuser') = 'on'").scalar_one())


def gaps(connection: Connection, of: Server) -> tuple[Gap, ...]:
    """Return what the dump will not hold."""
    found: list[Gap] = _builtin_languages(connection)
    if of.is_replica:
        found += _unlogged(connection)
    if not is_superuser(connection):
        found += _subscriptions(connection) + _user_mappings(connection)
    return tuple(found)


def _problem(row: Row[tuple[object, ...]]) -> str:
    if row.datconnlimit == -2:
        return "it is invalid: a DROP DATABASE was interrupted; drop it again"
    if not row.datallowconn:
        return f"it accepts no connections (ALTER DATABASE {identifier(row.datname)} ALLOW_CONNECTIONS true)"
    return ""


def _unlogged(connection: Connection) -> list[Gap]:
    question = r"""SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND c.relpersistence = 'u' ORDER BY 1"""
    return [
        Gap("table", name, "the rows of an unlogged table do not exist on a standby", "Dump from the primary.")
        for (name,) in connection.exec_driver_sql(question)
    ]


def _builtin_languages(connection: Connection) -> list[Gap]:
    question = "SELECT lanname, lanacl::text FROM pg_language WHERE oid < 16384 AND lanacl IS NOT NULL ORDER BY 1"
    return [
        Gap(
            "language",
            name,
            "pg_dump leaves out what was granted or revoked on a built-in language",
            f"After a restore, grant on it again what it had: {acl}",
        )
        for name, acl in connection.exec_driver_sql(question)
    ]


def _subscriptions(connection: Connection) -> list[Gap]:
    return [
        Gap("subscription", name, "pg_dump writes subscriptions only for a superuser", "Dump as a superuser.")
        for name, _ in connection.exec_driver_sql(inventory.SUBSCRIPTIONS)
    ]


def _user_mappings(connection: Connection) -> list[Gap]:
    question = """SELECT m.usename || ' on ' || m.srvname, m.srvname FROM pg_user_mappings m
        WHERE m.umoptions IS NULL AND m.usename <> current_user ORDER BY 1"""
    return [
        Gap(
            "user mapping",
            name,
            "its options (user, password) may be hidden from this account",
            f"Dump as a superuser or as the owner of the server {literal(server_name)}.",
        )
        for name, server_name in connection.exec_driver_sql(question)
    ]
