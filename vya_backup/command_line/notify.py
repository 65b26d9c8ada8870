"""`doit notify`; what it takes to send mail is loaded when it is asked for, because every command knows this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vya_backup.command_line.options import flag, option
from vya_backup.command_line.two_words import Action, TwoWord, Word


def _action(name: str) -> Action:
    def act(options: Mapping[str, Any]) -> int:
        from vya_backup.command_line import notify_actions

        return int(getattr(notify_actions, name)(options))

    return act


class Notify(TwoWord):
    """Who is told."""

    name = "notify"
    doc_purpose = "try the channels, show a mail, send the one of the week, tell of a unit that failed"
    words = {  # noqa: RUF012 - a constant, read only
        "test": Word(
            "Send something to each channel, and say what its server answered.",
            _action("try_channels"),
            (flag("dry_run", "show the mail, send nothing"),),
        ),
        "preview": Word(
            "Show the mail about a run.",
            _action("preview"),
            (
                option("run", "the mail about this run, by its id or the beginning of it (default: the newest)"),
                option("html", "write its HTML into this file"),
                flag("digest", "the mail of the week instead"),
            ),
            only_looks=True,
        ),
        "digest": Word(
            "Send the mail of the week, unless it was sent.",
            _action("send_week"),
            (flag("again", "send it although it was sent this week"), flag("dry_run", "show it, send nothing")),
        ),
        "failed": Word(
            "Tell that a unit of systemd failed, also when it was killed.",
            _action("tell_of_unit"),
            (option("unit", "its name"),),
        ),
    }
