"""Says what stands against loading a dump into a server, before its first byte is read.

The rule: a blocker is something that would end the restore half-way or lose something for good; all else is a notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vya_backup.engines.answers import Finding
from vya_backup.engines.postgresql.properties import identifier
from vya_backup.engines.postgresql.survey import SYSTEM

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vya_backup.engines.contract import RestoreRequest

DROP_SLOTS = "drop-slots"
WORDS = {
    DROP_SLOTS: "drop the replication slots of the old database together with it; their consumers lose their place"
}

# The first minor release of each major whose psql knows \restrict (CVE-2025-8714); later majors all do.
_KNOWS_RESTRICT = {13: 22, 14: 19, 15: 14, 16: 10, 17: 6}
_SUPERUSER_KINDS = ("event trigger", "subscription", "access method", "foreign data wrapper", "text search parser")
_NAMES_PER_MESSAGE = 10
NAME_BYTES = 63


def check(connection: Connection, request: RestoreRequest) -> tuple[Finding, ...]:
    """Return every finding; `connection` is open on the maintenance database of the target's server."""
    seen = (finding for part in (_missing, _account, _existing, _followers) for finding in part(connection, request))
    return (*check_name(request), *check_client(request), *check_server(request), *seen)


def check_name(request: RestoreRequest) -> Iterator[Finding]:
    """Say what stands against the name of the target."""
    name, remedy = request.database, "Say another name with --to."
    if name in SYSTEM:
        yield Finding(True, f"{name} is the server's own database, which every new one or login depends on", remedy)
    if (length := len(name.encode())) > NAME_BYTES:
        yield Finding(True, f"the name has {length} bytes, and PostgreSQL would cut it to {NAME_BYTES}", remedy)


def knows_restrict(version: tuple[int, ...]) -> bool:
    r"""Say whether a psql or pg_dump of this version knows `\restrict`."""
    return version[:1] >= (18,) or version[1:2] >= (_KNOWS_RESTRICT.get(version[0], 1 << 30),)


def check_client(request: RestoreRequest) -> Iterator[Finding]:
    """Say what stands against the psql that was found."""
    if request.client is None:
        yield Finding(
            True, "psql is not installed here", "Install the PostgreSQL client, for example postgresql-client."
        )
        return
    needed = request.needs.client_version
    if needed and knows_restrict(needed) and not knows_restrict(request.client.version):
        yield Finding(
            True,
            rf"{request.client.path} is too old for this dump: it does not know \restrict",
            "Install psql 13.22, 14.19, 15.14, 16.10, 17.6 or any later version.",
        )


def check_server(request: RestoreRequest) -> Iterator[Finding]:
    """Say what the target server is not, or is too old, to take."""
    if request.server.is_replica:
        yield Finding(True, "the target server is a standby and cannot be written to", "Restore on its primary.")
    dumped, own = request.needs.server_version, request.server.version
    if dumped and own[:1] < dumped[:1]:
        yield Finding(
            False,
            f"the dump comes from PostgreSQL {dumped[0]}, the target is {own[0]}; what only the newer knows is refused",
        )
    if request.needs.client_version[:1] > own[:1] and request.manifest.count("subscription"):
        yield Finding(
            True,
            f"the subscriptions in this dump were written by pg_dump {request.needs.client_version[0]} with words that"
            f" PostgreSQL {own[0]} does not know",
            f"Restore on PostgreSQL {request.needs.client_version[0]}; dump with the server's own client from now on.",
        )
    first = {"icu": 15, "builtin": 17}.get(request.properties.get("provider", ""), 0)
    if own[:1] < (first,):
        provider = request.properties["provider"]
        yield Finding(
            True,
            f"the database has the locale provider {provider}, which PostgreSQL {own[0]} does not know",
            f"Restore on PostgreSQL {first} or later.",
        )


def _missing(connection: Connection, request: RestoreRequest) -> Iterator[Finding]:
    roles = _absent(connection, "SELECT rolname FROM pg_roles", request.needs.roles)
    if roles:
        yield Finding(
            True,
            f"{_listed('role', roles)} that own or may use objects of the dump do not exist on the target",
            "Restore the accounts first (INSTANCE/@users), or: "
            + " ".join(f"CREATE ROLE {identifier(role)};" for role in roles),
            tuple(roles),
        )
    extensions = _absent(connection, "SELECT name FROM pg_available_extensions", request.needs.extensions)
    if extensions:
        yield Finding(
            True,
            f"{_listed('extension', extensions)} of the dump not available on the target server",
            f"Install the packages that bring {', '.join(extensions)} on the server's host.",
        )
    tablespaces = _absent(
        connection, "SELECT spcname FROM pg_tablespace", tuple(request.properties.get("tablespaces", ()))
    )
    if tablespaces:
        yield Finding(
            True,
            f"{_listed('tablespace', tablespaces)} of the dump do not exist on the target",
            " ".join(f"CREATE TABLESPACE {identifier(name)} LOCATION '…';" for name in tablespaces),
        )


