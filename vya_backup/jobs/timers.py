"""Puts the files of the schedule where systemd or cron finds them; what a person changed is never overwritten."""

from __future__ import annotations

import difflib
import os
import pwd
import stat
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vya_backup import clock
from vya_backup.decisions import crontab
from vya_backup.decisions.units import NAME, Installation, is_untouched
from vya_backup.errors import ConfigurationError, StorageFailed, UsageError
from vya_backup.settings.loading import Loaded
from vya_backup.settings.model import Configuration
from vya_backup.transport import service_manager
from vya_backup.transport.disk import explained
from vya_backup.transport.storage.removing import discard
from vya_backup.transport.storage.replacing import replace_readable

LINGERING = Path("/var/lib/systemd/linger")
UNITS = (".service", ".timer")
READ_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH
SITE = f"{NAME}-site.service"
Fate = Literal["write", "same", "remove", "changed by somebody"]


@dataclass(frozen=True)
class Step:
    """What becomes of one file; `text` is what it will hold, None where it goes."""

    path: Path
    fate: Fate
    text: str | None = None
    diff: tuple[str, ...] = ()


def installation(loaded: Loaded, account: str) -> Installation:
    """Return where the program and what it needs lie, as the configuration says.

    Raises:
        ConfigurationError: there is no configuration file that a timer could be told of.
    """
    if loaded.path is None:
        raise ConfigurationError(
            "there is no configuration file, and a timer knows nothing else", "Write one, and name it with --config."
        )
    said = loaded.configuration
    return Installation(
        program=str(_program()),
        config=loaded.path,
        account=account,
        interpreter=Path(sys.executable).resolve(),
        writable=_outermost(_folders(said)),
        optional=_outermost(_databases(said)),
        credential=_key(said),
        publishes=said.catalog.published_path is not None,
        drills_call_out=bool(
            said.drill.instance or said.monitoring.prometheus.pushgateway_url or said.monitoring.opentelemetry.endpoint
        ),
        reads_files=any(instance.type == "sqlite" and instance.enabled for instance in said.instances),
        today=clock.now().date(),
    )


def owner(loaded: Loaded) -> str:
    """Return whose units they are where nobody says it.

    Whoever owns the catalog, for no other can write it; before there is one, who alone can read the configuration.
    """
    catalog, said = loaded.configuration.catalog.path, loaded.path
    with suppress(OSError, KeyError):  # an owner may have a number alone
        if catalog and catalog.exists():
            return catalog.owner()
        if said and not said.stat().st_mode & READ_BY_OTHERS:
            return said.owner()
    return NAME


def plan(files: Mapping[str, str], folder: Path, places: Iterable[Path] = (), *, force: bool = False) -> list[Step]:
    """Return what has to become of each file, of those too that an earlier configuration asked for, in all places."""
    steps = [_step(folder / name, text, force=force) for name, text in files.items()]
    meant = {step.path for step in steps}
    there = [path for place in dict.fromkeys((folder, *places)) for path in installed(place)]
    stale = [path for path in there if path not in meant and is_untouched(_read(path))]
    return [*steps, *(Step(path, "remove") for path in stale)]


def refuse_changed(steps: Iterable[Step]) -> None:
    """Stop before anything is touched where it would go over what a person wrote.

    Raises:
        UsageError: a person changed a file; each difference is told.
    """
    if changed := [step for step in steps if step.fate == "changed by somebody"]:
        told = "\n".join(line for step in changed for line in step.diff)
        raise UsageError(
            f"somebody changed {', '.join(str(step.path) for step in changed)}:\n{told}", "Say --force to overwrite."
        )


def carry_out(steps: Iterable[Step]) -> None:
    """Write and remove.

    Raises:
        UsageError: a person changed a file; nothing was touched, and each difference is told.
        StorageFailed: a file could not be written or removed.
    """
    steps = list(steps)
    refuse_changed(steps)
    for step in steps:
        if step.fate == "write" and step.text is not None:
            if not step.path.parent.is_dir():
                raise StorageFailed(f"there is no folder {step.path.parent}", "Make it, or name another: --folder.")
            replace_readable(step.path, step.text.encode())
        elif step.fate == "remove":
            with explained("remove", step.path):
                discard(step.path)


