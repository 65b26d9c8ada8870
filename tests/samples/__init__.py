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

LOST_BY_THE_VENDORS_TOOLS = {
    "postgresql": ("languages sql",),  # pg_dump leaves out REVOKE … ON LANGUAGE sql FROM PUBLIC
    "mysql": ("rows singles_lost",),  # FLOAT is written with six digits
    "mariadb": ("rows singles_lost",),
}
"""What differs after a round trip of the samples by nobody's fault but the dump tool's; the product tells of each."""

__all__ = [
    "LOST_BY_THE_VENDORS_TOOLS",
    "SHARED",
    "build_mysql",
    "build_nontransactional",
    "build_pagila",
    "build_postgresql",
    "build_sakila",
    "build_sqlite",
]
