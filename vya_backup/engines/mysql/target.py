"""Looks at a restore's target before the first byte: what blocks, and what should be known.

The rule: a blocker names its remedy; a notice is a fact that a person wants to have seen before saying yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vya_backup.engines.answers import Finding
from vya_backup.engines.contract import RestoreRequest
from vya_backup.engines.mysql import system_users
from vya_backup.engines.mysql.connection import account
from vya_backup.engines.mysql.flavours import FLAVOURS, SYSTEM_DATABASES, Flavour, client_family, client_version, dotted
from vya_backup.engines.mysql.privileges import Grants, ask_grants, granted, may
from vya_backup.engines.mysql.questions import demand_answer, of_schema, one, rows, variables
from vya_backup.engines.stages import Stage

if TYPE_CHECKING:
    from sqlalchemy import Connection

WORDS = {"no-binlog": "keep the restore out of the binary log: replicas will not get it (needs the right to do so)"}
NAME_CHARACTERS = 64
NEEDED = (
    "SELECT", "INSERT", "CREATE", "DROP", "ALTER", "INDEX", "REFERENCES", "CREATE VIEW", "SHOW VIEW", "TRIGGER",
    "EVENT", "CREATE ROUTINE", "ALTER ROUTINE",
)  # fmt: skip
BESIDE = r"`vya\_%`"
# The first clients of each branch that understand the sandbox line at the top of MariaDB's dumps (May 2024).
SANDBOX_CLIENTS = ((10, 5, 25), (10, 6, 18), (10, 11, 8), (11, 0, 6), (11, 1, 5), (11, 2, 4), (11, 4, 2))


@dataclass(frozen=True)
class Target:
    """What every check looks at."""

    connection: Connection
    request: RestoreRequest
    flavour: Flavour
    grants: Grants
    settings: dict[str, str]
    account: str

    def is_on(self, variable: str) -> bool:
        """Say whether a server variable is on."""
        return self.settings.get(variable, "OFF").upper() in {"ON", "1"}

    def holds(self, *kinds: str) -> bool:
        """Say whether the dump has objects of these kinds."""
        return self.request.manifest.count(*kinds) > 0


def check_target(connection: Connection, request: RestoreRequest) -> tuple[Finding, ...]:
    """Say what stands against loading there, or should be known before."""
    target = Target(
        connection,
        request,
        FLAVOURS[request.server.flavour],
        ask_grants(connection),
        variables(connection),
        account(connection),
    )
    return tuple(finding for check in CHECKS for finding in check(target))


def _name(target: Target) -> Iterator[Finding]:
    name, remedy = target.request.database, "Say another name with --to."
    if name.lower() in SYSTEM_DATABASES:
        yield Finding(True, f"{name} is the server's own database, and the server is lost without it", remedy)
    if len(name) > NAME_CHARACTERS or name.endswith(" "):
        what = f"the server takes no name of more than {NAME_CHARACTERS} characters, nor one that ends in a space"
        yield Finding(True, what, remedy)


def _client(target: Target) -> Iterator[Finding]:
    client, flavour = target.request.client, target.flavour
    if client is None or client_family(client) != flavour.name:
        names = " or ".join(flavour.load_names)
        yield Finding(
            True, f"there is no {flavour.title} client ({names}) here", f"Install the client of {flavour.title}."
        )
    elif flavour.name == "mariadb" and not _knows_sandbox(client_version(client)):
        hint = "Update it to 10.6.18, 10.11.8, 11.4.2 or later, or cut off the dump's first line."
        yield Finding(
            True, f"{client.path} {dotted(client_version(client))} refuses the sandbox line of newer dumps", hint
        )


def _knows_sandbox(version: tuple[int, ...]) -> bool:
    branch = [fixed for fixed in SANDBOX_CLIENTS if fixed[:2] == version[:2]]
    return version >= branch[0] if branch else version >= (11, 4)


def _server(target: Target) -> Iterator[Finding]:
    request = target.request
    if request.server.is_replica:
        source = request.server.facts.get("replicates from", "")
        what = f"replicates from {source}" if source else "is read only"
        yield Finding(
            True, f"the target {what}: a restore there would be undone or break replication", "Use its primary."
        )
    if target.is_on("wsrep_on"):
        yield Finding(
            False, "the target is a Galera node, which may refuse tables without a primary key or with MyISAM"
        )
    if target.is_on("log_bin"):
        state = "left out, as --no-binlog says" if "no-binlog" in request.allow else "replicas will repeat the restore"
        yield Finding(False, f"the target writes a binary log: {state}")
    if request.needs.server_version and request.server.version[:2] < tuple(request.needs.server_version[:2]):
        wrote = dotted(tuple(request.needs.server_version))
        yield Finding(False, f"the dump is of a {wrote} server, the target is older: {dotted(request.server.version)}")
    if target.holds("event") and target.is_on("event_scheduler"):
        same = request.database == request.source_database
        what = "start once it is restored" if same else "are created DISABLED"
        yield Finding(False, f"the event scheduler is on: {request.manifest.count('event')} events {what}")


def _trust(target: Target) -> Iterator[Finding]:
    """Find error 1419 before it happens."""
    binlog = target.is_on("log_bin") and "no-binlog" not in target.request.allow
    if not binlog or target.is_on("log_bin_trust_function_creators") or not target.holds("trigger", "function"):
        return
    if not may(target.grants, "SUPER", *target.flavour.trusted_creators):
        hint = f"SET GLOBAL log_bin_trust_function_creators = ON, or GRANT SUPER ON *.* TO {target.account}"
        yield Finding(
            True, "the binary log is on: this account may create no triggers and functions (error 1419)", hint
        )


def _definers(target: Target) -> Iterator[Finding]:
    from sqlalchemy.exc import DBAPIError

    definers = set(target.request.needs.definers)
    may_set = may(target.grants, *target.flavour.definer_privileges)
    foreign = sorted(name for name in definers if name != str(one(target.connection, "SELECT CURRENT_USER()")))
    if foreign and not may_set:
        privilege = target.flavour.definer_privileges[0]
        hint = f"GRANT {privilege} ON *.* TO {target.account}"
        yield Finding(True, f"this account may create nothing for {', '.join(foreign)}", hint)
        return
    try:
        known = {f"{user}@{host}" for user, host in rows(target.connection, "SELECT User, Host FROM mysql.user")}
    except DBAPIError as error:
        demand_answer(error)
        if foreign:
            yield Finding(
                False, f"whether the definers {', '.join(foreign)} exist cannot be judged without SELECT on mysql"
            )
        return
    missing = sorted(definers - known)
    if missing:
        blocks = target.flavour.missing_definer_privilege not in {"", *target.grants.everywhere}
        blocks = blocks and target.request.server.version >= (8, 2) and not may(target.grants, "ALL PRIVILEGES")
        hint = "Create the accounts first (`doit restore:INSTANCE/@users`); their objects fail when they are used."
        yield Finding(blocks, f"definers are missing on the target: {', '.join(missing)}", hint)


def _system_users(target: Target) -> Iterator[Finding]:
    request = target.request
    if request.server.flavour != "mysql" or request.server.version < system_users.SINCE:
        return
    definers = set(request.needs.definers)
    if request.exists:
        definers |= system_users.definers_of(target.connection, request.database)
    definers.discard(str(one(target.connection, "SELECT CURRENT_USER()")))
    names = ", ".join(system_users.protected(target.connection, target.grants, definers))
    if names:
        what = f"this account may neither create nor drop what {names} defines (error 1227)"
        yield Finding(True, what, f"GRANT {system_users.PRIVILEGE} ON *.* TO {target.account}")


def _engines_and_collations(target: Target) -> Iterator[Finding]:
    engines = {str(name) for (name,) in rows(target.connection, _ENGINES)}
    collations = {str(row[0]) for row in rows(target.connection, "SHOW COLLATION")}
    collations |= {str(row[0]) for row in rows(target.connection, target.flavour.collation_question)}
    for need in target.request.needs.extensions:
        kind, _, name = need.partition(" ")
        there = engines if kind == "engine" else collations
        if name not in there:
            hint = f"Restore to a server that has it, as {_source(target)} does."
            yield Finding(True, f"the target has no {'storage engine' if kind == 'engine' else kind} {name}", hint)


def _source(target: Target) -> str:
    needs = target.request.needs
    return f"{needs.flavour} {dotted(tuple(needs.server_version))}"


_ENGINES = "SELECT ENGINE FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')"


def _names(target: Target) -> Iterator[Finding]:
    request = target.request
    wanted, there = request.properties.get("lower_case_table_names"), target.settings.get("lower_case_table_names", "0")
    if wanted is not None and str(wanted) != there:
        tables = [name for kind in ("table", "view", "sequence") for name in request.manifest.objects.get(kind, ())]
        clash = len({name.lower() for name in tables}) < len(tables)
        message = f"lower_case_table_names is {there} on the target and was {wanted}"
        yield Finding(clash, message + (": names would fall together" if clash else ""))
    if request.database == request.source_database:
        return
    if request.properties.get("qualified_triggers"):
        names = ", ".join(request.properties["qualified_triggers"])
        hint = "Restore under the old name on another server, or create these triggers again without their database."
        yield Finding(True, f"triggers were written with their database's name, and can only go there: {names}", hint)
    for item in request.properties.get("mentions_itself", ()):
        yield Finding(False, f"{item} names {request.source_database} in its text, and will go on working there")


def _privileges(target: Target) -> Iterator[Finding]:
    request = target.request
    yield from _missing(target, (request.database,), f"in {request.database}", granted(request.database))
    # their names are new in each restore, so that only a pattern can be granted
    scope = "*" if target.is_on("partial_revokes") else BESIDE
    what = "in the databases that it makes beside the restored one (vya_staging_…, vya_retired_…)"
    yield from _missing(target, (request.staging, request.retired), what, scope)


def _missing(target: Target, databases: tuple[str, ...], where: str, scope: str) -> Iterator[Finding]:
    held = frozenset.intersection(*(target.grants.on(database) for database in databases))
    missing = [word for word in NEEDED if word not in held and "ALL PRIVILEGES" not in held]
    if missing:
        words = ", ".join(missing)
        yield Finding(True, f"the account may not {words} {where}", f"GRANT {words} ON {scope}.* TO {target.account}")


def _live(target: Target) -> Iterator[Finding]:
    """Look at what holds on to a live database that is to be swapped."""
    request = target.request
    if not request.exists or request.stage is Stage.PROGRAMS:  # its tables stay where they are
        return
    question = f"""SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, ' (', CONSTRAINT_NAME, ')')
        FROM information_schema.KEY_COLUMN_USAGE
        WHERE {of_schema("REFERENCED_TABLE_SCHEMA")} AND TABLE_SCHEMA <> REFERENCED_TABLE_SCHEMA"""  # noqa: S608
    for (key,) in rows(target.connection, question, database=request.database):
        message = (
            f"a foreign key of another database points into {request.database}, and would follow the old tables: {key}"
        )
        yield Finding(True, message, "Drop it, and create it again after the restore.")
    sessions = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = :database AND ID <> CONNECTION_ID()"
    count = int(one(target.connection, sessions, database=request.database))
    if count:
        yield Finding(
            False, f"{count} sessions are using {request.database}; their next statement sees the restored tables"
        )


CHECKS: tuple[Callable[[Target], Iterator[Finding]], ...] = (
    _name,
    _client,
    _server,
    _privileges,
    _trust,
    _definers,
    _system_users,
    _engines_and_collations,
    _names,
    _live,
)
