"""`doit notify`; what it takes to send mail is loaded when it is asked for, because every command knows this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vya_backup.command_line.administration import Action, TwoWord, option
from vya_backup.command_line.options import flag


def _action(name: str) -> Action:
    def act(options: Mapping[str, Any]) -> int:
        from vya_backup.command_line import notify_actions

        return int(getattr(notify_actions, name)(options))

    return act


class Notify(TwoWord):
    """Who is told."""

    name = "notify"
    doc_purpose = "try the channels, show a mail, send the one of the week, tell of a unit that failed"
    doc_usage = "test [--dry-run] | preview [--run ID] [--html F] | digest [--again] | failed --unit NAME"
    only_look = frozenset({"preview"})
    words = {  # noqa: RUF012 - a constant, read only
        "test": (_action("try_channels"), (flag("dry_run", "show the mail, send nothing"),)),
        "preview": (
            _action("preview"),
            (
                option("run", "the mail about this run, by its id or the beginning of it (default: the newest)"),
                option("html", "write its HTML into this file"),
                flag("digest", "the mail of the week instead"),
            ),
        ),
        "digest": (
            _action("send_week"),
            (flag("again", "send it although it was sent this week"), flag("dry_run", "show it, send nothing")),
        ),
        "failed": (_action("tell_of_unit"), (option("unit", "the unit of systemd that failed"),)),
    }
