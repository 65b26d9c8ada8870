"""Describes a restore: into a staging database beside the old one, compared, then swapped in by two renames.

The rule: until the swap nothing of the old database is touched, and every step before it can be taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vya_backup.engines.commands import Command
from vya_backup.engines.postgresql import connection, properties
from vya_backup.engines.postgresql.properties import identifier, literal
from vya_backup.engines.postgresql.stream import OBJECTS
from vya_backup.engines.postgresql.target import DROP_SLOTS, knows_restrict
from vya_backup.engines.steps import Ask, Compare, Load, PointOfNoReturn, Sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vya_backup.engines.contract import RestoreRequest
    from vya_backup.engines.steps import Step, Steps
    from vya_backup.engines.tools import Client

# What pg_dump sets at the top of every dump, for servers that would refuse one of its lines.
_DUMP_SETTINGS = {"check_function_bodies": "off", "xmloption": "content"}
# A crash loses the staging database anyway, and the commit of the swap makes durable all that came before it.
_LOAD_SETTINGS = {"synchronous_commit": "off"}
NO_TIMEOUT = "SET statement_timeout = 0"  # creating and dropping take as long as the disk needs

RESTRICT = ("-c", r"\restrict vya")
# A database with a subscription cannot be dropped; in staging none has ever been connected to its publisher.
FORGET_SUBSCRIPTIONS = """DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT s.subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
        WHERE d.datname = current_database() LOOP
    EXECUTE format('ALTER SUBSCRIPTION %I DISABLE', found.subname);
    EXECUTE format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', found.subname);
    EXECUTE format('DROP SUBSCRIPTION %I', found.subname);
