"""Makes this process step back for others: its own threads, which compress, and every child that it starts later.

The rule: it is done once, before the threads of a run, because the kernel hands both values on to threads and children;
and never more than was asked for, so that a unit's own `Nice=` or `IOSchedulingClass=` stays where it asks for more.
"""

from __future__ import annotations

import os

from vya_backup.engines.commands import Command
from vya_backup.errors import BackupError
from vya_backup.transport.processes import capture

CLASSES = {"best-effort": ("-c", "2", "-n", "7"), "idle": ("-c", "3")}
PATIENCE_SECONDS = 10.0


def step_back(nice: int, io_class: str) -> str:
    """Take the niceness (0 to 19) and the class of input and output; return what could not be had, or an empty text."""
    if nice > os.getpriority(os.PRIO_PROCESS, 0):
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    words = CLASSES.get(io_class)
    if words is None:
        return ""
    try:
        done = capture(Command(("ionice", *words, "-p", str(os.getpid()))), timeout_seconds=PATIENCE_SECONDS)
    except BackupError as error:
        return f"backup.io_class {io_class} has no effect: {error}"
    return f"backup.io_class {io_class} has no effect: {done.stderr.strip()}" if done.status else ""
