"""The engines by configured type. One entry each; a module is imported when its engine is first asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vya_backup.engines.contract import Engine

MODULES = {
    "postgresql": "vya_backup.engines.postgresql",
    "mysql": "vya_backup.engines.mysql",
    "mariadb": "vya_backup.engines.mysql",
    "sqlite": "vya_backup.engines.sqlite",
}


@cache
def engine_for(name: str) -> Engine:
    """Return the engine of a configured type; its module offers `engine(name)`.

    Raises:
        KeyError: no such type (the configuration's validation admits only those above).
    """
    engine: Engine = import_module(MODULES[name]).engine(name)
    return engine
