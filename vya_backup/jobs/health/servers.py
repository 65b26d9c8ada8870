"""Do the servers answer, may the accounts read everything, and are there tools that understand them?"""

from __future__ import annotations

from collections.abc import Sequence

from vya_backup.decisions.manifest import counted
from vya_backup.engines import engine_for
from vya_backup.jobs.health.finding import SHOWN, Finding, failure, ok, some, warning
from vya_backup.jobs.health.subject import Subject
from vya_backup.transport.tools import find_client

SEE = "See all of it: doit config test-connections"


def tools(subject: Subject) -> Finding:
    """A client of each server's version or newer is installed."""
    problems = [problem for report in subject.reports for problem in report.tool_problems]
    silent = {report.instance for report in subject.reports if not report.server}
    extra = subject.configuration.backup.client_folders
    problems += [
        f"{instance.id}: no client program for {instance.type} is installed"
        for instance in subject.configuration.instances
        if instance.id in silent and not find_client(engine_for(instance.type).dump_tool, extra)
    ]
    if problems:
        return _failed(problems)
    clients = sorted({report.client for report in subject.reports if report.client})
    return _as_far_as_answered(subject, some(clients) or "installed")


def connections(subject: Subject) -> Finding:
    """Every instance answers, is what the configuration says, and shows its databases."""
    reports = subject.reports
    others = {report.instance: {*report.tool_problems, *report.privilege_problems} for report in reports}
    problems = [
        f"{report.instance}: {problem}".replace(f"{report.instance}: {report.instance}", report.instance)
        for report in reports
        for problem in report.problems
        if problem not in others[report.instance]
    ]
    return _failed(problems) if problems else ok(f"{counted(len(reports), 'instance')} answered")


def privileges(subject: Subject) -> Finding:
    """The accounts may read everything that a complete dump needs."""
    problems = [f"{report.instance}: {problem}" for report in subject.reports for problem in report.privilege_problems]
    if problems:
        return _failed(problems)
    answered = [report for report in subject.reports if report.server]
    checked = sum(report.databases_checked for report in answered)
    return _as_far_as_answered(
        subject, f"complete in {counted(checked, 'database')} of {counted(len(answered), 'instance')}"
    )


def _as_far_as_answered(subject: Subject, what: str) -> Finding:
    """What no server answered is not known to be well."""
    silent = [report.instance for report in subject.reports if not report.server]
    return warning(f"{what}; not known of {some(silent)}, which did not answer", SEE) if silent else ok(what)


def _failed(problems: Sequence[str]) -> Finding:
    return failure("; ".join(problems[:SHOWN]) + (" …" if len(problems) > SHOWN else ""), SEE)
