"""The walls around a drill: what a dump makes run sees its own folder, the system's programs, and nothing else.

With bubblewrap: no network, a process table of its own, a file system of the system's programs (read only) and one
writable folder, and no way to gain rights. Started by root, what runs there is a user and group that exist nowhere
else; started by anybody else, or by a root without capabilities as a hardened unit has it, it stays that account, in a
user namespace. The rule: a sandbox is believed after a probe has passed through it, and everything in it dies with the
process that made it.
"""

from __future__ import annotations

import grp
import os
import pwd
import resource
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vya_backup.engines.commands import Command
from vya_backup.errors import SandboxMissing
from vya_backup.transport.disk import explained
from vya_backup.transport.processes import capture

FREE_IDS = range(64_000, 65_000)  # of those that systemd keeps for accounts without a name (systemd.io/UIDS-GIDS)
NOBODY = "nobody"
ROOTS_POWERS = {"CAP_CHOWN": 0, "CAP_SETGID": 6, "CAP_SETUID": 7, "CAP_SETPCAP": 8, "CAP_SYS_ADMIN": 21}
"""What it takes to become another account and to mount for it, with the numbers of capabilities(7)."""
PROBE_SECONDS = 20
USR_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "timezone")
ETC_OF_NETWORK = ("resolv.conf", "hosts", "nsswitch.conf", "ssl", "pki")
_UNSHARED = ("--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try")


@dataclass(frozen=True)
class Account:
    """A user and a group of the kernel, by number."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Caps:
    """What one process behind the walls may take at most; the processes are counted over the whole account."""

    memory_bytes: int
    file_bytes: int
    processes: int
    cpu_seconds: int

    @property
    def words(self) -> tuple[str, ...]:
        """Return the words that set them, for good: soft and hard limit are the same (setrlimit(2))."""
        wanted = {
            "as": (resource.RLIMIT_AS, self.memory_bytes),
            "fsize": (resource.RLIMIT_FSIZE, self.file_bytes),
            "nproc": (resource.RLIMIT_NPROC, self.processes),
            "cpu": (resource.RLIMIT_CPU, self.cpu_seconds),
            "core": (resource.RLIMIT_CORE, 0),
        }
        return ("prlimit", *(f"--{name}={_allowed(*limit)}" for name, limit in wanted.items()), "--")


@dataclass(frozen=True)
class Sandbox:
    """How commands are put behind the walls: `words` stand before each of them."""

    name: str
    """`bubblewrap`, or `none` where the configuration asks for none."""
    words: tuple[str, ...]
    account: Account | None
    """Who they run as; None is ourselves."""

    def confine(self, command: Command) -> Command:
        """Return the command as it runs behind the walls."""
        owner = (self.account.uid, self.account.gid) if self.account else None
        environment = {**command.environment, "HOME": "/", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        return replace(command, within=self.words, owner=owner, environment=environment)


@dataclass(frozen=True)
class Walls:
    """What a sandbox lets through."""

    work: Path
    """The one writable folder, which belongs to the account inside."""
    system: Path
    """A folder of ours, for the few files that stand for /etc."""
    shows: tuple[Path, ...] = ()
    """Files and folders to be read, beside the system's own programs."""
    hides: tuple[Path, ...] = ()
    """Folders that stay out of sight even where they lie below something shown."""
    network: bool = False


def _allowed(number: int, wanted: int) -> int:
    """Return the wanted limit, or the one that this process itself is held to: nobody may raise that."""
    hard = resource.getrlimit(number)[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def account_for(sandbox: str) -> Account | None:
    """Return who a drill's programs run as: nobody's number for root, None (ourselves) for anybody else.

    Without walls the programs need an account with a name.
    """
    if os.geteuid() != 0 or not _has_roots_powers():
        return None
    if sandbox == "none":
        entry = pwd.getpwnam(NOBODY)
        return Account(entry.pw_uid, entry.pw_gid)
    return _free_account()


def _has_roots_powers() -> bool:
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    effective = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))
    return all(effective >> number & 1 for number in ROOTS_POWERS.values())


def _free_account() -> Account:
    taken = {entry.pw_uid for entry in pwd.getpwall()} | {entry.gr_gid for entry in grp.getgrall()}
    free = next(number for number in FREE_IDS if number not in taken)
    return Account(free, free)


def _inside(account: Account | None) -> Account:
    """Return who a process behind the walls takes itself for: database servers refuse to be root."""
    if account is not None:
        return account
    return _free_account() if os.geteuid() == 0 else Account(os.geteuid(), os.getegid())


