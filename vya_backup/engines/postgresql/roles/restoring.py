"""Describes how a drill restores accounts: every one into a private server made for them, then compared.

The rule: the server's own superuser is left as it is, for the drill itself works with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from vya_backup.decisions.accounts import Account, Kind, Statement, differences, in_order
from vya_backup.decisions.naming import show
from vya_backup.engines.commands import Command
from vya_backup.engines.postgresql import connection, drill
from vya_backup.engines.postgresql.properties import identifier
from vya_backup.engines.postgresql.restore import RESTRICT
from vya_backup.engines.postgresql.roles.catalogs import asked
from vya_backup.engines.postgresql.roles.reading import DEFAULT_BOOTSTRAP, BootstrapAccount, read
from vya_backup.engines.postgresql.target import knows_restrict
from vya_backup.engines.steps import Ask, Compare, Load
from vya_backup.engines.throwaway import Site, Throwaway
from vya_backup.errors import RestoreFailed

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vya_backup.engines.contract import RestoreRequest
    from vya_backup.engines.steps import Steps

_NAMED = 3


def steps(request: RestoreRequest) -> Steps:
    """Yield the steps: all statements as one script, then two comparisons: passwords and all, and with the manifest."""
    if request.client is None:
        raise ValueError("a restore needs psql; check_target says so before")
    taken: list[Account] = []

    def edited(plain: bytes) -> bytes:
        taken.extend(read(plain.decode()).accounts)
        return script(taken).encode()

    yield Load("load the accounts", _command(request), edit=edited)
    yield Ask("compare the accounts", lambda on: _demand_equal(taken, on))
    yield Compare("compare the accounts with the manifest", request.database)


def script(accounts: Iterable[Account]) -> str:
    """Return the statements that make all accounts on a server that has only its bootstrap superuser."""
    wanted = (one for account in accounts for one in _statements(account))
    return "".join(f"{one.text};\n" for one in in_order(wanted))


def databases(connection: Connection, request: RestoreRequest) -> tuple[str, ...]:
    """Return what makes the empty databases that settings of roles are for."""
    there = {name for (name,) in connection.exec_driver_sql("SELECT datname FROM pg_database")}
    wanted = request.properties.get("databases_of_settings", ())
    return tuple(f"CREATE DATABASE {identifier(name)}" for name in wanted if name not in there)


def throwaway(site: Site) -> Throwaway:
    """Describe the private server, whose superuser has the name of the original's: grants are made in its name."""
    return drill.throwaway(site, str(site.properties.get("bootstrap") or DEFAULT_BOOTSTRAP))


def _statements(account: Account) -> list[Statement]:
    if isinstance(account, BootstrapAccount):
        return [one for one in account.statements if one.kind is Kind.MEMBERSHIP]
    return list(account.statements)


def _command(request: RestoreRequest) -> Command:
    assert request.client is not None  # noqa: S101  the caller has looked
    settings = {**connection.SESSION, **connection.newer(request.server.version)}
    environment = connection.environment(request.access, connection.APPLICATION, settings)
    environment["PGCLIENTENCODING"] = "UTF8"
    restrict = RESTRICT if knows_restrict(request.client.version) else ()
    words = "-X -q -w -v ON_ERROR_STOP=1 -v VERBOSITY=terse -o /dev/null -d"
    argv = (str(request.client.path), *words.split(), connection.conninfo(connection.MAINTENANCE), *restrict, "-f", "-")
    return Command(argv, environment, connection.password_files(request.access))


def _demand_equal(dumped: Iterable[Account], on: Connection) -> None:
    wanted, live = (
        [one for one in accounts if not isinstance(one, BootstrapAccount)]
        for accounts in (dumped, asked(on, passwords=True).accounts)
    )
    found = [show(str(one)) for one in differences(wanted, live)]
    if found:
        more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise RestoreFailed(f"the restored accounts differ from the dump: {'; '.join(found[:_NAMED])}{more}")
