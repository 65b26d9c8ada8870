"""Describes a drill of accounts: all of them on a private server, compared one by one, passwords included.

The rule: this takes other accounts away, so that it refuses every server that is not the drill's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from vya_backup.decisions.accounts import Account, AccountName, differences
from vya_backup.engines.answers import Finding
from vya_backup.engines.commands import Command
from vya_backup.engines.contract import RestoreRequest
from vya_backup.engines.mysql.flavours import FLAVOURS
from vya_backup.engines.mysql.option_file import DEFAULTS_FILE, option_file
from vya_backup.engines.mysql.questions import identifier, one, qualified, rows
from vya_backup.engines.mysql.users.asking import ask
from vya_backup.engines.mysql.users.dialects import PUBLIC, Dialect
from vya_backup.engines.mysql.users.findings import plugins_there
from vya_backup.engines.mysql.users.grants import GrantLine, parse_grant
from vya_backup.engines.mysql.users.observer import PART
from vya_backup.engines.mysql.users.text import COMPLETE, MARK, accounts_of, read
from vya_backup.engines.steps import Ask, Compare, Load, Sql, Steps
from vya_backup.errors import RestoreFailed, RestoreRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection

PLUGIN = "plugin "
NAMED = 3
_SERVERS_OWN = frozenset({"information_schema", "performance_schema"})


class Dumped:
    """What a drill loads: the dump as it is, behind stand-ins for the objects that its grants are about."""

    def __init__(self) -> None:
        self.accounts: tuple[Account, ...] = ()

    def __call__(self, content: bytes) -> bytes:
        """Read the dump, and return what is fed in its place."""
        text = content.decode()
        self.accounts = read(text)
        stand_ins = "".join(f"{statement};\n" for statement in _stand_ins(self.accounts))
        first = text.index(f"\n{MARK}" if f"\n{MARK}" in text else f"\n{COMPLETE}") + 1
        return f"{text[:first]}{stand_ins}{text[first:]}".encode()


def rehearse(request: RestoreRequest, dialect: Dialect) -> Steps:
    """Describe the steps."""
    yield Ask("make sure that nobody else uses this server", lambda connection: _demand_private(connection, request))
    extra = yield Ask("ask for the accounts of the new server", lambda connection: _others(connection, dialect))
    yield Sql("drop the accounts of the new server", tuple(extra))
    dumped = Dumped()
    yield Load("load the accounts", _client(request), (PART,), edit=dumped)
    yield Ask("compare every account", lambda connection: _demand_equal(connection, dumped.accounts, dialect))
    # The account that the drill logs in with is there whether or not the dump has it.
    has_own = "root@localhost" in request.manifest.objects.get("user", ())
    yield Compare("compare the list of accounts", request.database, () if has_own else ("role",))


def check(connection: Connection, request: RestoreRequest) -> tuple[Finding, ...]:
    """Say what stands against a drill there: a login plugin that the installed server lacks."""
    there = plugins_there(connection)
    wanted = [need.removeprefix(PLUGIN) for need in request.needs.extensions if need.startswith(PLUGIN)]
    hint = "Install it for the server program that drills run."
    return tuple(
        Finding(True, f"the private server lacks the login plugin {name}", hint) for name in wanted if name not in there
    )


def plugins(connection: Connection, request: RestoreRequest, dialect: Dialect) -> tuple[str, ...]:
    """Return the statements that load the login plugins which the server has beside it."""
    wanted = {need.removeprefix(PLUGIN) for need in request.needs.extensions} - plugins_there(connection)
    libraries = {dialect.installable[name] for name in wanted if name in dialect.installable}
    if not libraries:
        return ()
    question = "SELECT PLUGIN_LIBRARY FROM information_schema.ALL_PLUGINS WHERE PLUGIN_STATUS = 'NOT INSTALLED'"
    beside = {str(library).removesuffix(".so") for (library,) in rows(connection, question)}
    return tuple(f"INSTALL SONAME '{library}'" for library in sorted(libraries & beside))


def settings(partial_revokes: object) -> tuple[str, ...]:
    """Return the options that the server needs for such a dump."""
    return ("--partial-revokes=ON",) if partial_revokes else ()


def _demand_private(connection: Connection, request: RestoreRequest) -> None:
    answer = str(one(connection, "SELECT @@skip_networking"))
    if answer not in {"1", "ON"} or request.access.password or request.access.instance.socket is None:
        raise RestoreRefused("accounts are restored account by account: doit restore:INSTANCE/@users")


def _others(connection: Connection, dialect: Dialect) -> list[str]:
    """Return what drops every account but the one that asks, those of the server, and PUBLIC."""
    mine = str(one(connection, "SELECT CURRENT_USER()"))
    listed = {(one.name, one.is_role) for one in ask(connection, dialect).written}
    others = sorted(pair for pair in listed if str(pair[0]) != mine and pair[0] != PUBLIC)
    return [_drop(name, is_role, dialect) for name, is_role in others]


def _drop(name: AccountName, is_role: bool, dialect: Dialect) -> str:
    return f"DROP {'ROLE' if is_role else 'USER'} {dialect.account(name)}"


def _demand_equal(connection: Connection, wanted: Iterable[Account], dialect: Dialect) -> None:
    """Compare each account with what the server now says of it.

    Raises:
        RestoreFailed: one differs.
    """
    mine = str(one(connection, "SELECT CURRENT_USER()"))
    found = accounts_of(ask(connection, dialect).written)
    unlike = differences(*([one for one in each if str(one.name) != mine] for each in (wanted, found)))
    if unlike:
        more = f"; and {len(unlike) - NAMED} more" if len(unlike) > NAMED else ""
        told = "; ".join(map(str, unlike[:NAMED]))
        raise RestoreFailed(f"the restored accounts differ from the dump: {told}{more}")


def _stand_ins(accounts: Iterable[Account]) -> Iterator[str]:
    """Yield what makes the objects that grants are about, empty, with the columns that they name."""
    lines = [line for account in accounts for statement in account.statements if (line := parse_grant(statement.text))]
    about = [line for line in lines if line.level.database and line.level.database.lower() not in _SERVERS_OWN]
    yield from sorted({f"CREATE DATABASE IF NOT EXISTS {identifier(line.level.database)}" for line in about})
    tables: dict[tuple[str, str], set[str]] = {}
    for line in about:
        if line.level.kind == "table":
            named = {column for privilege in line.privileges for column in privilege.columns}
            tables.setdefault((line.level.database, line.level.item), set()).update(named)
    for (database, table), columns in sorted(tables.items()):
        definition = ", ".join(f"{identifier(column)} INT" for column in sorted(columns) or ["a"])
        yield f"CREATE TABLE IF NOT EXISTS {qualified(database, table)} ({definition})"
    yield from sorted({made for line in about if (made := _routine(line))})


def _routine(line: GrantLine) -> str:
    name = qualified(line.level.database, line.level.item)
    if line.level.kind == "procedure":
        return f"CREATE PROCEDURE IF NOT EXISTS {name}() SELECT 1"
    if line.level.kind == "function":
        return f"CREATE FUNCTION IF NOT EXISTS {name}() RETURNS INT DETERMINISTIC RETURN 1"
    return ""


def _client(request: RestoreRequest) -> Command:
    flavour = FLAVOURS[request.server.flavour]
    client = request.client
    assert client is not None  # noqa: S101  the drill has chosen one
    options = [("default-character-set", "utf8mb4"), *flavour.load_options]
    return Command(
        (str(client.path), DEFAULTS_FILE, *flavour.load_flags),
        secret_files=(option_file(request.access, flavour, {"mysql": options}),),
    )
