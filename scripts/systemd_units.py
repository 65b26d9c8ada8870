"""Writes `config/systemd` again: what `doit schedule install` makes of the defaults, set up as the manual says."""

from __future__ import annotations

from pathlib import Path

from vya_backup.decisions.units import Installation, unit_files
from vya_backup.settings.scheduling_model import Scheduling

FOLDER = Path(__file__).parents[1] / "config/systemd"
KEY = Path("/etc/vya_backupdb/.secrets/credentials.key")
AS_THE_MANUAL_SAYS = Installation(
    program="/opt/vya-backupdb/.venv/bin/vya-backupdb",
    config=Path("/etc/vya_backupdb/config.yaml"),
    account="vya-backupdb",
    writable=(Path("/var/backups/vya_backupdb"), Path("/var/lib/vya_backupdb")),
    credential=(KEY.name, KEY),
)


def shipped() -> dict[str, str]:
    """Return the files that ship, by name; the site's is written by hand."""
    return unit_files(Scheduling(), AS_THE_MANUAL_SAYS)


if __name__ == "__main__":
    for name, text in shipped().items():
        (FOLDER / name).write_text(text)
        print(FOLDER / name)
