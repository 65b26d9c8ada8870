"""Which process this is, and whether another one still runs, told apart across reboots and reused process ids."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
START_TIME_FIELD = 19  # of /proc/PID/stat after the command's name: starttime, in clock ticks since boot (proc(5))


@dataclass(frozen=True)
class ProcessIdentity:
    """A process of one boot of one host."""

    host: str
    boot_id: str
    pid: int
    started_ticks: int


def this_process(host: str) -> ProcessIdentity:
    """Return who we are, under the configured host name."""
    pid = os.getpid()
    return ProcessIdentity(host, _boot_id(), pid, _started_ticks(pid) or 0)


def is_gone(process: ProcessIdentity, host: str) -> bool:
    """Say whether a process of this host certainly no longer runs; of another host it is never certain."""
    if process.host != host:
        return False
    return process.boot_id != _boot_id() or _started_ticks(process.pid) != process.started_ticks


def same_boot(process: ProcessIdentity) -> bool:
    """Say whether the process began since this machine booted."""
    return process.boot_id == _boot_id()


def _boot_id() -> str:
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""


def _started_ticks(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # the command's name is in parentheses and may itself hold blanks and parentheses
    return int(stat.rpartition(")")[2].split()[START_TIME_FIELD])
