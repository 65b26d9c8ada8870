"""doit's runners with three of their habits mended.

A group whose member failed counts as a failure, not as an error; teardown runs once; nothing prints a second report.
"""

from __future__ import annotations

import threading
from typing import Any

from doit.exceptions import UnmetDependency
from doit.runner import ERROR, FAILURE, MThreadRunner, Runner


class _Mended:
    """Mixed into both of doit's runners."""

    def _handle_task_error(self, node: Any, fail: Any) -> None:
        before = self.final_result  # type: ignore[has-type]
        super()._handle_task_error(node, fail)  # type: ignore[misc]
        if isinstance(fail, UnmetDependency):
            # what it depends on has failed and is told; as an error it would turn the exit status into 2
            self.final_result = before if before == ERROR else FAILURE

    def teardown(self) -> None:
        if threading.current_thread() is threading.main_thread():
            super().teardown()  # type: ignore[misc]


class SequentialRunner(_Mended, Runner):  # type: ignore[misc]
    """One task after the other."""


class ThreadRunner(_Mended, MThreadRunner):  # type: ignore[misc]
    """Several tasks at once, each in a thread."""