def sandbox(wanted: str, account: Account | None, walls: Walls, caps: Caps | None = None) -> Sandbox:
    """Return the wanted sandbox, tried; everything in it is held to the caps, also where it has no walls.

    Raises:
        SandboxMissing: it cannot be had here; the message says why.
        StorageFailed: the files that stand for /etc could not be written.
    """
    held = caps.words if caps else ()
    if wanted == "none":
        if account is None and os.geteuid() == 0:
            raise SandboxMissing(
                "drill.sandbox is none, and root without its capabilities can become no other account",
                "Set drill.sandbox to bubblewrap, or install the timers for an account of its own: --account NAME.",
            )
        return Sandbox("none", (*held, *_as_account(account, "--pdeathsig", "KILL")), account)
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxMissing(
            "bubblewrap (bwrap) is not installed, so that a drill would have no walls", "apt-get install bubblewrap"
        )
    _write_etc(walls.system, _inside(account))
    made = Sandbox("bubblewrap", (program, *_bubblewrap(account, walls, held)), account)
    _probe(made)
    return made


def _probe(made: Sandbox) -> None:
    try:
        finished = capture(made.confine(Command(("true",))), timeout_seconds=PROBE_SECONDS)
    except OSError as error:
        raise SandboxMissing(f"bubblewrap cannot be started: {error}") from error
    if finished.status:
        last = (finished.stderr.strip().splitlines() or [f"status {finished.status}"])[-1]
        raise SandboxMissing(
            f"bubblewrap cannot make its walls here: {last}",
            "Allow user namespaces (kernel.unprivileged_userns_clone, user.max_user_namespaces), or run as root.",
        )


def _bubblewrap(account: Account | None, walls: Walls, held: tuple[str, ...]) -> Iterator[str]:
    """Yield bwrap's words; root drops to the account behind the walls, so that the walls are made by root's hands.

    Limits are set behind the walls too: there only a drill's own processes are counted.
    """
    yield "--die-with-parent"
    yield from _UNSHARED
    if not walls.network:
        yield "--unshare-net"
    if account is None:
        inside = _inside(account)
        yield from ("--unshare-user", "--uid", str(inside.uid), "--gid", str(inside.gid), "--cap-drop", "ALL")
    else:
        yield from (
            "--cap-drop",
            "ALL",
            "--cap-add",
            "CAP_SETUID",
            "--cap-add",
            "CAP_SETGID",
            "--cap-add",
            "CAP_SETPCAP",
        )
    yield from _file_system(walls)
    yield from ("--chdir", "/", "--", *held)
    yield from _as_account(account, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")


def _file_system(walls: Walls) -> Iterator[str]:
    shown = [path for path in dict.fromkeys(walls.shows) if path.exists() and not path.is_relative_to("/usr")]
    yield from ("--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp")  # noqa: S108 - a fresh one
    for folder in _above([Path("/etc/passwd"), walls.work, *shown]):
        yield from ("--perms", "0755", "--dir", str(folder))  # tools start with a umask that would close them
    yield from ("--ro-bind", "/usr", "/usr")
    for name in USR_MERGED:
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        else:
            yield from ("--ro-bind-try", str(path), str(path))
    for name in (*ETC, *(ETC_OF_NETWORK if walls.network else ())):
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    for name in ("passwd", "group"):
        yield from ("--ro-bind", str(walls.system / name), f"/etc/{name}")
    for path in shown:
        yield from ("--ro-bind", str(path), str(path))
    for path in _covered(walls.hides, [Path("/usr"), *shown]):
        yield from ("--tmpfs", str(path))
    yield from ("--bind", str(walls.work), str(walls.work))


def _above(paths: Iterable[Path]) -> list[Path]:
    """Return every folder above these paths, the outermost first, without the two that are there already."""
    above = (folder for path in paths for folder in reversed(path.parents))
    return [folder for folder in dict.fromkeys(above) if folder not in {Path("/"), Path("/tmp")}]  # noqa: S108


def _covered(hides: Iterable[Path], shown: list[Path]) -> list[Path]:
    """Return the hidden folders that something shown would let through."""
    real = [path.resolve() for path in hides if path.is_dir()]
    return [path for path in real if any(path.is_relative_to(above) for above in shown)]


def _as_account(account: Account | None, *more: str) -> tuple[str, ...]:
    """Return the words that become the account; without one only root's own precautions are left out."""
    who = (f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups") if account else ()
    return ("setpriv", *who, *more, "--") if account or "--pdeathsig" in more else ()


def _write_etc(folder: Path, account: Account) -> None:
    """Give the account behind the walls a name: initdb asks for it."""
    texts = {
        "passwd": f"drill:x:{account.uid}:{account.gid}::/:/usr/sbin/nologin\n",
        "group": f"drill:x:{account.gid}:\n",
    }
    for name, text in texts.items():
        with explained("write", folder / name):
            (folder / name).write_text(text)
            (folder / name).chmod(0o644)
