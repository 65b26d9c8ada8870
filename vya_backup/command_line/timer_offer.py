"""Where a first contact meets the timers: the one function that installs them, or says what starts backups instead."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from vya_backup.command_line.conversation import Conversation
from vya_backup.settings.loading import Loaded
from vya_backup.settings.places import SYSTEM

COMMAND = "schedule"


def offer_timer(talk: Conversation, loaded: Loaded) -> str:
    """Install the timer where that is wanted and can be done; return what it is, or nothing where there is none."""
    from vya_backup.command_line.main import LOOKING, main  # it knows `init`

    if talk.options["no_timer"] or COMMAND not in {command.get_name() for command in LOOKING}:
        return ""
    if not talk.agreed("Install a timer that backs up every night?", by_default=True):
        return ""
    words = [COMMAND, "install", *([] if loaded.path == SYSTEM.configuration else ["--user"])]
    return "installed" if main(words) == 0 else ""


def by_cron(loaded: Loaded) -> str:
    """Return what a line of cron runs."""
    program = Path(sys.executable).with_name("vya-backupdb")
    return shlex.join([str(program), "--config", str(loaded.path), "backup"])