def installed(folder: Path) -> list[Path]:
    """Return the files of ours in a folder, whoever changed them; drop-ins and the site's unit are a person's own."""
    found = sorted(folder.glob(f"{NAME}-*.*")) if folder.is_dir() else []
    units = [path for path in found if path.suffix in UNITS and path.name != SITE and path.is_file()]
    return [*units, *(path for path in (folder / crontab.FILE,) if path.is_file())]


def unchanged(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Split files into those as they were written, and those that a person changed or made."""
    paths = list(paths)
    ours = [path for path in paths if is_untouched(_read(path))]
    return ours, [path for path in paths if path not in ours]


def waits_for_login() -> str:
    """Return the account whose own timers run only while it is logged in; empty where they always do (loginctl(1))."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # an account that has a number alone can hardly log in
        return ""
    return "" if (LINGERING / name).exists() else name


def run_systemctl(commands: Iterable[tuple[str, ...]]) -> None:
    """Run commands of systemctl, one after the other.

    Raises:
        StorageFailed: one failed; its words say why.
        ToolMissing: there is no systemctl.
    """
    for argv in commands:
        done = service_manager.ask(argv, os.environ)
        if done.status:
            raise StorageFailed(
                f"{' '.join(argv)} failed: {done.stderr.strip()}", "See: systemctl status, journalctl -xe"
            )


def _step(path: Path, text: str, *, force: bool) -> Step:
    if not path.exists():
        return Step(path, "write", text)
    there = _read(path)
    if there == text:
        return Step(path, "same", text)
    if is_untouched(there) or force:
        return Step(path, "write", text)
    lines = difflib.unified_diff(
        there.splitlines(), text.splitlines(), f"{path}", f"{path} (to be written)", lineterm=""
    )
    return Step(path, "changed by somebody", text, tuple(lines))


def _read(path: Path) -> str:
    with explained("read", path):
        return path.read_text(errors="replace")


def _program() -> Path:
    """Return this program: the command beside the interpreter, whatever name it was called by."""
    beside = Path(sys.executable).absolute().with_name(NAME)
    return beside if beside.exists() else Path(sys.argv[0]).absolute()


def _folders(said: Configuration) -> list[Path]:
    files = (
        said.catalog.path,
        said.catalog.published_path,
        said.logging.file_path,
        said.monitoring.prometheus.textfile,
    )
    folders = (said.storage.base_path, said.storage.temp_path, said.drill.folder)
    return [*(file.parent for file in files if file), *(folder for folder in folders if folder)]


def _databases(said: Configuration) -> list[Path]:
    """Return the folders of SQLite databases: whoever reads one in WAL mode writes beside it."""
    found = []
    for instance in said.instances:
        if instance.type == "sqlite" and instance.enabled:
            plain = Path(*(part for part in _until_pattern(Path(instance.path).parts)))
            is_folder = os.path.isdir(plain)  # noqa: PTH112  # pathlib's raises where one above cannot be searched
            found.append(plain if is_folder or plain != Path(instance.path) else plain.parent)
    return found


def _until_pattern(parts: Iterable[str]) -> Iterable[str]:
    for part in parts:
        if any(c in part for c in "*?["):
            return
        yield part


def _outermost(folders: Iterable[Path]) -> tuple[Path, ...]:
    known = sorted(set(folders))
    return tuple(path for path in known if not any(path != one and path.is_relative_to(one) for one in known))


def _key(said: Configuration) -> tuple[str, Path] | None:
    """Return the key that systemd is to hand over: where a key file is named by word, the program reads that one."""
    path = said.credentials.key_path
    if said.credentials.key_file is not None:
        return None
    encrypted = path.with_name(f"{path.name}.cred")
    return (path.name, encrypted) if encrypted.exists() else (path.name, path) if path.exists() else None