def _account(connection: Connection, request: RestoreRequest) -> Iterator[Finding]:
    account = connection.exec_driver_sql(
        "SELECT rolname, rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    ).one()
    if account.rolsuper:
        yield from _trust(connection, request, account.rolname)
        return
    if not account.rolcreatedb:
        yield Finding(
            True,
            f"the account {account.rolname} may not create databases",
            f"ALTER ROLE {identifier(account.rolname)} CREATEDB;",
        )
    yield from _superuser_content(connection, request, account.rolname)
    foreign = [row.rolname for row in _asked(connection, _NOT_MEMBER, roles=list(request.needs.roles))]
    if foreign:
        yield Finding(
            True,
            f"the account {account.rolname} may not make {_listed('role', foreign)} the owner of anything",
            " ".join(f"GRANT {identifier(role)} TO {identifier(account.rolname)};" for role in foreign),
        )


_NOT_MEMBER = "SELECT rolname FROM pg_roles WHERE rolname = ANY (:roles) AND NOT pg_has_role(oid, 'MEMBER') ORDER BY 1"
_UNTRUSTED = """SELECT name FROM pg_available_extension_versions WHERE name = ANY (:names)
    GROUP BY name HAVING bool_and(superuser AND NOT trusted) ORDER BY 1"""


def _superuser_content(connection: Connection, request: RestoreRequest, account: str) -> Iterator[Finding]:
    kinds = [kind for kind in _SUPERUSER_KINDS if request.manifest.count(kind)]
    extensions = [row.name for row in _asked(connection, _UNTRUSTED, names=list(request.needs.extensions))]
    what = [
        *(f"{request.manifest.count(kind)} {kind}" for kind in kinds),
        *(f"extension {name}" for name in extensions),
    ]
    if what:
        yield Finding(
            True,
            f"{account} is no superuser, and only one can create {', '.join(what[:_NAMES_PER_MESSAGE])} of the dump",
            "Restore with a superuser's account: an entry with purpose: restore in the credentials file.",
        )


def _trust(connection: Connection, request: RestoreRequest, account: str) -> Iterator[Finding]:
    owner = request.properties.get("owner", "")
    rows = _asked(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = :owner", owner=owner)
    if rows and not rows[0].rolsuper:
        yield Finding(
            False,
            f"{account} is a superuser: what the users of this database wrote runs with its rights on loading",
            "Restore as the owner where the content allows it, and never a dump that you do not trust.",
        )


_EXISTING = """SELECT pg_size_pretty(pg_database_size(d.oid)) AS size,
    (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND a.backend_type = 'client backend') AS sessions,
    ARRAY (SELECT s.slot_name::text FROM pg_replication_slots s WHERE s.database = d.datname ORDER BY 1) AS slots,
    ARRAY (SELECT s.subname::text FROM pg_subscription s WHERE s.subdbid = d.oid ORDER BY 1) AS subscriptions,
    ARRAY (SELECT p.gid FROM pg_prepared_xacts p WHERE p.database = d.datname ORDER BY 1) AS prepared
    FROM pg_database d WHERE d.datname = :name"""


def _existing(connection: Connection, request: RestoreRequest) -> Iterator[Finding]:
    for old in _asked(connection, _EXISTING, name=request.database):
        yield Finding(False, f"the old database {request.database} ({old.size}) stays until the new one stands")
        if old.sessions:
            yield Finding(False, f"{old.sessions} sessions on {request.database} will be ended for the swap")
        if old.slots and DROP_SLOTS not in request.allow:
            yield Finding(
                True,
                f"{request.database} has {_listed('replication slot', old.slots)}, which would be lost with it",
                "Say --drop-slots when nobody reads from them any more.",
            )
        if old.subscriptions:
            yield Finding(
                True,
                f"{request.database} has {_listed('subscription', old.subscriptions)}, and so cannot be dropped",
                " ".join(f"DROP SUBSCRIPTION {identifier(name)};" for name in old.subscriptions),
            )
        if old.prepared:
            yield Finding(
                True,
                f"{request.database} has {_listed('prepared transaction', old.prepared)}, and so cannot be renamed",
                "COMMIT PREPARED or ROLLBACK PREPARED each of them.",
            )


def _followers(connection: Connection, request: RestoreRequest) -> Iterator[Finding]:
    standbys = connection.exec_driver_sql("SELECT count(*) FROM pg_stat_replication").scalar_one()
    if standbys:
        yield Finding(False, f"{standbys} standbys follow this server and will hold the restored database too")


def _absent(connection: Connection, question: str, names: tuple[str, ...]) -> list[str]:
    present = {name for (name,) in connection.exec_driver_sql(question)} if names else set()
    return [name for name in names if name not in present]


def _asked(connection: Connection, question: str, **values: Any) -> list[Any]:
    from sqlalchemy import text

    return list(connection.execute(text(question), values).all())


def _listed(noun: str, names: list[str]) -> str:
    shown = ", ".join(names[:_NAMES_PER_MESSAGE]) + (", …" if len(names) > _NAMES_PER_MESSAGE else "")
    return f"the {noun}{'s' if len(names) > 1 else ''} {shown}"
