"""Makes identifiers that are unique everywhere and sort by the time they were made: UUID version 7 (RFC 9562).

Order is never read out of them: the catalog's own sequence is the order.
"""

from __future__ import annotations

import os
import uuid

from vya_backup import clock
from vya_backup.clock import Clock

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62


def new_id(now: Clock = clock.now) -> str:
    """Return a new UUIDv7 in its usual spelling: 48 bits of milliseconds, then 74 random bits."""
    milliseconds = int(now().timestamp() * 1000) & (2**48 - 1)
    chance = int.from_bytes(os.urandom(10), "big")
    high, low = (chance >> 62) & 0xFFF, chance & (2**62 - 1)
    return str(uuid.UUID(int=milliseconds << 80 | _VERSION_7 | high << 64 | _VARIANT | low))
