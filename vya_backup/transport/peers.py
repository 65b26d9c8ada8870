"""Lets root come through a server's socket as another account of this machine, as `sudo -u postgres` would.

The rule: only while a connection is opened; nothing else of the program runs then.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def as_account(name: str) -> Iterator[None]:
    """Be this account of the system during the block, where we are root and it exists; else change nothing."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        entry = None
    if os.geteuid() != 0 or entry is None or entry.pw_uid == 0:
        yield
        return
    os.setegid(entry.pw_gid)
    os.seteuid(entry.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(os.getgid())
