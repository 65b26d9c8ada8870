"""Looks at a restored file and prints JSON; nothing is written, and nothing but the one file is opened."""

from __future__ import annotations

import json
import sys
from contextlib import closing

import access  # type: ignore[import-not-found]
import survey as surveys  # type: ignore[import-not-found]

_ONLY_LOOK = "mode=ro&immutable=1"


def survey(path: str) -> None:
    """Print what the file holds, every row counted."""
    with closing(access.connect(path, _ONLY_LOOK)) as connection:
        json.dump(surveys.full(lambda sql: connection.execute(sql).fetchall()), sys.stdout)


def ask(path: str, sql: str) -> None:
    """Print the first column of the first row of a SELECT; null without a row."""
    with closing(access.connect(path, _ONLY_LOOK)) as connection:
        row = connection.execute(sql).fetchone()
    json.dump(row[0] if row else None, sys.stdout, default=str)


VERBS = {"survey": survey, "ask": ask}
