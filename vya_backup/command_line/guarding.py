"""How a command ends: done, refused in one clean line, interrupted, unread, or with a bug's traceback."""

from __future__ import annotations

from collections.abc import Callable

from vya_backup import log
from vya_backup.command_line.leaving import UNCOPIED, print_error
from vya_backup.errors import BackupError
from vya_backup.log.heard import OutputLost, printing


def guarded(action: Callable[[], int], *, only_looks: bool = False) -> int:
    """Run a command: an expected failure is one clean line and its exit status, a bug keeps its traceback (2).

    A reader (head, less) that has seen enough ends a command that only looks well, and any other one badly: whatever
    it was about to do was not done.
    """
    UNCOPIED.clear()
    try:
        with printing():
            status = action()
        return status or (1 if UNCOPIED else 0)
    except BackupError as error:
        log.event("command_failed", level="error", code=error.code, message=error.message, hint=error.hint)
        print_error(error)
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except OutputLost as lost:
        if lost.nobody_reads and only_looks:
            return 0
        log.event("output_lost", level="error", exc_info=True)
        print_error(BackupError(*_told(lost)))
        return 1
    except Exception:
        log.event("bug", level="critical", exc_info=True)
        raise


def _told(lost: OutputLost) -> tuple[str, str]:
    if lost.nobody_reads:
        return "nobody reads what is printed: it stopped on its way", "Say it again, into a file."
    return f"what was printed could not be written: {lost.strerror}", "Say it again where there is room for it."
