"""Describes a private PostgreSQL for one drill, and what a dump needs there that is no part of it.

The rule: it is reached through its socket alone and speaks to nobody; durability is off, since nothing in it is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vya_backup.engines.commands import Command
from vya_backup.engines.contract import Access
from vya_backup.engines.postgresql.properties import identifier
from vya_backup.engines.throwaway import Site, Throwaway
from vya_backup.settings.model import Instance

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vya_backup.engines.contract import RestoreRequest

SUPERUSER = "postgres"
_SETTINGS = {
    "listen_addresses": "",
    "logging_collector": "off",
    "log_min_messages": "fatal",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "autovacuum": "off",
    "max_locks_per_transaction": "256",
    "max_connections": "20",
}
# Our own sessions search no schema. An application's search what `ALTER DATABASE SET` says, else the server's default.
BEFORE_ASSERTIONS = (
    r"""SELECT pg_catalog.set_config('search_path', coalesce((
        SELECT substr(item, length('search_path=') + 1) FROM pg_catalog.pg_db_role_setting, unnest(setconfig) AS item
        WHERE setrole = 0 AND item LIKE 'search\_path=%'
        AND setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    ), '"$user", public'), false)""",
)
_FOLDERS = ("bin", "lib", "lib64", "share", "libexec")


def throwaway(site: Site, superuser: str = SUPERUSER) -> Throwaway:
    """Describe the server, with the one account that it is made with."""
    data, run = site.folder / "data", site.folder
    program = site.program.path
    initdb = (
        *(str(program.with_name("initdb")), "-D", str(data), "-U", superuser),
        *("-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"),
    )
    settings = {**_SETTINGS, "unix_socket_directories": str(run)}
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Throwaway(
        access=Access(Instance(id="drill", type="postgresql", socket=run), superuser),
        database=site.database,
        make=(Command(initdb),),
        serve=Command((str(program), "-D", str(data), *words)),
        shows=tuple(program.resolve().parent.parent / name for name in _FOLDERS),
    )


def stubs(connection: Connection, request: RestoreRequest) -> tuple[str, ...]:
    """Return roles without rights and tablespaces inside the data folder."""
    roles = {name for (name,) in connection.exec_driver_sql("SELECT rolname FROM pg_roles")}
    spaces = {name for (name,) in connection.exec_driver_sql("SELECT spcname FROM pg_tablespace")}
    wanted = [name for name in request.properties.get("tablespaces", ()) if name not in spaces]
    in_place = ["SET allow_in_place_tablespaces = on"] if wanted else []
    return (
        *(f"CREATE ROLE {identifier(role)}" for role in request.needs.roles if role not in roles),
        *in_place,
        *(f"CREATE TABLESPACE {identifier(name)} LOCATION ''" for name in wanted),
    )


def objections(connection: Connection) -> tuple[str, ...]:
    """Return why a server that others use must not run a drill with this account."""
    account = connection.exec_driver_sql("SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user").one()
    if not account.rolsuper:
        return ()
    return (f"its account {account.rolname} is a superuser, with whose rights the code in a dump would run",)


def drop(database: str) -> tuple[str, ...]:
    """Return what removes a restored database."""
    return ("SET statement_timeout = 0", f"DROP DATABASE IF EXISTS {identifier(database)} WITH (FORCE)")
