"""`vya-backupdb`: doit with this project's tasks and commands, from any folder, without a checkout.

Options before the command are global: `--config FILE`, `--verbose`, `--quiet`, `--version`.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from doit.cmd_base import ModuleTaskLoader
from doit.cmd_completion import TabCompletion
from doit.cmd_info import Info
from doit.cmd_list import List
from doit.doit_cmd import DoitMain

from vya_backup import __version__
from vya_backup.command_line import backend, tasks
from vya_backup.command_line.administration import Config, Credentials
from vya_backup.command_line.beginning import Init
from vya_backup.command_line.commands import Audit, Backups, Databases, NoClean, NoIgnore, Plan, Status
from vya_backup.command_line.doit_settings import DOIT_CONFIG
from vya_backup.command_line.evidence import Evidence
from vya_backup.command_line.forgetting import Forget
from vya_backup.command_line.health import Health
from vya_backup.command_line.help_pages import asks_for_help
from vya_backup.command_line.holding import Hold, Release
from vya_backup.command_line.leaving import print_error
from vya_backup.command_line.metrics import Metrics
from vya_backup.command_line.notify import Notify
from vya_backup.command_line.options import demand_no_blanks
from vya_backup.command_line.rebuilding import CatalogCommand
from vya_backup.command_line.run import Run
from vya_backup.command_line.scheduling import ScheduleCommand
from vya_backup.command_line.session import GLOBAL_CONFIG, GLOBAL_WORDS
from vya_backup.command_line.task_help import TaskHelp
from vya_backup.command_line.users import Users
from vya_backup.errors import UsageError

YOUNG_OBJECTS = 10_000  # Python's default of 700 makes a tenth of a short run a search for garbage that is not there

LOOKING = (
    *(Backups, Plan, Databases, Status, Health, Metrics, Audit, CatalogCommand),
    *(Config, Credentials, Evidence, Hold, Init, Notify, Release, ScheduleCommand, Users),
)


class Main(DoitMain):  # type: ignore[misc]
    """doit under another name, reading no configuration of its own from the working directory."""

    BIN_NAME = "vya-backupdb"
    DOIT_CMDS = (TaskHelp, Run, List, Info, Forget, TabCompletion, NoClean, NoIgnore, *LOOKING)

    @staticmethod
    def print_version() -> None:
        """Print this program's version."""
        sys.stdout.write(f"vya-backupdb {__version__}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status."""
    _demand_streams()
    _demand_folder()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    try:
        words = list(sys.argv[1:] if arguments is None else arguments)
        demand_no_blanks(words)
        rest = _without_globals(words)
    except UsageError as error:
        print_error(error)
        return error.exit_status
    others = (tasks.task_drill, tasks.task_prune, tasks.task_recover, tasks.task_restore, tasks.task_verify)
    creators = (tasks.task_backup, *others)
    loader = ModuleTaskLoader({creator.__name__: creator for creator in creators})
    settings = {"GLOBAL": dict(DOIT_CONFIG), "BACKEND": {"catalog": f"{backend.__name__}:CatalogBackend"}}
    return int(Main(loader, config_filenames=(), extra_config=settings).run(rest) or 0)


def _demand_streams() -> None:
    """Put nothing in the place of a standard stream that was closed, before a file of ours takes its descriptor."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free, which is this one
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r"))


def _demand_folder() -> None:
    """Go on in the topmost folder where the one that it was started in is gone: no relative path means anything."""
    try:
        os.getcwd()  # noqa: PTH109 - no path is wanted
    except FileNotFoundError:
        os.chdir("/")
        print("note: the working folder is gone; going on in /", file=sys.stderr)


def _without_globals(words: list[str]) -> list[str]:
    while words and words[0].startswith("--"):
        name, _, value = words[0].partition("=")
        if name == "--config":
            if not value and len(words) < 2:
                raise UsageError("--config needs a file")
            GLOBAL_CONFIG.append(Path(value or words.pop(1)))
        elif name in {"--verbose", "--quiet"}:
            GLOBAL_WORDS.add(name)
        else:
            break
        words.pop(0)
    if not asks_for_help(words):
        return words
    return ["help", *[word for word in words if not word.startswith("-")][:1]]
