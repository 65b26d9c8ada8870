"""What a drill leaves: looked for among folders and processes."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_SECONDS = 20


@contextmanager
def short_folder() -> Iterator[Path]:
    """Make a folder with a short path that every account may enter, and remove it."""
    folder = Path(tempfile.mkdtemp(prefix="vd-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def processes_about(folder: Path) -> list[str]:
    """Return the command lines that name the folder, and those of processes that work in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                where = (entry / "cwd").readlink()
            except OSError:
                continue
            if str(folder) in line or where.is_relative_to(folder):
                found.append(f"{entry.name} {line}")
    return found


def nothing_is_left(folder: Path) -> None:
    """Demand that no folder of a drill stays, and that no process of one does (the kernel takes a moment)."""
    assert list(folder.iterdir()) == []
    wait_for(lambda: not processes_about(folder))


def wait_for(condition: object) -> None:
    """Wait until a condition holds, or fail."""
    assert callable(condition)
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.02)
