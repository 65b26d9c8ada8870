"""A systemd of its own, in name spaces of its own, on this machine's file system: what units do under the real one.

It needs root, unshare and nsenter (util-linux) and systemd itself. Its network is the machine's.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.trouble import wait_for

OWN = tuple(map(Path, ("/etc/vya_backupdb", "/var/lib/vya_backupdb", "/var/backups/vya_backupdb")))
"""The places of an installation of the system; it has empty ones, and this machine's are out of its sight."""
PROGRAMS = ("/lib/systemd/systemd", "/usr/bin/unshare", "/usr/bin/nsenter")
INSTALL = "apt-get install -y systemd util-linux"
BOOT = """
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/lock
mount -t tmpfs tmpfs /etc/systemd/system
for unit in /lib/systemd/system/*.service /lib/systemd/system/*.mount /lib/systemd/system/*.automount \\
    /lib/systemd/system/*.timer /lib/systemd/system/*.swap /lib/systemd/system/*.socket /lib/systemd/system/*.path; do
  case ${{unit##*/}} in systemd-journald*|*@*) ;; *) ln -sf /dev/null "/etc/systemd/system/${{unit##*/}}" ;; esac
done
printf '[Unit]\\nDescription=nothing else\\n' > /etc/systemd/system/nothing.target
mount -t tmpfs tmpfs /var/lib/systemd
for folder in {own}; do mount -t tmpfs -o mode=755 tmpfs $folder; done
umount -R /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 none /sys/fs/cgroup
mount --make-rshared /
export container=lxc
exec /lib/systemd/systemd --system --unit=nothing.target --log-level=warning --show-status=no
"""


class PrivateSystemd:
    """One that has booted; `pid` is its own."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def run(self, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command where it rules, as root, with an environment that says next to nothing."""
        spaces = ("--mount", "--pid", "--ipc", "--uts", "--cgroup")
        inside = ["nsenter", "--target", str(self.pid), *spaces, "--wd=/", "--"]
        said = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root", "COLUMNS": "80"}
        return subprocess.run(
            [*inside, *argv], env=said | environment, capture_output=True, text=True, timeout=600, check=False
        )

    def path(self, path: Path) -> Path:
        """Return where a path of its file system is seen from outside."""
        return Path(f"/proc/{self.pid}/root") / path.relative_to("/")

    def start(self, unit: str) -> bool:
        """Start a unit, wait for its end, and say whether it was well."""
        return self.run("systemctl", "start", unit).returncode == 0

    def journal(self, unit: str) -> str:
        """Return what a unit said."""
        return self.run("journalctl", "--no-pager", "--quiet", "--output=cat", "--unit", unit).stdout


@contextmanager
def private_systemd() -> Iterator[PrivateSystemd]:
    """Boot one, and end it with all that it has started."""
    missing = [program for program in PROGRAMS if not Path(program).exists()]
    assert not missing, f"{', '.join(missing)}: {INSTALL}"
    assert os.geteuid() == 0, "a systemd of its own is booted by root"
    made = [folder for folder in OWN if not folder.exists()]
    for folder in made:
        folder.mkdir(parents=True)
    try:
        with _booted() as systemd:
            yield systemd
    finally:
        for folder in made:
            folder.rmdir()


@contextmanager
def _booted() -> Iterator[PrivateSystemd]:
    script = BOOT.format(own=" ".join(map(str, OWN)))
    words = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child", "--mount-proc"]
    with subprocess.Popen(
        [*words, "/bin/sh", "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as outside:
        try:
            booted = PrivateSystemd(_first_child(outside))
            wait_for(lambda: booted.run("systemctl", "is-system-running").stdout.strip() in {"running", "degraded"})
            yield booted
        finally:
            outside.kill()  # and with it the first process within, and with that all others


def _first_child(parent: subprocess.Popen[bytes]) -> int:
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    wait_for(lambda: parent.poll() is None and bool(children.read_text().split()))
    return int(children.read_text().split()[0])
