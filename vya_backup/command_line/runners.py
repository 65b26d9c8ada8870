"""doit's runners with four of their habits mended.

A group whose member failed counts as a failure, not as an error; what never came to its turn is not forgotten; teardown
runs once; nothing prints a second report.
"""

from __future__ import annotations

import threading
from typing import Any

from doit.exceptions import UnmetDependency
from doit.runner import ERROR, FAILURE, MThreadRunner, Runner


class _Mended:
    """Mixed into both of doit's runners."""

    def _handle_task_error(self, node: Any, fail: Any) -> None:
        if not isinstance(fail, UnmetDependency):
            super()._handle_task_error(node, fail)  # type: ignore[misc]
            return
        # what it depends on has failed and is told; as an error it would turn the exit status into 2, and doit would
        # forget a check that nothing was wrong with: a server that is down would cost a reading of all its backups
        node.run_status = "failure"
        self.reporter.add_failure(node.task, fail)  # type: ignore[attr-defined]
        if self.final_result != ERROR:  # type: ignore[has-type]
            self.final_result = FAILURE
        if not self.continue_:  # type: ignore[attr-defined]
            self._stop_running = True

    def teardown(self) -> None:
        if threading.current_thread() is threading.main_thread():
            super().teardown()  # type: ignore[misc]


class SequentialRunner(_Mended, Runner):  # type: ignore[misc]
    """One task after the other."""


class ThreadRunner(_Mended, MThreadRunner):  # type: ignore[misc]
    """Several tasks at once, each in a thread."""
