"""What a server and its databases turn out to be: the answers to an engine's questions, as plain values.

The rule: an answer was read from the server that is asked, never from the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vya_backup.decisions.manifest import Objects
from vya_backup.decisions.metadata import Needs
from vya_backup.redaction import Secret


@dataclass(frozen=True)
class Server:
    """What a server is, as told by itself."""

    flavour: str
    """`postgresql`, `mysql`, `mariadb` or `sqlite`, as found (not as configured)."""
    version: tuple[int, ...]
    banner: str
    tls: str = ""
    """Protocol and cipher of this connection, or empty for a plain one."""
    is_replica: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)
    """What a person wants to see before a restore: binary log, event scheduler, data folder …"""


@dataclass(frozen=True)
class FoundDatabase:
    """One database as discovery saw it."""

    name: str
    size_bytes: int | None = None
    system: bool = False
    problem: str = ""
    """Why it cannot be dumped at all (not accepting connections, invalid), or empty."""


@dataclass(frozen=True)
class MissingPrivilege:
    """Something the account may not see; without it a dump would silently lack objects."""

    privilege: str
    reason: str
    remedy: str
    """The statement that mends it, ready to paste."""


@dataclass(frozen=True)
class Gap:
    """Something of the database that the dump cannot hold, known before it starts: recorded, shown, never silent."""

    kind: str
    name: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True)
class Survey:
    """What the server's catalogs say a database holds, asked before and after the dump."""

    objects: Objects
    properties: Mapping[str, Any]
    """JSON values that make the database again under any name: encoding, collation, owner, settings, grants."""
    needs: Needs
    gaps: tuple[Gap, ...] = ()
    unprotected: tuple[str, ...] = ()
    """Tables outside the snapshot (MyISAM, Aria …): when there are any, the backup is recorded as not consistent."""
    size_bytes: int | None = None
    text: Secret | None = None
    """The dump itself where no vendor's tool writes it (accounts of MySQL and MariaDB): it goes nowhere else."""


@dataclass(frozen=True)
class Finding:
    """Something seen before the first byte: a blocker ends the restore, a notice is shown."""

    blocks: bool
    message: str
    hint: str = ""
    lacks_roles: tuple[str, ...] = ()
    """The accounts that the target would need first; the job adds which backup has them."""
