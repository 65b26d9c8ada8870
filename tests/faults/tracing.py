"""Counts the system calls of a run that change something, and lets one of them fail or kill.

strace counts calls for each thread by itself; runs are therefore made with one thread (`-n 0`), whose n-th call of a
name is the same in every run. A tool is traced through a `setpriv` of our own, the word before each of its commands.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.project import Outcome, Project

EFFECTS = (
    "openat", "write", "pwrite64", "fsync", "fdatasync", "sendfile", "link", "linkat", "rename", "renameat",
    "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "truncate", "ftruncate", "chmod", "fchmod", "connect",
    "sendto", "vfork", "clone", "clone3", "execve", "memfd_create", "copy_file_range",
)  # fmt: skip
_LINE = re.compile(r"(?P<pid>\d+) +(?:[\d.]+ )?(?P<name>\w+)\((?P<rest>.*)")
_FOR_READING = re.compile(r"O_RDONLY(?!.*O_CREAT)")
_LEASH = "setpriv"


def demand_strace() -> None:
    """Fail where strace is missing: a sweep that was passed over has shown nothing."""
    if shutil.which("strace") is None:
        pytest.fail("strace is missing; tests/servers/install.sh installs it: apt-get install -y strace")


@dataclass(frozen=True)
class Call:
    """The `number`-th call of `name` in a traced thread; `tool` is the word that picks the child, empty for the run."""

    name: str
    number: int
    text: str
    tool: str = ""

    def __str__(self) -> str:
        return f"{self.tool or 'run'} {self.name}#{self.number} {self.text[:110]}"


@dataclass(frozen=True)
class Fault:
    """What happens at a call: an error's name such as `EIO`, or `KILL`."""

    call: Call
    what: str

    @property
    def words(self) -> list[str]:
        """Return the words for strace."""
        kind = f"signal={self.what}" if self.what == "KILL" else f"error={self.what}"
        return ["-e", f"inject={self.call.name}:{kind}:when={self.call.number}"]

    @property
    def in_full(self) -> str:
        """Return the fault with all arguments of its call, which may hold long paths."""
        return f"{self.what} at {self.call.name} {self.call.text}"

    def __str__(self) -> str:
        return f"{self.what} at {self.call}"


def effects(project: Project, words: tuple[str, ...], tool: str = "") -> list[Call]:
    """Run a command once and return its calls that change something, in order; of one tool when that is named."""
    trace = project.folder / "trace"
    done = _run(project, words, tool, ["-y", "-e", "trace=" + ",".join(EFFECTS), "-o", str(trace)])
    assert done.status == 0, done.said
    return _of_first_thread(trace.read_text(errors="replace"), tool)


def everything(project: Project, words: tuple[str, ...]) -> list[Call]:
    """Run a command once and return the calls of all its processes that change something, in the order of time."""
    trace = project.folder / "trace"
    done = _run(project, words, "", ["-y", "-s", "400", "-e", "trace=" + ",".join(EFFECTS), "-o", str(trace)])
    assert done.status == 0, done.said
    return [call for call in _calls(trace.read_text(errors="replace").splitlines()) if not _is_idle(call)]


def inject(project: Project, words: tuple[str, ...], fault: Fault) -> Outcome:
    """Run a command with a fault.

    A filter makes strace fast, but at a filtered call it can only let it fail: the signal would be lost.
    """
    trace = ["-e", f"trace={fault.call.name}", "-o", str(project.folder / "trace")]
    return _run(project, words, fault.call.tool, [*trace, *fault.words], fast=fault.what != "KILL")


def was_injected(project: Project, fault: Fault) -> bool:
    """Say whether the fault came to pass."""
    text = (project.folder / "trace").read_text(errors="replace")
    return "+++ killed by SIGKILL" in text if fault.what == "KILL" else "(INJECTED)" in text


def environment(project: Project) -> dict[str, str]:
    """Return what makes every run the same: no random order of sets, and a scratch folder of its own."""
    scratch = project.folder / "tmp"
    scratch.mkdir(exist_ok=True)
    return {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(scratch)}


def _run(project: Project, words: tuple[str, ...], tool: str, options: list[str], *, fast: bool = True) -> Outcome:
    strace = ["strace", "-f", *(["--seccomp-bpf"] if fast else []), "-q", "-s", "90", *options]
    more = environment(project)
    if tool:
        more["PATH"] = f"{_leash(project, tool, strace)}:{os.environ['PATH']}"
        return project.run(*words, **more)
    return project.outcome([*strace, *project.command(*words)], **more)


def _leash(project: Project, tool: str, strace: list[str]) -> Path:
    """Put a `setpriv` on the path that lets strace watch, from the side (-DD), the tool that has a word in argv."""
    folder = project.folder / "leash"
    folder.mkdir(exist_ok=True)
    script = folder / _LEASH
    real = shutil.which(_LEASH)
    traced = shlex.join([*strace, "-DD"])
    script.write_text(f'#!/bin/sh\ncase " $* " in *" {tool} "*) exec {traced} {real} "$@";; esac\nexec {real} "$@"\n')
    script.chmod(0o755)
    return folder


def _of_first_thread(text: str, tool: str) -> list[Call]:
    """Return the effects of the first thread of a trace."""
    lines = text.splitlines()
    first = next((match["pid"] for line in lines if (match := _LINE.match(line))), "")
    mine = _calls([line for line in lines if line.startswith(f"{first} ")], tool)
    return [call for call in mine if not _is_idle(call)]


def _calls(lines: list[str], tool: str = "") -> list[Call]:
    """Return every call of a trace, each with its number among those of its name."""
    numbers: dict[str, int] = {}
    found = []
    for line in lines:
        if match := _LINE.match(line):
            name = match["name"]
            numbers[name] = numbers.get(name, 0) + 1
            found.append(Call(name, numbers[name], match["rest"], tool))
    return found


def _is_idle(call: Call) -> bool:
    """Say whether a call only reads, concerns shared memory that nothing outlives, or asked for what is not there."""
    reads = call.name == "openat" and _FOR_READING.search(call.text)
    return bool(reads) or "-shm>" in call.text or "ENOENT" in call.text
