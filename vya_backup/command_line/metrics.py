"""`doit metrics`: write and push the Prometheus metrics now, or show them."""

from __future__ import annotations

import sys
from typing import Any

from vya_backup.command_line.commands import Looking
from vya_backup.command_line.leaving import print_error
from vya_backup.command_line.options import flag
from vya_backup.errors import UsageError
from vya_backup.jobs.exporting import deliver
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport.pushing import shown


class Metrics(Looking):
    """What every run writes at its end; for a timer of its own, or to see what is written."""

    name = "metrics"
    doc_purpose = "write the Prometheus textfile and push to the Pushgateway, or show the metrics"
    cmd_options = (flag("print", "show them, and write nothing"),)

    def look(self, workspace: Workspace, params: Any, args: list[str]) -> int:
        """Deliver the metrics and fail where one place did not take them, or print them."""
        from prometheus_client import generate_latest

        from vya_backup.outlook import metrics

        if args:
            raise UsageError(f"metrics does not take {args[0]!r}", "Say: doit metrics [--print]")
        settings = workspace.configuration.monitoring.prometheus
        if not (params["print"] or settings.is_wanted):
            raise UsageError(
                "metrics are to be written nowhere",
                "Set monitoring.prometheus.textfile (or pushgateway_url), and enabled: true; or say --print.",
            )
        made = metrics.registry(workspace.catalog, workspace.clock())
        if params["print"]:
            sys.stdout.write(generate_latest(made).decode())
            return 0
        failures = deliver(workspace.configuration, made)
        for failure in failures:
            print_error(failure)
        if not failures:
            places = (str(settings.textfile or ""), shown(settings.pushgateway_url))
            print(f"written: {' and '.join(place for place in places if place)}")
        return 1 if failures else 0
