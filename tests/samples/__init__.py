"""The repo's own sample databases: a harbour office, with every kind of object and every kind of name, per engine.

The rule: what is built here is deterministic enough to be compared after a restore, and hostile on purpose.
"""

from tests.samples.building import (
    SHARED,
    build_mysql,
    build_nontransactional,
    build_pagila,
    build_postgresql,
    build_sakila,
)
from tests.samples.sqlite import build_sqlite

__all__ = [
    "SHARED",
    "build_mysql",
    "build_nontransactional",
    "build_pagila",
    "build_postgresql",
    "build_sakila",
    "build_sqlite",
]
