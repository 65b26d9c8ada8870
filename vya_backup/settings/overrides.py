"""Reads overrides from `VYA_SECTION__KEY` environment variables and from `.env`.

The rule: the environment wins over `.env`, `.env` over the file; a misspelled section is refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from vya_backup.settings.model import Configuration
from vya_backup.settings.nodes import Node, grown
from vya_backup.settings.problems import Origin, Problem

PREFIX = "VYA_"
NESTED = "__"
ENVIRONMENT = "environment"
SECTIONS = frozenset(Configuration.model_fields)


def read_overrides(environ: Mapping[str, str], dotenv: Path, problems: list[Problem]) -> Node:
    """Return a tree of everything that is overridden; each value knows its variable."""
    from_file = _read_dotenv(dotenv, problems)
    variables = {**from_file, **environ}
    sources = {**dict.fromkeys(from_file, dotenv.name), **dict.fromkeys(environ, ENVIRONMENT)}
    ours = {name: value for name, value in variables.items() if _is_ours(name) and value}
    for name in [name for name in ours if _section(name) not in SECTIONS]:
        problems.append(_unknown_section(name, sources[name]))
        del ours[name]
    return _located(_nested(ours, problems), ours, sources)


def _read_dotenv(path: Path, problems: list[Problem]) -> dict[str, str]:
    try:
        if not path.is_file():
            return {}
    except OSError:  # its folder is closed to this account, and so is the configuration there, which says so
        return {}
    from dotenv import dotenv_values

    try:
        return {name: value for name, value in dotenv_values(path, encoding="utf-8").items() if value}
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(Origin(str(path)), f"cannot be read: {error}"))
        return {}


def _is_ours(name: str) -> bool:
    # VYA_CONFIG and the like are no keys; what has a double underscore, or names a section, is meant as one.
    return name.startswith(PREFIX) and (NESTED in name or _section(name) in SECTIONS)


def _section(name: str) -> str:
    return name[len(PREFIX) :].partition(NESTED)[0].lower()


def _unknown_section(name: str, source: str) -> Problem:
    near = get_close_matches(_section(name), SECTIONS, n=1)
    remedy = f"did you mean {PREFIX}{near[0].upper()}?" if near else f"sections are {', '.join(sorted(SECTIONS))}"
    return Problem(Origin(source, key=name), f"names no section of the configuration; {remedy}")


def _nested(variables: Mapping[str, str], problems: list[Problem]) -> dict[str, Any]:
    if not variables:
        return {}
    from pydantic import create_model
    from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

    class Given(EnvSettingsSource):
        def _load_env_vars(self) -> Mapping[str, str | None]:
            return {name.lower(): value for name, value in variables.items()}

    fields: dict[str, Any] = {name: (field.annotation, None) for name, field in Configuration.model_fields.items()}
    shape = create_model("Overrides", __base__=BaseSettings, **fields)
    shape.model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter=NESTED)
    try:
        return Given(shape)()
    except SettingsError as error:  # it names the section only: error parsing value for field "instances" …
        section = PREFIX + str(error).partition('"')[2].partition('"')[0].upper()
        problems.append(Problem(Origin(ENVIRONMENT, key=section), 'holds a list that is no JSON; write ["a", "b"]'))
        return _nested({n: value for n, value in variables.items() if not n.upper().startswith(section)}, problems)


def _located(values: Any, variables: Mapping[str, str], sources: Mapping[str, str]) -> Node:
    names = {name.lower(): name for name in variables}

    def locate(value: Any, path: tuple[str, ...]) -> Node:
        name = names.get(PREFIX.lower() + NESTED.join(path))
        if name is None and isinstance(value, dict):
            return Node({key: locate(item, (*path, key)) for key, item in value.items()}, Origin(ENVIRONMENT))
        return grown(value, Origin(sources.get(name or "", ENVIRONMENT), key=name or ".".join(path)))

    return locate(values, ())
