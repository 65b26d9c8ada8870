"""Where a first contact meets the timers: the one function that installs them, or says what starts backups instead."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vya_backup.command_line.conversation import Conversation
from vya_backup.settings.loading import Loaded
from vya_backup.settings.places import SYSTEM, of_user

COMMAND = "schedule"
NO_TIMER, TIMER = "none yet", "installed"
SYSTEMD_RUNS = Path("/run/systemd/system")
"""There while systemd is the system's manager: sd_booted(3)."""


def offer_timer(talk: Conversation, loaded: Loaded) -> str:
    """Install the timer where that is wanted and can be done; return what there is of it now.

    It is offered for the system's configuration and the user's own: any other could be one of many on a machine.
    """
    from vya_backup.command_line.main import main  # it knows `init`

    if loaded.path is None or not is_offered(talk.options, loaded.path):
        return NO_TIMER
    if not talk.agreed("Install a timer that backs up every night?", by_default=True):
        return NO_TIMER
    whose = ["--account", loaded.path.owner()] if loaded.path == SYSTEM.configuration else ["--user"]  # can read it
    now = ["--now"] if SYSTEMD_RUNS.is_dir() else []
    if main([COMMAND, "install", *whose, *now]):
        return NO_TIMER
    return TIMER if now else "its files are there, and systemd does not run here"


def is_offered(options: Mapping[str, Any], configuration: Path) -> bool:
    """Say whether a timer will be offered for a configuration file."""
    return not options["no_timer"] and configuration in {SYSTEM.configuration, of_user(os.environ).configuration}


def by_cron(loaded: Loaded) -> str:
    """Return what a line of cron runs."""
    program = Path(sys.executable).with_name("vya-backupdb")
    return shlex.join([str(program), "--config", str(loaded.path), "backup"])
