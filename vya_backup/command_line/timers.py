"""`doit schedule install` and `remove`: files for systemd or cron, and the commands that make them count."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vya_backup.command_line.options import Declaration, flag, option
from vya_backup.command_line.session import configured, demand_configuration
from vya_backup.decisions import crontab
from vya_backup.decisions.units import NAME, Installation, timers, unit_files
from vya_backup.errors import UsageError
from vya_backup.jobs.timers import (
    Step,
    carry_out,
    installation,
    installed,
    owner,
    plan,
    refuse_changed,
    run_systemctl,
    unchanged,
    waits_for_login,
)
from vya_backup.log.heard import say
from vya_backup.outlook.fitting import fitted
from vya_backup.settings.loading import Loaded
from vya_backup.settings.places import user_units
from vya_backup.settings.scheduling_model import Scheduling
from vya_backup.transport.disk import explained

LINGER = "loginctl enable-linger"
SYSTEM, CRON = Path("/etc/systemd/system"), Path("/etc/cron.d")

_PLACE: tuple[Declaration, ...] = (
    flag("user", "in your own systemd, or your own crontab"),
    option("folder", f"where the files go (default: {SYSTEM}, {CRON}, or ~/.config/systemd/user)"),
    flag("dry_run", "show the files, write nothing"),
    flag("now", "also run the commands of systemctl that make them count"),
)
INSTALL: tuple[Declaration, ...] = (
    *_PLACE,
    option("account", f"who the runs are run as (default: who owns the catalog; without one, {NAME})"),
    flag("force", "overwrite what a person changed"),
)
REMOVE = _PLACE


def install(options: Mapping[str, Any]) -> int:
    """Write what `scheduling` asks for; a second time changes nothing.

    Raises:
        UsageError: scheduling is switched off.
        UsageError: a person changed a file.
    """
    loaded = demand_configuration(configured())
    said = loaded.configuration.scheduling
    if not said.enabled:
        raise UsageError("scheduling.enabled is false, so there is nothing to install", "Set it to true.")
    place = installation(loaded, "" if options["user"] else str(options["account"] or owner(loaded)))
    folder = _folder(options, loaded)
    files = _cron_files(said, place) if said.method == "cron" else unit_files(said, place)
    steps = plan(files, folder, _places(options), force=bool(options["force"]))
    if options["dry_run"]:
        return _show(files, folder, steps)
    refuse_changed(steps)
    _demand_writable(folder)
    _disable(options, [step.path for step in steps if step.fate == "remove"])
    if said.method != "cron" and folder == user_units(os.environ):
        with explained("make", folder):
            folder.mkdir(parents=True, exist_ok=True)  # who never had a unit of his own has no such folder
    carry_out(steps)
    _tell(steps)
    _warn_of_what_is_missing(place)
    if said.method != "cron":
        _make_count(_enabling(options, timers(files)), now=bool(options["now"]))
        if options["user"] and (name := waits_for_login()):
            _note(f"your own timers run only while you are logged in, until you say: {LINGER} {name}")
    return 0


def remove(options: Mapping[str, Any]) -> int:
    """Remove what `install` wrote, for systemd and for cron; files that a person changed are named and stay."""
    demand_configuration(configured())
    places = _places(options)
    found = [path for place in places for path in installed(place)]
    ours, others = unchanged(found)
    if not options["dry_run"]:
        for folder in {path.parent for path in ours}:
            _demand_writable(folder)
    _disable(options, ours)
    steps = [Step(path, "remove") for path in ours]
    if not options["dry_run"]:
        carry_out(steps)
    _tell(steps, is_done=not options["dry_run"])
    for path in others:
        _note(f"{path} stays: somebody changed it, or made it")
    if not found:
        print(f"there is nothing to remove in {' and '.join(map(str, places))}")
    return 1 if others else 0


def _demand_writable(folder: Path) -> None:
    """Refuse before the first word to systemd what only root may do."""
    if folder in {SYSTEM, CRON} and folder.is_dir() and not os.access(folder, os.W_OK):
        raise UsageError(f"{folder} is not yours to write", "Say it with sudo, or --user for timers of your own.")


def _cron_files(said: Scheduling, place: Installation) -> dict[str, str]:
    """Return the table of the system; a person's own is printed, because only `crontab` may write it."""
    text = crontab.cron_table(said, place)
    if place.account:
        return {crontab.FILE: text}
    print(text, end="")
    _note("put these lines into your own table with: crontab -e")
    return {}


def _warn_of_what_is_missing(place: Installation) -> None:
    if place.account:
        _warn_of_account(place.account)
    for path in place.writable:
        if not path.is_dir():
            _note(f"there is no folder {path} yet: install -d -o {place.account or 'YOU'} -m 0700 {path}")


def _disable(options: Mapping[str, Any], leaving: Sequence[Path]) -> None:
    """Have systemd forget timers before their files go, by word or by deed: it would go on starting them."""
    names = timers({path.name: "" for path in leaving})
    argv = (*_systemctl(options), "disable", "--now", *names)
    if names and options["now"] and not options["dry_run"]:
        run_systemctl([argv])
    elif names:
        print(f"run first: {' '.join(argv)}")


def _places(options: Mapping[str, Any]) -> tuple[Path, ...]:
    """Return every folder that holds files of timers, whichever method wrote them."""
    if options["folder"]:
        return (Path(str(options["folder"])).absolute(),)
    return (user_units(os.environ),) if options["user"] else (SYSTEM, CRON)


def _folder(options: Mapping[str, Any], loaded: Loaded) -> Path:
    if options["folder"]:
        return Path(str(options["folder"])).absolute()
    if loaded.configuration.scheduling.method == "cron":
        return CRON
    return user_units(os.environ) if options["user"] else SYSTEM


def _systemctl(options: Mapping[str, Any]) -> tuple[str, ...]:
    return ("systemctl", "--user") if options["user"] else ("systemctl",)


def _enabling(options: Mapping[str, Any], names: Sequence[str]) -> list[tuple[str, ...]]:
    systemctl = _systemctl(options)
    return [(*systemctl, "daemon-reload"), (*systemctl, "enable", "--now", *names)]


def _make_count(commands: Sequence[tuple[str, ...]], *, now: bool) -> None:
    if now:
        run_systemctl(commands)
        print("the timers run: doit schedule show")
        return
    print("then run:")
    for argv in commands:
        print(f"  {' '.join(argv)}")


def _show(files: Mapping[str, str], folder: Path, steps: Sequence[Step]) -> int:
    for name, text in files.items():
        print(f"# {folder / name}\n{text}")
    _tell([step for step in steps if step.fate == "remove"], is_done=False)
    return 0


def _tell(steps: Sequence[Step], *, is_done: bool = True) -> None:
    words = {"write": "written", "same": "unchanged", "remove": "removed" if is_done else "would be removed"}
    for step in steps:
        print(f"{words[step.fate]}: {step.path}")


def _warn_of_account(account: str) -> None:
    try:
        pwd.getpwnam(account)
    except KeyError:
        _note(f"there is no account {account} yet: useradd --system --home-dir /var/lib/vya_backupdb {account}")


def _note(text: str) -> None:
    say(fitted(f"note: {text}", sys.stderr), sys.stderr)
