"""PURE: what a service of ours may not do, as directives of systemd; every exception stands with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

HOME: Final = (Path("/home"), Path("/root"), Path("/run/user"))


@dataclass(frozen=True)
class Needs:
    """What one service has to be allowed beyond the others."""

    drills: bool = False
    """It makes the walls of a drill: name spaces and mounts."""
    network: bool = True
    changes_group: bool = False
    """It gives the published copy to catalog.reader_group."""
    reads_all: bool = False
    """It reads files of other accounts, and is root: without its capabilities it may not."""
    is_mapped_root: bool = False
    """It drills, and is root, whose name space of users needs a capability that nobody else's does."""


_EVERYWHERE: Final = (
    "AmbientCapabilities=",
    "NoNewPrivileges=yes",
    "UMask=0077",
    "ProtectSystem=strict",
    "PrivateDevices=yes",
    "PrivateMounts=yes",
    "PrivateTmp=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelModules=yes",
    "LockPersonality=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RemoveIPC=yes",
    "KeyringMode=private",
    "SystemCallArchitectures=native",
)
_NO_DRILL: Final = (
    "ProtectKernelTunables=yes",
    "ProtectKernelLogs=yes",
    "MemoryDenyWriteExecute=yes",
    "RestrictNamespaces=yes",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
)
_DRILL: Final = (
    "# bubblewrap makes name spaces, in which it mounts, and a fresh /proc is only given to whoever sees the old one",
    "# whole: so no ProtectKernelTunables=, no ProtectKernelLogs=, and",
    "RestrictNamespaces=no",
    "# no MemoryDenyWriteExecute=: the private server of a drill compiles queries and patterns",
    "SystemCallFilter=@system-service @mount",
    "SystemCallFilter=~@clock @cpu-emulation @debug @module @obsolete @raw-io @reboot @swap",
)


def of_service(needs: Needs, *, sees_home: bool) -> list[str]:
    """Return the directives of a service of the system."""
    lines = ["CapabilityBoundingSet="]
    if needs.reads_all:
        lines = [
            "# files of SQLite lie in folders of other accounts: root may read them, and change none of them",
            "CapabilityBoundingSet=CAP_DAC_READ_SEARCH",
        ]
    if needs.is_mapped_root:
        lines = [
            "# root behind the walls of a drill is somebody else; to say so takes this since Linux 5.12",
            "CapabilityBoundingSet=CAP_SETFCAP",
        ]
    lines += [*_EVERYWHERE, f"ProtectHome={'read-only' if sees_home else 'yes'}"]
    lines += [
        "# ProtectProc= stays as it is: a run looks whether the process of an earlier one still lives, whoever owns it",
        *(_DRILL if needs.drills else _NO_DRILL),
    ]
    lines += [
        "# niceness and limits of the tools that a run starts" if not needs.drills else "# limits of what a drill runs",
        "SystemCallFilter=setpriority ioprio_set prlimit64 setrlimit sched_setaffinity",
    ]
    if needs.network:
        lines.append("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6")
    else:
        lines += [
            "# private servers have sockets in a folder; who is told of failures has a service of its own",
            "PrivateNetwork=yes",
            "IPAddressDeny=any",
            "# bubblewrap talks to the kernel about its own empty network",
            "RestrictAddressFamilies=AF_UNIX AF_NETLINK",
        ]
    if needs.drills and needs.network:
        lines.append("RestrictAddressFamilies=AF_NETLINK")
    if needs.changes_group:
        lines += ["# catalog.reader_group owns the published copy", "SystemCallFilter=@chown"]
    return [*lines, "SystemCallErrorNumber=EPERM"]


def of_user_service() -> list[str]:
    """Return what works in a person's own systemd, which may make no mounts and drop no capabilities."""
    return ["NoNewPrivileges=yes", "UMask=0077", "LockPersonality=yes", "RestrictRealtime=yes", "RestrictSUIDSGID=yes"]
