"""`doit health`: every check at once, each with its remedy; exit status 1 when one failed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from vya_backup.command_line.commands import JSON, show
from vya_backup.command_line.guarding import guarded
from vya_backup.command_line.help_pages import Explained
from vya_backup.command_line.options import Declaration
from vya_backup.command_line.session import configured, demand_configuration
from vya_backup.errors import ConfigurationError, UsageError
from vya_backup.jobs.health.examination import examine, unconfigured
from vya_backup.jobs.health.finding import Named
from vya_backup.jobs.health.subject import Subject
from vya_backup.outlook.health_tables import health_lines, health_values, is_healthy


class Health(Explained):
    """The whole installation; nothing is written anywhere."""

    name = "health"
    doc_purpose = "check configuration, servers, space, backups, history, timer; exit 1 if anything fails"
    cmd_options: tuple[Declaration, ...] = (JSON,)

    def execute(self, params: Any, args: Sequence[str]) -> int:
        """Examine and show."""
        return guarded(lambda: _examine(params, list(args)), only_looks=True)


def _examine(params: Any, args: list[str]) -> int:
    if args:
        raise UsageError(f"health does not take {args[0]!r}", "Say: doit health [--json]")
    findings = _findings()
    show(params, lambda: health_values(findings), lambda: health_lines(findings))
    return 0 if is_healthy(findings) else 1


def _findings() -> list[Named]:
    try:
        loaded = demand_configuration(configured())
    except ConfigurationError as error:
        return unconfigured(error)
    with closing(Subject(loaded)) as subject:
        return examine(subject)
