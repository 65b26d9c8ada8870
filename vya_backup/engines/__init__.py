"""The engines by configured type. One entry each; a module is imported when its engine is first asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from vya_backup.decisions.naming import USERS

if TYPE_CHECKING:
    from vya_backup.engines.accounts import AccountsEngine
    from vya_backup.engines.contract import Engine

MODULES = {
    "postgresql": "vya_backup.engines.postgresql",
    "mysql": "vya_backup.engines.mysql",
    "mariadb": "vya_backup.engines.mysql",
    "sqlite": "vya_backup.engines.sqlite",
}
WITH_ACCOUNTS = frozenset({"postgresql", "mysql", "mariadb"})
IN_STAGES = frozenset({"mysql", "mariadb"})


@cache
def engine_for(name: str) -> Engine:
    """Return the engine of a configured type; its module offers `engine(name)`.

    Raises:
        KeyError: no such type (the configuration's validation admits only those above).
    """
    engine: Engine = import_module(MODULES[name]).engine(name)
    return engine


def restores_in_stages(name: str) -> bool:
    """Say whether databases of a configured type may look into each other, so that tables come back before views."""
    return name in IN_STAGES


def has_accounts(name: str) -> bool:
    """Say whether servers of a configured type have accounts of their own."""
    return name in WITH_ACCOUNTS


@cache
def accounts_engine(name: str) -> AccountsEngine:
    """Return what backs up the accounts of a configured type; its module offers `accounts(name)`.

    Raises:
        KeyError: no such type, or one without accounts.
    """
    if name not in WITH_ACCOUNTS:
        raise KeyError(name)
    engine: AccountsEngine = import_module(MODULES[name]).accounts(name)
    return engine


def engine_of(name: str, database: str) -> Engine:
    """Return the engine of one database: its type's, or for `@users` that of accounts.

    Raises:
        KeyError: no such type, or one without accounts.
    """
    return accounts_engine(name) if database == USERS else engine_for(name)
