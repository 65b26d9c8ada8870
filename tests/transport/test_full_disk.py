"""A full disk is a failure that says so and leaves nothing: tried on a real, small file system."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.transport.fakes import ROOT

TRY = textwrap.dedent(
    """
    import os, resource, sys
    from pathlib import Path
    from tests.transport.fakes import dump, files_below, own_children, shell
    from vya_backup.errors import BackupError
    from vya_backup.transport.storage import Store

    folder, limit, script = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    store = Store(folder / "base")
    try:
        dump(store, "a.sql.gz", shell(script))
        print("published", files_below(folder))
    except BackupError as error:
        print(error.code, files_below(folder), own_children(), error.message)
    """
)
NOISE = "head -c 3000000 /dev/urandom; echo END"
FITS = "head -c 300000 /dev/urandom; echo END"


def in_small_file_system(folder: Path, script: str) -> str:
    """Dump into a tmpfs of one megabyte in a mount namespace of its own; without root, in a user namespace too."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    mount = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" -c "$3" "$1" 0 "$4"'
    argv = [*unshare, "sh", "-c", mount, "sh", str(folder), sys.executable, TRY, script]
    return subprocess.run(argv, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_a_full_disk_is_told_and_leaves_no_file(tmp_path: Path) -> None:
    """ENOSPC in the middle of a dump: the partial file is gone and so is the tool."""
    said = in_small_file_system(tmp_path, NOISE)
    assert said.startswith("space [] set() cannot write")
    assert "No space left on device" in said


def test_the_same_disk_takes_what_fits(tmp_path: Path) -> None:
    """The test above fails for the right reason."""
    assert in_small_file_system(tmp_path, FITS).startswith("published ['base/a.sql.gz']")


def test_a_limit_on_file_sizes_is_told_like_a_full_disk(tmp_path: Path) -> None:
    """`ulimit -f` and quotas stop a file for the same reason."""
    argv = [sys.executable, "-c", TRY, str(tmp_path), "1000000", NOISE]
    said = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert said.startswith("space [] set() cannot write")
