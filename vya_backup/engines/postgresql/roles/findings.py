"""Says what stands against making accounts on a server, before the first statement.

The rule: what fails for one account alone is a notice, which names it; a blocker is what none of them could pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from vya_backup.decisions.accounts import UNKNOWN, Account
from vya_backup.decisions.naming import show
from vya_backup.engines.answers import Finding, Server
from vya_backup.engines.postgresql.properties import identifier
from vya_backup.engines.postgresql.roles import statements as said
from vya_backup.engines.postgresql.roles.reading import BootstrapAccount, values
from vya_backup.engines.postgresql.survey import is_superuser

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ACCOUNT = "SELECT rolname, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user"
_FOR_SUPERUSERS = ("superuser", "replication", "bypassrls")
_SHOWN = 5


def findings(connection: Connection, server: Server, accounts: Iterable[Account]) -> Iterator[Finding]:
    """Yield every finding."""
    others = [account for account in accounts if not isinstance(account, BootstrapAccount)]
    told = {account.name.user: values(account) for account in others}
    if server.is_replica:
        yield Finding(True, "the target server is a standby and cannot be written to", "Restore on its primary.")
    yield from _account(connection, told)
    yield from _memberships(connection, server, told)
    yield from _settings(connection, told)
    yield from _labels(told)
    blank = [account.name.user for account in others if account.authentication == UNKNOWN and not account.is_role]
    if blank:
        yield Finding(
            False,
            f"the dump holds no passwords, which its account might not read: {_some(blank)} cannot log in with one",
            "Give those that are created a new one: ALTER ROLE … PASSWORD …; those that exist keep theirs.",
        )


def _account(connection: Connection, told: dict[str, list[said.Said]]) -> Iterator[Finding]:
    account = connection.exec_driver_sql(_ACCOUNT).one()
    if account.rolsuper:
        return
    if not account.rolcreaterole:
        yield Finding(
            True,
            f"the account {account.rolname} may not create roles",
            f"ALTER ROLE {identifier(account.rolname)} CREATEROLE; or restore with a superuser's account.",
        )
    above = [
        name
        for name, found in told.items()
        if any(isinstance(one, said.Attributes) and any(one.flags[flag] for flag in _FOR_SUPERUSERS) for one in found)
    ]
    if above:
        yield Finding(
            False,
            f"{account.rolname} is no superuser, and only one can make superusers and what replicates or is exempt from"
            f" row security: {_some(above)}",
            "Restore with a superuser's account: an entry with purpose: restore in the credentials file.",
        )


def _memberships(connection: Connection, server: Server, told: dict[str, list[said.Said]]) -> Iterator[Finding]:
    members = [one for found in told.values() for one in found if isinstance(one, said.Membership)]
    newer = sorted({one.member for one in members if one.inherit is not None})
    if newer and server.version < (16,):
        yield Finding(
            False,
            f"the options INHERIT and SET of memberships are not known to PostgreSQL {server.version[0]}: those of"
            f" {_some(newer)} will fail",
            "Restore on PostgreSQL 16 or later, or grant these memberships by hand.",
        )
    there = {name for (name,) in connection.exec_driver_sql("SELECT rolname FROM pg_roles")} | told.keys()
    lacking = sorted({name for one in members for name in (one.role, one.grantor) if name and name not in there})
    if lacking:
        yield Finding(
            False,
            f"memberships name roles that are neither there nor among these accounts: {_some(lacking)}",
            "Restore these too; a predefined role of a newer server cannot be had here.",
        )


def _settings(connection: Connection, told: dict[str, list[said.Said]]) -> Iterator[Finding]:
    settings = [one for found in told.values() for one in found if isinstance(one, said.Setting)]
    there = {name for (name,) in connection.exec_driver_sql("SELECT datname FROM pg_database")}
    waiting = sorted({one.database for one in settings if one.database} - there)
    if waiting:
        yield Finding(
            False,
            f"settings of roles wait for databases that are not there yet: {_some(waiting)}",
            "Restore those databases, then run the same again.",
        )
    if not is_superuser(connection):
        return  # some of the server's settings are hidden from others
    known = {name.lower() for (name,) in connection.exec_driver_sql("SELECT name FROM pg_settings")}
    strange = sorted(
        {one.parameter for one in settings if "." not in one.parameter and one.parameter.lower() not in known}
    )
    if strange:
        yield Finding(False, f"settings of roles that this server does not know will fail: {_some(strange)}")


def _labels(told: dict[str, list[said.Said]]) -> Iterator[Finding]:
    providers = sorted({one.provider for found in told.values() for one in found if isinstance(one, said.Label)})
    if providers:
        yield Finding(
            False,
            f"security labels need their providers loaded on the server: {_some(providers)}",
            "Set shared_preload_libraries there; without, these statements fail.",
        )


def _some(names: Collection[str]) -> str:
    shown = [show(name) for name in list(names)[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
