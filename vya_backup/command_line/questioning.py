"""`doit catalog ask`: an auditor's question from the shell, answered with raw values as CSV or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from vya_backup.command_line.commands import JSON
from vya_backup.command_line.options import Declaration, option
from vya_backup.command_line.session import looking
from vya_backup.decisions.tabular import csv_pieces
from vya_backup.errors import UsageError
from vya_backup.history.questions import Parameter, ask, question, questions


def ask_catalog(options: Mapping[str, Any]) -> int:
    """Answer one question, or list them all where none is named.

    Raises:
        UsageError: there is no such question, or it does not take what was said.
        CatalogMissing: nothing was ever backed up.
    """
    if not options["question"]:
        return _list(bool(options["json"]))
    asked = question(str(options["question"]))
    said = {one.name: options[one.name] for one in _every_parameter() if options[one.name] != ""}
    if "limit" in said and not str(said["limit"]).removeprefix("-").isdigit():
        raise UsageError(f"--limit {said['limit']} is no number", "Say how many rows, or -1 for all.")
    with looking() as workspace:
        answer = ask(workspace.catalog, asked, said)
    if options["json"]:
        sys.stdout.write(json.dumps(answer.dicts(), indent=1, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(b"".join(csv_pieces(answer.columns, answer.rows)).decode())
    return 0


def _list(as_json: bool) -> int:
    if as_json:
        told = [{"name": q.name, "title": q.title, "serves": q.serves, "takes": list(q.takes)} for q in questions()]
        sys.stdout.write(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("".join(f"{q.name:<24}{q.title}\n{'':<24}{q.serves}\n" for q in questions()))
    return 0


def _every_parameter() -> list[Parameter]:
    """Return the parameters of all questions, each once."""
    return list({parameter.name: parameter for one in questions() for parameter in one.parameters}.values())


def ask_options() -> tuple[Declaration, ...]:
    """Return the options of the command, for whoever declares it."""
    return (
        JSON,
        option("question", "which one; without it they are listed"),
        *(option(parameter.name, parameter.about) for parameter in _every_parameter()),
    )
