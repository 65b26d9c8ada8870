"""Runs the command in forks of a process that has imported it already: a run then costs what it does, not its imports.

A request is one message on a socket pair: argv, folder and environment as JSON, and three descriptors for the run's
output, its errors, and the answer: its pid when it starts, its exit status when it ends (negative: the signal).

A run may have a prelude: a module whose `begin` is called in the fork, before the command, to change its surroundings.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import coverage

MESSAGE_BYTES = 1 << 17
ANSWER_BYTES = 16
PRELOADED = (
    "cryptography.fernet", "isal.igzip", "psycopg", "pymysql", "rich.console", "rich.progress", "rich.table",
    "sqlalchemy", "sqlite_utils", "structlog", "tenacity", "yaml", "vya_backup.command_line.main",
    "vya_backup.engines.mysql", "vya_backup.engines.postgresql", "vya_backup.engines.sqlite",
)  # fmt: skip
"""The command and what it imports late, so that `doit list` stays quick."""


@dataclass(frozen=True)
class Prelude:
    """What a fork does before it is the command: `begin(**asked)` of a module; what is asked is JSON."""

    module: str
    asked: dict[str, Any] = field(default_factory=dict)


def run(
    words: list[str],
    folder: Path,
    environment: dict[str, str],
    patience_seconds: float,
    prelude: Prelude | None = None,
) -> tuple[int, str, str]:
    """Run `vya-backupdb` with `words` in `folder`; return its exit status, output and errors.

    Raises:
        subprocess.TimeoutExpired: It took longer, and was killed.

    """
    asked = {"words": words, "folder": str(folder), "environment": environment, "prelude": prelude and asdict(prelude)}
    request = json.dumps(asked).encode()
    mine, answers = socket.socketpair()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, mine:
        with answers:
            socket.send_fds(_zygote(), [request], [out.fileno(), err.fileno(), answers.fileno()])
        pid = int(mine.recv(ANSWER_BYTES))
        mine.settimeout(patience_seconds)
        try:
            status = int(mine.recv(ANSWER_BYTES))
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(words, patience_seconds) from None
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode())
    return status, said[0], said[1]


@functools.cache
def _zygote() -> socket.socket:
    """Start the process of this test process; it ends when the socket does, with its last owner."""
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        subprocess.Popen(
            [sys.executable, "-m", __name__, str(its.fileno())],
            cwd=Path(__file__).parents[1],
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")},
        )
    return mine


def _serve(requests: socket.socket) -> None:
    for name in PRELOADED:
        __import__(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors are never waited for
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, MESSAGE_BYTES, 3)
        if not message:
            return
        request = json.loads(message)
        if request["prelude"]:
            importlib.import_module(request["prelude"]["module"])  # here, so that no later fork has to
        if os.fork() == 0:
            requests.close()
            _supervise(request, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _supervise(request: dict[str, Any], out: int, err: int, answers: int) -> NoReturn:
    """Fork the run and tell how it ends, which a run that is killed cannot."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(answers)
        _become(request, out, err)
    told = socket.socket(fileno=answers)
    told.send(str(pid).encode().ljust(ANSWER_BYTES))
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(BrokenPipeError):  # who asked has lost patience
        told.send(str(status).encode().ljust(ANSWER_BYTES))
    os._exit(0)


def _become(request: dict[str, Any], out: int, err: int) -> NoReturn:
    """Be the run, as if started anew: streams, folder, environment, arguments."""
    from vya_backup.command_line.main import main

    for source, target in ((out, 1), (err, 2)):
        os.dup2(source, target)
        os.close(source)
    sys.stdout, sys.stderr = os.fdopen(1, "w", encoding="utf-8"), os.fdopen(2, "w", encoding="utf-8")
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    coverage.process_startup()  # here and not before the fork, after which it would cost twice as much
    sys.argv = ["vya-backupdb", *request["words"]]
    if prelude := request["prelude"]:
        sys.modules[prelude["module"]].begin(**prelude["asked"])
    try:
        status: object = main()
    except SystemExit as end:
        status = end.code
    if not isinstance(status, int):
        sys.exit(status)  # type: ignore[arg-type]
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # to take a thousand modules apart would cost more than most runs


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