END LOOP; END $$"""


def steps(request: RestoreRequest) -> Steps:
    """Yield the steps; a target that exists is retired by the swap and dropped only after it."""
    yield from _stage(request)
    yield Compare(f"compare {request.staging} with the manifest", request.staging)
    statements = properties.apply(request.staging, request.properties)
    if statements:
        yield Sql("apply the database's own settings, grants and comment", statements)
    if (yield Ask("see whether the target exists", lambda asked: exists(asked, request.database))):
        yield from _swap(request)
        yield from _drop_retired(request)
    else:
        yield from _rename(request)


def exists(asked: Connection, name: str) -> bool:
    """Say whether the server has a database of this name."""
    from sqlalchemy import text

    found = asked.execute(text("SELECT EXISTS (SELECT FROM pg_database WHERE datname = :name)"), {"name": name})
    return bool(found.scalar_one())


def _stage(request: RestoreRequest) -> Steps:
    create = properties.create(request.staging, request.properties, request.server.version)
    yield Sql(f"create {request.staging} from template0", (NO_TIMEOUT, create), undo=_unstage(request))
    if not request.properties.get("has_public_schema", True):
        yield Sql("drop the schema public, as in the original", ("DROP SCHEMA public",), database=request.staging)
    yield _load(request)


def _unstage(request: RestoreRequest) -> tuple[Step, ...]:
    drop = f"DROP DATABASE IF EXISTS {identifier(request.staging)} WITH (FORCE)"
    dropped = Sql("drop the staging database", (NO_TIMEOUT, drop))
    if not request.manifest.count("subscription"):
        return (dropped,)
    return Sql("forget its subscriptions", (FORGET_SUBSCRIPTIONS,), database=request.staging), dropped


def _load(request: RestoreRequest) -> Load:
    if request.client is None:
        raise ValueError("a restore needs psql; check_target says so before")
    settings = {**connection.SESSION, **_LOAD_SETTINGS, **connection.newer(request.server.version)}
    environment = connection.environment(request.access, connection.APPLICATION, settings)
    if _is_refused(request):
        return _load_without_preamble(request, request.client, settings)
    command = Command(
        _argv(request, request.client, *_restriction(request)), environment, connection.password_files(request.access)
    )
    return Load(f"load the dump into {request.staging}", command)


def _restriction(request: RestoreRequest) -> tuple[str, ...]:
    r"""Return what forbids backslash commands to a dump that is older than `\restrict` and so brings none itself."""
    dumped = request.needs.client_version
    is_needed = bool(dumped) and not knows_restrict(dumped)
    return RESTRICT if is_needed and request.client and knows_restrict(request.client.version) else ()


def _is_refused(request: RestoreRequest) -> bool:
    """Say whether the dump begins with a setting that this server does not know (pg_dump 17: transaction_timeout)."""
    newer_dump = request.needs.client_version >= (17,) and request.server.version < (17,)
    return newer_dump and any(part.name == OBJECTS for part in request.manifest.parts)


def _load_without_preamble(request: RestoreRequest, client: Client, settings: dict[str, str]) -> Load:
    environment = connection.environment(request.access, connection.APPLICATION, {**settings, **_DUMP_SETTINGS})
    environment["PGCLIENTENCODING"] = str(request.properties.get("encoding") or "UTF8")
    # The dump's own \restrict stands in the part that is left out.
    restrict = RESTRICT if knows_restrict(client.version) else ()
    command = Command(_argv(request, client, *restrict), environment, connection.password_files(request.access))
    return Load(f"load the dump into {request.staging}, without settings of newer servers", command, parts=(OBJECTS,))


def _argv(request: RestoreRequest, client: Client, *first: str) -> tuple[str, ...]:
    words = "-X -q -w -v ON_ERROR_STOP=1 -v VERBOSITY=terse -o /dev/null -d"
    return (str(client.path), *words.split(), connection.conninfo(request.staging), *first, "-f", "-")


def _rename(request: RestoreRequest) -> Steps:
    yield Sql(
        f"rename {request.staging} to {request.database}",
        (_renamed(request.staging, request.database),),
        undo=(Sql("rename it back", (_renamed(request.database, request.staging),)),),
    )
    yield PointOfNoReturn(f"{request.database} stands")


def _swap(request: RestoreRequest) -> Steps:
    old, name = identifier(request.database), literal(request.database)
    reopen = Sql("let the old database accept connections again", (f"ALTER DATABASE {old} ALLOW_CONNECTIONS true",))
    yield Sql(
        "close the old database to new sessions", (f"ALTER DATABASE {old} ALLOW_CONNECTIONS false",), undo=(reopen,)
    )
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {name} AND pid <> pg_backend_pid()"
    yield Sql("end the sessions of the old database", (end,))
    there = (_renamed(request.database, request.retired), _renamed(request.staging, request.database))
    back = (_renamed(request.database, request.staging), _renamed(request.retired, request.database))
    yield Sql(
        f"swap: {request.database} becomes {request.retired}, {request.staging} becomes {request.database}",
        there,
        transaction=True,
        undo=(Sql("swap back", back, transaction=True),),
    )
    yield PointOfNoReturn(f"the restored {request.database} is the live one")


def _drop_retired(request: RestoreRequest) -> Steps:
    held = yield Ask(
        f"see whether slots hold the old database {request.retired}", lambda asked: slots(asked, request.retired)
    )
    if held and DROP_SLOTS not in request.allow:
        return  # DROP DATABASE would silently drop an inactive slot, made since the check
    dropped = tuple(f"SELECT pg_drop_replication_slot({literal(slot)})" for slot in held)
    drop = f"DROP DATABASE {identifier(request.retired)}"
    yield Sql(f"drop the old database {request.retired}", (NO_TIMEOUT, *dropped, drop), may_fail=True)


def slots(asked: Connection, name: str) -> list[Any]:
    """Return the replication slots of a database, which a DROP would silently take along."""
    from sqlalchemy import text

    question = text("SELECT slot_name FROM pg_replication_slots WHERE database = :name ORDER BY 1")
    return list(asked.execute(question, {"name": name}).scalars())


def _renamed(old: str, new: str) -> str:
    return f"ALTER DATABASE {identifier(old)} RENAME TO {identifier(new)}"
