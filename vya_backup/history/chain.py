"""PURE: the hash chain that makes every change of history visible.

The hash of an event is SHA-256 over the UTF-8 text of a JSON array (no blanks, nothing but `"`, `\\` and control
characters escaped) of every column but `id` and `hash`, in the order of `HASHED`; `prev_hash` is one of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

HASHED: Final = (
    "catalog_id",
    "position",
    "event_id",
    "at",
    "type",
    "run_id",
    "backup_id",
    "instance",
    "database",
    "host",
    "actor",
    "data",
    "prev_hash",
)
GENESIS: Final = "0" * 64
"""The `prev_hash` of the first event of every chain."""

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encoded(values: Sequence[Any]) -> bytes:
    """Return the canonical encoding of an event, given its columns in the order of `HASHED`."""
    return _encoder.encode(list(values)).encode()


def digest(values: Sequence[Any]) -> str:
    """Return the hash of an event, given its columns in the order of `HASHED`."""
    return hashlib.sha256(encoded(values)).hexdigest()
