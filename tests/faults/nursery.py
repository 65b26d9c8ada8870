"""Runs the product's command line in forks of one process that has imported everything: a tenth of a second each.

The rule: a fork is a process of its own that runs `main` as a shell would, with nothing changed but two things from
outside: what its clock says, and one effect that fails or kills. Asked by lines of JSON, so that no thread of a test
is forked.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from vya_backup import clock
from vya_backup.command_line.main import main

EFFECTS = ("link", "unlink", "rename", "rmdir", "mkdir", "fsync", "write", "ftruncate", "open")
ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC}
TICK = timedelta(milliseconds=1)
SAID, RAN = "said.txt", "ran.json"


@dataclass(frozen=True)
class Fault:
    """What happens at the `number`-th effect: `KILL`, `EIO`, `ENOSPC`, or `TOOLS` (its children are killed)."""

    number: int
    what: str


@dataclass(frozen=True)
class Ran:
    """What came of a command; `status` is -9 where it was killed, `effects` counts those that it came to."""

    status: int
    said: str
    effects: int
    struck: bool


class Nursery:
    """The process that forks; end it with `close`."""

    def __init__(self) -> None:
        here = Path(__file__).parents[2]
        environment = os.environ | {"PYTHONPATH": str(here), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "80"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(self, folder: Path, now: datetime, words: tuple[str, ...], fault: Fault | None = None) -> Ran:
        """Run a command in a folder while its clock begins at `now`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"folder": str(folder), "now": now.isoformat(), "words": words, "fault": fault and asdict(fault)}
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        status = int(self._process.stdout.readline())
        ran = folder / RAN
        told: dict[str, Any] = json.loads(ran.read_text()) if ran.exists() else {"effects": 0, "struck": True}
        said = (folder / SAID).read_text()
        return Ran(status, said, told["effects"], told["struck"])

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


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

    def tick(self, *, may_raise: bool = True) -> None:
        """Count an effect that is about to happen; fail, or die, where it is its turn."""
        with self._lock:
            self.count += 1
            fault = self._fault
            if fault is None or self.struck or self.count < fault.number or os.getpid() != self._pid:
                return
            if fault.what in ERRORS and not may_raise:
                return  # SQLite swallows what its trace raises, so that the next effect fails instead
            self.struck = True
        if fault.what == "KILL":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault.what == "TOOLS":
            _kill_children()
        if fault.what in ERRORS:
            raise OSError(ERRORS[fault.what], os.strerror(ERRORS[fault.what]))

    def _before(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            if name != "open" or arguments[1] & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
                self.tick()
            return function(*arguments, **options)

        return counted


def _changes(statement: str) -> bool:
    return statement.startswith(("BEGIN IMMEDIATE", "COMMIT", "INSERT INTO events"))


def _kill_children() -> None:
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def _serve() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        ran = Path(asked["folder"]) / RAN
        ran.unlink(missing_ok=True)
        child = os.fork()
        if not child:
            _be_run(asked, ran)
        _, status = os.waitpid(child, 0)
        if ran.exists():
            for name in json.loads(ran.read_text())["modules"]:  # what this run had to import, no later one has to
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _be_run(asked: dict[str, Any], ran: Path) -> None:
    """Run a command and end the process."""
    status = 2
    before = set(sys.modules)
    with contextlib.suppress(BaseException):
        _settle_in(Path(asked["folder"]))
        clock.datetime = _Hands(datetime.fromisoformat(asked["now"]).astimezone(UTC))  # type: ignore[assignment,attr-defined]
        effects = _Effects(Fault(**asked["fault"]) if asked["fault"] else None)
        effects.watch()
        try:
            status = main(asked["words"])
        except SystemExit as end:
            status = int(end.code or 0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            raise
        sys.stdout.flush()
        effects.struck, was_struck = True, effects.struck
        modules = sorted(set(sys.modules) - before)
        ran.write_text(json.dumps({"effects": effects.count, "struck": was_struck, "modules": modules}))
    os._exit(status)


def _settle_in(folder: Path) -> None:
    """Stand in the folder, as after `cd`, with streams and scratch files of this run's own."""
    os.chdir(folder)
    scratch = folder / "tmp"
    scratch.mkdir(exist_ok=True)
    os.environ["TMPDIR"], tempfile.tempdir = str(scratch), None
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, SAID, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND),
        (2, SAID, os.O_CREAT | os.O_WRONLY | os.O_APPEND),
    ):
        os.dup2(os.open(path, flags), number)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)


if __name__ == "__main__":
    _serve()
