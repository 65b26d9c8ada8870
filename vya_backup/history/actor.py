"""Who acts: the account, and what the system knows about how it came to act.

What sudo says stands in an environment that its user may forge; the kernel's login id beside it can't be.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

_NO_LOGIN = 2**32 - 1


def actor() -> str:
    """Return the acting account: `root (sudo: alice; login: alice)`, `vya (unit: vya-backup.service)` or `vya`."""
    about = {"sudo": os.environ.get("SUDO_USER", ""), "login": _login(), "unit": _unit()}
    details = "; ".join(f"{word}: {name}" for word, name in about.items() if name)
    return f"{_name(os.geteuid())} ({details})" if details else _name(os.geteuid())


def _login() -> str:
    uid = int(_read("/proc/self/loginuid") or _NO_LOGIN)
    return "" if uid == _NO_LOGIN else _name(uid)


def _unit() -> str:
    """Return the systemd service of this process: the last part of its control group."""
    groups = [line.rpartition("/")[2] for line in _read("/proc/self/cgroup").splitlines()]
    return next((name for name in groups if name.endswith(".service") and not name.startswith("user@")), "")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # not on every kernel, and hidden in some containers
        return ""
