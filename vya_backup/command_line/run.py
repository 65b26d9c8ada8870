"""`doit run`, as this project means it: close orphans, discover, plan, let doit work, and say what came of it.

Exit status: 0 done or up to date, 1 something failed as failures do, 2 a bug, 3 the command or the configuration is
wrong, 130 and 143 after SIGINT and SIGTERM.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import doit.cmd_run
from doit.control import TaskControl
from doit.exceptions import InvalidCommand
from doit.task import Stream

from vya_backup import log
from vya_backup.command_line import backend, selecting, timing, verify_choosing
from vya_backup.command_line.announcing import names_something, ping_start
from vya_backup.command_line.guarding import guarded
from vya_backup.command_line.help_pages import HELP, Explained
from vya_backup.command_line.hooked import hooked
from vya_backup.command_line.options import Selection, read, spelled_for_doit, written
from vya_backup.command_line.ownership import demand_own
from vya_backup.command_line.report import ScreenReporter
from vya_backup.command_line.runners import SequentialRunner, ThreadRunner
from vya_backup.command_line.session import Session, keys_in, run_started, running
from vya_backup.command_line.task_help import TaskHelp
from vya_backup.command_line.tasks import task_backup
from vya_backup.errors import ConfigurationError, UsageError
from vya_backup.history.run import Run as Begun
from vya_backup.history.views import known_databases
from vya_backup.jobs.circumstances import room_left, told_to
from vya_backup.jobs.copying import unmounted
from vya_backup.jobs.discovery import describe, discover, empty, vanished
from vya_backup.jobs.orphans import close_orphans
from vya_backup.jobs.planning import plan, wanted_from_discovery, wanted_from_history
from vya_backup.outlook.tables import plan_lines
from vya_backup.transport.gentleness import step_back
from vya_backup.transport.processes import stop

SIGNAL_BASE = 128


def is_ours(command: Any, params: Any) -> bool:
    """Say whether the tasks that a doit command is about are ours: in others' folders doit does as it always does."""
    command.loader.setup(params)
    command.loader.setup = lambda params: None  # it changes the folder, so that a second time finds no `-f FILE`
    return command.loader.namespace.get("task_backup") is task_backup


class Run(Explained, doit.cmd_run.Run):  # type: ignore[misc]
    """Replaces doit's own `run`."""

    name = "run"
    doc_purpose = "back up, restore, verify: run tasks (the default command)"
    doc_usage = "[TASK...]"
    doc_description = "The options here are doit's; those of a task follow its name, and `help TASK` lists them."

    def __init__(self, **surroundings: Any) -> None:
        """Keep what a page of help needs."""
        super().__init__(**surroundings)
        self._surroundings = surroundings

    def parse_execute(self, in_args: Sequence[str]) -> int:
        """Run, or show the page of the task that `--help` stands behind."""
        rest = [word for word in in_args if word not in HELP]
        if len(rest) < len(in_args):
            params, tasks = self.cmdparser.parse(rest)
            if is_ours(self, params):
                return int(TaskHelp(**self._surroundings).parse_execute(tasks[:1]) or 0)
        return super().parse_execute(in_args)

    def execute(self, params: Any, args: Sequence[str]) -> int:
        """Run the selected tasks; the module says what the exit status means."""
        if not is_ours(self, params):
            stock = doit.cmd_run.Run(task_loader=self.loader, config=self.config, bin_name=self.bin_name)
            return int(stock.execute(params, args) or 0)
        return guarded(lambda: self._run(params, read(spelled_for_doit(args))))

    def _run(self, params: Any, selections: list[Selection]) -> int:
        if params["par_type"] == "process" and "par_type" in params._non_default_keys:  # noqa: SLF001 - doit's own way
            raise InvalidCommand("-P process is closed: it would lose events; dumps run side by side in threads")
        stop.install()
        with running(selections) as session:
            demand_own(session, selections)
            known = keys_in(session.workspace)
            session.selections = selecting.prunes(selecting.restores(selections, known), known)
            started = run_started(session.loaded, session.selections)
            with session.workspace.catalog.run(started, told_to(session.workspace.configuration)) as run:
                log.event("run_began", command=started.command, version=started.version)
                try:
                    status = hooked(session, started.command, lambda: self._within(session, params, run))
                except (ConfigurationError, UsageError) as error:
                    # what is recorded of it has an end
                    run.finish(error.exit_status, {})
                    raise
                if stop.requested:
                    status = SIGNAL_BASE + stop.requested
                results = Counter(result.verdict for result in session.screen.results)
                run.finish(status, results, room_left(session.workspace))
                if not run.is_recorded:
                    log.event("run_ended", level="error" if status else "info", exit_status=status, results=results)
            return status

    def _within(self, session: Session, params: Any, begun: Begun) -> int:
        chosen = selecting.backups(session.selections)
        lists_only = any(s.options.get("list_databases") for s in chosen)
        is_dry_run = any(s.options.get("dry_run") for s in session.selections) or _is_dry_by_default(session, chosen)
        if not (lists_only or is_dry_run):
            for sentence in close_orphans(session.workspace):
                session.screen.line(f"warning: {sentence}")
            if chosen and (doubt := unmounted(session.workspace)):
                session.screen.line(f"warning: {doubt} New backups are made there all the same.")
            timing.account(session)
            if not names_something(session.selections):
                ping_start(session.workspace, session.selections, begun.run_id)
        if chosen:
            _discover_and_plan(session, chosen, record=not (lists_only or is_dry_run))
            if lists_only:
                return _show(session, [line for d in session.discoveries for line in describe(d)])
            if is_dry_run:
                return _show(session, plan_lines(session.planned, session.workspace))
        verify_choosing.choose(session)
        if any(s.options.get("dry_run") for s in session.selections if s.group == verify_choosing.GROUP):
            return _show(session, verify_choosing.lines(session))
        if names_something(session.selections):  # only now is it sure that there is what was named
            ping_start(session.workspace, session.selections, begun.run_id)
        return self._work(session, params)

    def _work(self, session: Session, params: Any) -> int:
        backend.use(session.workspace.catalog)
        params["num_process"] = _threads(session, params)
        _step_back(session)
        try:
            return int(super().execute(params, written(session.selections)))
        finally:
            session.screen.summary()
            verify_choosing.confess_overdue(session)
            backend.use(None)

    def _execute(
        self,
        verbosity: int | None = None,
        always: bool = False,
        num_process: int = 0,
        failure_verbosity: int = 0,
    ) -> int:
        self.control = TaskControl(self.task_list)
        self.control.process(self.sel_tasks)
        reporter = ScreenReporter(self.outstream, {"failure_verbosity": failure_verbosity})
        arguments = (self.dep_manager, reporter, True, always, Stream(verbosity))
        runner = ThreadRunner(*arguments, num_process) if num_process else SequentialRunner(*arguments)
        return int(runner.run_all(self.control.task_dispatcher()))


