"""Copies, loads and swaps SQLite files for the engine: run as `python -I -S FOLDER VERB ARGUMENT…`.

The rule: import little, because a thousand databases are backed up in one run. A failure ends with status 1 and
`CODE: message` as the last line of standard error; `engine.explain_tool` knows the codes.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

import access  # type: ignore[import-not-found]  # the folder itself is on the path; the package is too slow to import


def main(verb: str, *arguments: str) -> None:
    """Do what the verb says."""
    if verb == "dump":
        import dumping  # type: ignore[import-not-found]

        dumping.dump(*arguments)
    elif verb in {"survey", "ask"}:
        import looking  # type: ignore[import-not-found]

        looking.VERBS[verb](*arguments)
    else:
        import restoring  # type: ignore[import-not-found]

        restoring.VERBS[verb](*arguments)


def _stop(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)  # unwinds, so that the temporary copy is removed


if __name__ == "__main__":
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop_signal, _stop)
    with access.failures_as_last_line():
        main(*sys.argv[1:])
