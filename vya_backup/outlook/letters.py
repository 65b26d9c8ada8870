"""Writes letters from tidings: text and HTML from templates, the operator's own where there are some.

The rule: a template of the operator's is never needed for a letter to leave: where it is broken the built-in one is
taken, and the letter says so. Templates run in a sandbox, and whatever they are given is escaped.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vya_backup.decisions.metadata import human_size
from vya_backup.decisions.tidings import Coverage, Letter, Line, Tidings, Week, plain
from vya_backup.outlook.figures import human_age, human_duration
from vya_backup.outlook.tables import WIDTH, table
from vya_backup.resources import resource
from vya_backup.settings.notifications_model import EmailTemplates
from vya_backup.transport.bounded import within

if TYPE_CHECKING:
    import jinja2

BUILT_IN: Final = "config/email"
RENDER_SECONDS: Final = 10.0
MOST_CHARACTERS: Final = 2_000_000
DEFAULTS: Final = EmailTemplates()


def letter(tidings: Tidings, templates: EmailTemplates = DEFAULTS) -> Letter:
    """Return the letter about a run; `templates` are the configured ones."""
    name = templates.success if tidings.level == "SUCCESS" else templates.error
    default = DEFAULTS.success if tidings.level == "SUCCESS" else DEFAULTS.error
    return _written(tidings, None, templates.folder, (name, default))


def digest(tidings: Tidings, week: Week, templates: EmailTemplates = DEFAULTS) -> Letter:
    """Return the letter about a week."""
    return _written(tidings, week, templates.folder, (templates.digest, DEFAULTS.digest))


def _written(tidings: Tidings, week: Week | None, folder: Path | None, names: tuple[str, str]) -> Letter:
    configured, default = names
    problem = ""
    if folder is not None:
        try:
            text, html = within(RENDER_SECONDS, lambda: _rendered(tidings, week, folder, configured), "a template")
            return Letter(tidings.subject, text, html)
        except Exception as error:  # noqa: BLE001 - whatever a template does, somebody has to be told of the backups
            problem = plain(f"the template {configured} of {folder} cannot be used: {type(error).__name__}: {error}")
    told = replace(tidings, template_problem=problem)
    text, html = _rendered(told, week, None, default)
    return Letter(tidings.subject, text, html, problem)


def _rendered(tidings: Tidings, week: Week | None, folder: Path | None, name: str) -> tuple[str, str]:
    values = {"t": tidings, "week": week, "subject": tidings.subject}
    text = _environment(folder, is_html=False).get_template(str(Path(name).with_suffix(".txt"))).render(values)
    html = _environment(folder, is_html=True).get_template(name).render(values)
    if max(len(text), len(html)) > MOST_CHARACTERS:
        raise ValueError(f"it makes more than {MOST_CHARACTERS:,} characters")
    return _trimmed(text), html.strip() + "\n"


@cache
def _environment(folder: Path | None, *, is_html: bool) -> jinja2.Environment:
    """Return what renders one part of a letter; the part decides what is escaped, and not how a file is called."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    places = [*([str(folder)] if folder else []), str(resource(BUILT_IN))]
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(places),
        autoescape=is_html,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= FILTERS
    return environment


def _trimmed(text: str) -> str:
    """Return the text without lines of blanks and without more than one empty line in a row."""
    lines: list[str] = []
    for line in (one.rstrip() for one in text.strip().splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines) + "\n"


# ------------------------------------------------------------------ filters


def size(value: int | None) -> str:
    """Return bytes for people, a dash for none."""
    return "-" if value is None else human_size(value)


def duration(value: float | None) -> str:
    """Return seconds for people, a dash for none."""
    return "-" if value is None else human_duration(value)


def delta(value: float | None, before: float | None) -> str:
    """Return how a value differs from the one before: `+3 %`, `x 2.5`, `new` without one."""
    if value is None:
        return "-"
    if not before:
        return "new"
    if value >= 2 * before:
        return f"x {value / before:.1f}"
    return f"{100 * (value / before - 1):+.0f} %".replace("-", "\N{MINUS SIGN}")


def moment(value: datetime) -> str:
    """Return a time to the minute, with the zone that it carries."""
    return f"{value:%Y-%m-%d %H:%M %Z}".strip()


def wrap(text: str, indent: int = 0, taken: int = 0) -> str:
    """Return a text folded at spaces to 80 columns; `taken` of its first line, the further ones indented."""
    lines = textwrap.wrap(
        text,
        WIDTH - indent,
        initial_indent=" " * max(taken - indent, 0),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]
    lines[0] = lines[0].lstrip()
    return f"\n{' ' * indent}".join(lines)


def text_table(lines: Sequence[Line]) -> list[str]:
    """Return the databases of a run as lines of text."""
    columns = (
        ("database", "left"),
        ("result", "left"),
        ("size", "right"),
        ("", "right"),
        ("time", "right"),
        ("", "right"),
    )
    rows = [
        (
            one.name,
            one.result,
            size(one.size_bytes),
            delta(one.size_bytes, one.before_bytes) if one.size_bytes is not None else "",
            duration(one.seconds),
            delta(one.seconds, one.before_seconds) if one.seconds is not None else "",
        )
        for one in lines
    ]
    return _indented(table(columns, rows, WIDTH - 2))


def cover_table(covers: Sequence[Coverage]) -> list[str]:
    """Return the databases of a week as lines of text."""
    names = ("database", "newest", "verified", "proved", "size")
    columns = [(name, "left" if name == "database" else "right") for name in names]
    rows = [
        (
            f"{'! ' if one.is_bad else ''}{one.name}",
            human_age(one.good_age),
            human_age(one.verified_age),
            human_age(one.proved_age),
            size(one.size_bytes),
        )
        for one in covers
    ]
    return _indented(table(columns, rows, WIDTH - 2))


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


FILTERS: Final[Mapping[str, Any]] = {
    "age": human_age,
    "cover_table": cover_table,
    "delta": delta,
    "duration": duration,
    "moment": moment,
    "size": size,
    "text_table": text_table,
    "wrap": wrap,
}
