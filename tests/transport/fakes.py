"""Small stand-ins for an engine: tools are real shell scripts, and a dump is complete when its last line is END."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from vya_backup import clock
from vya_backup.decisions.manifest import Manifest
from vya_backup.engines.commands import Command
from vya_backup.engines.contract import Engine
from vya_backup.engines.dumping import DumpPart, Observation
from vya_backup.errors import BackupError, DumpFailed
from vya_backup.transport import pipeline
from vya_backup.transport.compression import Compressor, of_path
from vya_backup.transport.limits import UNLIMITED, Limits
from vya_backup.transport.storage import Store

ROOT = Path(__file__).parents[2]
TRAILER = b"END\n"
PATIENCE_SECONDS = 20
Children = Callable[[], set[int]]


def shell(script: str, *arguments: str) -> Command:
    """A real process that runs a shell script."""
    return Command(argv=("/bin/sh", "-c", script, "tool", *arguments))


def python(script: str, *arguments: str) -> Command:
    """A real process that runs a Python script."""
    return Command(argv=(sys.executable, "-c", script, *arguments))


class FakeObserver:
    """Demands that each part, and the whole, ends with the trailer."""

    def __init__(self) -> None:
        self.seen = b""
        self.parts: list[str] = []
        self.reports: list[str] = []
        self.fault = ""

    def feed(self, chunk: bytes) -> None:
        self.seen += chunk

    def note_report(self, report: str) -> None:
        self.reports.append(report)

    def end_part(self, name: str) -> None:
        self.parts.append(name)
        self._demand_trailer(f"part {name} has no end-of-dump line at its end")

    def finish(self) -> Observation:
        self._demand_trailer("the end-of-dump line is missing")
        return Observation(Manifest({}, {}), complete=not self.fault, fault=self.fault)

    def _demand_trailer(self, fault: str) -> None:
        if not self.seen.endswith(TRAILER):
            self.fault = self.fault or fault


class FakeEngine:
    """Explains a failed tool by repeating what it said."""

    def explain_tool(self, tool: str, status: int, stderr: str) -> BackupError:
        return DumpFailed(f"{tool} ended with {status}: {stderr.partition(chr(10))[0]}")


ENGINE = cast(Engine, FakeEngine())


def dump(
    store: Store, relative: str, *commands: Command, limits: Limits = UNLIMITED, observer: Any = None, **more: Any
) -> tuple[str, pipeline.Streamed]:
    """Dump commands as the parts of one artifact and publish it; return its path and what was streamed."""
    parts = [DumpPart(f"part{number}", command) for number, command in enumerate(commands, start=1)]
    with store.draft(relative) as draft:
        streamed = pipeline.dump(
            parts,
            draft,
            observer or FakeObserver(),
            engine=ENGINE,
            compressor=Compressor(of_path(relative)),
            limits=limits,
            **more,
        )
        return draft.publish(), streamed


def files_below(folder: Path) -> list[str]:
    """Every file below a folder, hidden ones too."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition: Any, what: str) -> None:
    """Wait for something that must come to pass; how long it takes is not judged."""
    give_up = clock.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert clock.monotonic() < give_up, f"never came to pass: {what}"
        clock.nap(0.01)


def wait_until_gone(pid: int) -> None:
    """Wait for the end of a process that is nobody's child here: the kernel ends what it killed when it gets to it."""
    wait_until(lambda: not is_running(pid), f"process {pid} ended")


def written_pid(path: Path) -> int:
    """The process id that a script writes into a file."""
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"), f"{path.name} holds a pid")
    return int(path.read_text())


def own_children() -> set[int]:
    """The processes that this one has started and not yet reaped."""
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}
