"""Where an installation lies when nobody says otherwise: the system's places, a user's own, a folder that is worked in.

The rule: every default path of the program stands here, and follows from where the configuration file lies.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NAME = "vya_backupdb"
IN_CHECKOUT = Path("config/config.yaml")


@dataclass(frozen=True)
class Places:
    """One installation's files and folders; credentials lie in `.secrets` beside the configuration."""

    configuration: Path
    catalog: Path
    backups: Path

    @property
    def base(self) -> Path:
        """Return the folder that relative paths of the configuration start from."""
        return base_folder(self.configuration)


SYSTEM = Places(Path(f"/etc/{NAME}/config.yaml"), Path(f"/var/lib/{NAME}/catalog.db"), Path(f"/var/backups/{NAME}"))


def of_user(environ: Mapping[str, str]) -> Places:
    """Return the places of the account that runs the program (XDG Base Directory Specification)."""
    return Places(
        _config_home(environ) / NAME / "config.yaml",
        _xdg(environ, "XDG_STATE_HOME", ".local/state") / NAME / "catalog.db",
        _xdg(environ, "XDG_DATA_HOME", ".local/share") / NAME / "backups",
    )


def of_file(configuration: Path, environ: Mapping[str, str]) -> Places:
    """Return the places that belong to a configuration file, wherever it lies."""
    path = configuration.absolute()
    for known in (SYSTEM, of_user(environ)):
        if path == known.configuration:
            return known
    base = base_folder(path)
    return Places(path, base / "catalog" / "catalog.db", base / "backups")


def searched(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return where a configuration file is looked for when none is named, in this order."""
    return (IN_CHECKOUT, of_user(environ).configuration, SYSTEM.configuration)


def to_begin(environ: Mapping[str, str], *, as_root: bool) -> Places:
    """Return where a first configuration goes: in a checkout there, for root or where /etc has one the system's."""
    if Path("dodo.py").is_file() and Path("config/config.example.yaml").is_file():
        return of_file(IN_CHECKOUT, environ)
    if as_root or os.access(SYSTEM.configuration.parent, os.W_OK):
        return SYSTEM
    return of_user(environ)


def base_folder(path: Path | None) -> Path:
    """Return the folder that relative paths of this configuration file start from."""
    folder = path.absolute().parent if path else Path.cwd()
    return folder.parent if path and folder.name == "config" else folder


def user_units(environ: Mapping[str, str]) -> Path:
    """Return where the units of the account's own systemd lie (systemd.unit(5))."""
    return _config_home(environ) / "systemd/user"


def _config_home(environ: Mapping[str, str]) -> Path:
    return _xdg(environ, "XDG_CONFIG_HOME", ".config")


def _xdg(environ: Mapping[str, str], variable: str, otherwise: str) -> Path:
    said = Path(environ.get(variable, ""))
    if said.is_absolute():
        return said  # a relative one is invalid, says the specification
    return _home(environ) / otherwise


def _home(environ: Mapping[str, str]) -> Path:
    try:
        return Path(environ.get("HOME") or Path.home())
    except RuntimeError:  # an account that has a number alone, as in containers
        return Path("/")
