"""Runs the command of a unit file as its own user, behind as much of its hardening as can be had without systemd."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

PYTHONS_HOME = Path("/root")


class Unit:
    """What a unit file says, by key, in order; `paths` are what stands for others on this machine."""

    def __init__(self, file: Path, paths: Mapping[str, str] | None = None) -> None:
        text = file.read_text()
        for named, ours in (paths or {}).items():
            text = text.replace(named, ours)
        self._lines = [line.partition("=") for line in text.splitlines() if line[:1].isalpha()]

    def all(self, key: str) -> list[str]:
        """Return every value of a key."""
        return [value for name, _, value in self._lines if name == key]

    def one(self, key: str) -> str:
        """Return the only value of a key."""
        (value,) = self.all(key)
        return value

    @property
    def environment(self) -> dict[str, str]:
        """Return what the unit sets, and what systemd gives to each service."""
        said = dict(word.split("=", 1) for value in self.all("Environment") for word in shlex.split(value))
        return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"} | said

    def argv(self, command: list[str] | None = None) -> list[str]:
        """Return the unit's own command, or another one, below everything that walls it in."""
        assert self.one("ProtectSystem") == "strict"
        assert self.one("NoNewPrivileges") == "yes"
        assert self.one("CapabilityBoundingSet") == ""
        words = ["bwrap", "--die-with-parent", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        assert self.one("PrivateTmp") == "yes"
        words += ["--perms", "1777", "--tmpfs", "/var/tmp"]  # in /tmp the test has its own folder
        if os.geteuid() == 0:
            words += [word for name in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{name}")]
            if PYTHONS_HOME in Path(os.path.realpath("/proc/self/exe")).parents:  # else its user cannot read Python
                pyenv = str(PYTHONS_HOME / ".pyenv")
                words += ["--perms", "0755", "--tmpfs", str(PYTHONS_HOME), "--ro-bind", pyenv, pyenv]
        for path in self.all("ReadWritePaths"):
            words += ["--bind-try" if path.startswith("-") else "--bind", path.lstrip("-"), path.lstrip("-")]
        as_user = ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        if os.geteuid() == 0:
            as_user += [f"--reuid={self.one('User')}", "--regid=nogroup", "--clear-groups"]
        masked = ["sh", "-c", f'umask {self.one("UMask")}; exec "$@"', "unit"]
        return [*words, "--", *as_user, "--", *masked, *(command or shlex.split(self.one("ExecStart")))]