def _discover_and_plan(session: Session, chosen: Sequence[Selection], *, record: bool) -> None:
    workspace = session.workspace
    enabled = {instance.id: instance for instance in workspace.enabled_instances()}
    meant = selecting.instances_meant(chosen, list(enabled))
    before = known_databases(workspace.catalog)
    session.discoveries = discover(workspace, [enabled[name] for name in meant], record=record)
    for instance in empty(session.discoveries):
        session.screen.line(f"warning: {instance} shows this account no database to back up")
    for key in vanished(before, session.discoveries):
        session.screen.line(f"warning: {key} was there before and is gone; its backups stay")
    answered = [wanted_from_discovery(d) for d in session.discoveries if d.error is None]
    silent = {d.instance.id for d in session.discoveries if d.error is not None}
    remembered = [wanted for wanted in wanted_from_history(workspace) if wanted.instance.id in silent]
    forced = [selection for selection in chosen if selection.options.get("force")]
    planned = plan(
        workspace,
        answered + remembered,
        now=workspace.clock(),
        forced=lambda key: any(selecting.covers(selection, key) for selection in forced),
    )
    selecting.demand_found(chosen, [one.key for one in planned])
    session.planned = [one for one in planned if any(selecting.covers(selection, one.key) for selection in chosen)]


def _step_back(session: Session) -> None:
    """Make a run that backs up gentle, before its threads begin."""
    settings = session.workspace.configuration.backup
    if selecting.backups(session.selections) and (problem := step_back(settings.nice, settings.io_class)):
        session.screen.line(f"warning: {problem}")


def _is_dry_by_default(session: Session, chosen: Sequence[Selection]) -> bool:
    return bool(chosen) and session.workspace.configuration.backup.dry_run


def _show(session: Session, lines: Sequence[str]) -> int:
    for line in lines:
        session.screen.line(line)
    return 1 if any(d.error is not None for d in session.discoveries) else 0


def _threads(session: Session, params: Any) -> int:
    """Return how many tasks run at once: as said for doit, for the task, or configured; restores run one by one."""
    if "num_process" in params._non_default_keys:  # noqa: SLF001 - doit's own way to tell a default
        return int(params["num_process"])
    tasks = [s for s in session.selections if s.group != "recover"]  # one task, with workers of its own
    said = [int(s.options["workers"]) for s in tasks if s.options.get("workers")]
    is_parallel = bool(selecting.backups(session.selections)) or bool(session.verifying)
    return max(said) if said else session.workspace.configuration.backup.parallel if is_parallel else 0
