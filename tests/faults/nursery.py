"""Runs the command at a time of its own, with one effect that fails or kills: a prelude to a fork of `tests.zygote`.

The rule: nothing of the product is changed but two things from outside: what its clock says, and what becomes of one
effect. What it came to is told in a file when it ends; a run that was killed tells nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import json
import os
import signal
import sqlite3
import stat
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests import zygote

EFFECTS = ("link", "unlink", "rename", "rmdir", "mkdir", "fsync", "write", "ftruncate", "open")
ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC}
TICK = timedelta(milliseconds=1)
TOLD, SCRATCH = "told.json", "tmp"
PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Fault:
    """What happens at the `number`-th effect: `KILL`, `EIO`, `ENOSPC`, or `TOOLS` (it loses its children)."""

    number: int
    what: str


@dataclass(frozen=True)
class Ran:
    """What came of a command; `status` is -9 where it was killed, `effects` counts those that it came to."""

    status: int
    out: str
    err: str
    effects: int
    struck: bool

    @property
    def said(self) -> str:
        """Return both streams."""
        return self.out + self.err


def run(folder: Path, now: datetime, words: tuple[str, ...], fault: Fault | None = None) -> Ran:
    """Run a command in a folder while its clock begins at `now`."""
    told, scratch = folder / TOLD, folder / SCRATCH
    told.unlink(missing_ok=True)
    scratch.mkdir(exist_ok=True)
    environment = os.environ | {"COLUMNS": "80", "TMPDIR": str(scratch)}
    prelude = zygote.Prelude(__name__, {"now": now.isoformat(), "fault": fault and asdict(fault), "told": str(told)})
    ended = zygote.run(list(words), folder, environment, PATIENCE_SECONDS, prelude)
    found: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {"effects": 0, "struck": True}
    return Ran(*ended, effects=found["effects"], struck=found["struck"])


def begin(now: str, fault: dict[str, Any] | None, told: str) -> None:
    """Change the surroundings of this fork, and tell at its end."""
    from vya_backup import clock

    tempfile.tempdir = None  # the process that it is forked from may have looked for its own
    clock.datetime = _Hands(datetime.fromisoformat(now).astimezone(UTC))  # type: ignore[assignment,attr-defined]
    effects = _Effects(Fault(**fault) if fault else None)
    effects.watch()
    atexit.register(effects.tell, Path(told))


class _Hands:
    """Stands for `datetime` in the product's clock: it begins where it was set, and moves at each look."""

    fromisoformat = staticmethod(datetime.fromisoformat)

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self, zone: Any) -> datetime:
        self._at += TICK
        return self._at.astimezone(zone)


class _Effects:
    """Counts what changes something outside the process, and strikes once."""

    def __init__(self, fault: Fault | None) -> None:
        self.count, self.struck = 0, False
        self._fault, self._lock, self._pid = fault, threading.Lock(), os.getpid()

    def watch(self) -> None:
        """Stand before every effect of this process from here on."""
        for name in EFFECTS:
            setattr(os, name, self._before(getattr(os, name), name))
        subprocess.Popen.__init__ = self._before(subprocess.Popen.__init__, "Popen")  # type: ignore[method-assign]
        connect = sqlite3.connect

        def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
            made: sqlite3.Connection = connect(*arguments, **options)
            made.set_trace_callback(lambda text: self.tick(may_raise=False) if _changes(text) else None)
            return made

        sqlite3.connect = traced  # type: ignore[assignment]

    def tell(self, file: Path) -> None:
        """Say what came to pass; nothing strikes any more."""
        count, was_struck, self.struck = self.count, self.struck, True
        file.write_text(json.dumps({"effects": count, "struck": was_struck}))

    def tick(self, *, may_raise: bool = True) -> None:
        """Count an effect that is about to happen; fail, or die, where it is its turn."""
        with self._lock:
            self.count += 1
            fault = self._fault
            if fault is None or self.struck or self.count < fault.number or os.getpid() != self._pid:
                return
            if fault.what in ERRORS and not may_raise:
                return  # SQLite swallows what its trace raises, and no pipe is ever full: the next effect fails instead
            self.struck = fault.what != "TOOLS" or _kill_children()
        if fault.what == "KILL":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault.what in ERRORS:
            raise OSError(ERRORS[fault.what], os.strerror(ERRORS[fault.what]))

    def _before(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            if name != "open" or arguments[1] & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
                self.tick(may_raise=name != "write" or not _is_pipe(arguments[0]))
            return function(*arguments, **options)

        return counted


def _changes(statement: str) -> bool:
    return statement.startswith(("BEGIN IMMEDIATE", "COMMIT", "INSERT INTO events"))


def _is_pipe(descriptor: int) -> bool:
    return stat.S_ISFIFO(os.fstat(descriptor).st_mode)


def _kill_children() -> bool:
    """Kill the tools that are at work; say whether there were any."""
    found = [pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    return bool(found)
