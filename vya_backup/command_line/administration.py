"""The two-word commands: `config …` and `credentials …`, which parse their own options.

doit's parser stops at the first word that is no option, so what follows it is read here with the same declarations.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from doit.cmd_base import Command
from doit.cmdparse import CmdOption, CmdParse, CmdParseError

from vya_backup.command_line.commands import JSON, show
from vya_backup.command_line.options import Declaration, flag
from vya_backup.command_line.session import GLOBAL_CONFIG, configured, demand_configuration, guarded
from vya_backup.errors import UsageError
from vya_backup.jobs.connection_tests import test_connections
from vya_backup.outlook.fitting import fitted
from vya_backup.settings.credentials import CredentialStore
from vya_backup.settings.encryption import Encrypted, encrypt, rotate
from vya_backup.settings.hooks_model import objections
from vya_backup.settings.json_schema import as_text
from vya_backup.settings.loading import Loaded, find
from vya_backup.settings.migrating import carry_out, plan
from vya_backup.settings.model import SCHEMA
from vya_backup.settings.private_files import exists
from vya_backup.settings.showing import as_data, as_yaml

KEY_KINDS = [("key-file", ""), ("hostname-based", ""), ("", "")]
Action = Callable[[Mapping[str, Any]], int]


def option(name: str, help_text: str, **more: Any) -> Declaration:
    """Declare an option of a two-word command."""
    return {"name": name, "long": name.replace("_", "-"), "default": "", "help": help_text, **more}


class TwoWord(Command):  # type: ignore[misc]
    """A command whose first word names what is done."""

    words: Mapping[str, tuple[Action, tuple[Declaration, ...]]] = {}
    take_names: frozenset[str] = frozenset()
    """The words that take names beside their options; the action finds them in the option `names`."""
    only_look: frozenset[str] = frozenset()
    """The words that change nothing, so that whoever reads their output may leave when he has seen enough."""

    def execute(self, params: Any, args: Sequence[str]) -> int:
        """Find the word, parse its options, act."""
        return guarded(lambda: self._act(list(args)), only_looks=bool(self.only_look & {*args[:1]}))

    def _act(self, args: list[str]) -> int:
        known = ", ".join(f"doit {self.name} {word}" for word in self.words)
        if not args or args[0] not in self.words:
            raise UsageError(f"{self.name} needs to be told what to do", f"There is: {known}.")
        action, declared = self.words[args[0]]
        parser, names = CmdParse([CmdOption(dict(option)) for option in declared]), []
        try:
            options, rest = parser.parse(args[1:])
            while rest and args[0] in self.take_names:
                names.append(rest.pop(0))
                options, rest = parser.parse_only(rest, options)
        except CmdParseError as error:
            takes = ", ".join(f"--{option['long']}" for option in declared)
            cause = getattr(error.__context__, "msg", str(error))
            raise UsageError(f"{self.name} {args[0]}: {cause}", f"It takes {takes}.") from error
        if rest:
            raise UsageError(f"{self.name} {args[0]} does not take {rest[0]!r}")
        return action({**options, "names": names})


def validate(options: Mapping[str, Any]) -> int:
    """Load the configuration and the credentials, and compare them both ways."""
    loaded = demand_configuration(configured())
    findings = CredentialStore.load(loaded.configuration).findings(loaded.configuration)
    for note in loaded.notes:
        _say(f"note: {note}")
    for finding in findings:
        _say(f"{'error' if finding.fails else 'warning'}: {finding.message}. {finding.hint}".rstrip())
    hooks = list(objections(loaded.configuration.hooks))
    for objection in hooks:
        _say(f"error: {objection}")
    failed = bool(hooks) or any(finding.fails for finding in findings)
    print(f"{loaded.path or 'defaults and environment'}: {'not usable' if failed else 'valid'}")
    return 3 if failed else 0


def show_configuration(options: Mapping[str, Any]) -> int:
    """Print the configuration in force; secrets are never part of it."""
    loaded = configured()
    as_json = options["json"] or options["format"] == "json"
    shown = loaded.configuration
    return show({"json": as_json}, lambda: as_data(shown), lambda: as_yaml(shown).splitlines())


def try_connections(options: Mapping[str, Any]) -> int:
    """Try every instance, or one."""
    loaded = configured()
    instances = [i for i in loaded.configuration.instances if i.enabled and options["instance"] in {"", i.id}]
    if not instances:
        raise UsageError(f"there is no enabled instance {options['instance']!r}".replace(" ''", ""), _instances(loaded))
    reports = test_connections(loaded.configuration, CredentialStore.load(loaded.configuration), instances)
    values = [asdict(report) | {"ok": report.ok} for report in reports]
    show(options, lambda: values, lambda: [fitted(line, sys.stdout) for report in reports for line in report.lines])
    return 0 if all(report.ok for report in reports) else 1


def encrypt_credentials(options: Mapping[str, Any]) -> int:
    """Encrypt a plain file of accounts into a store."""
    if not options["input"]:
        raise UsageError("credentials encrypt needs --input", "Start from config/credentials.example.json.")
    configuration = configured().configuration
    output = Path(options["output"]) if options["output"] else configuration.credentials.file
    kind = options["key"] or None
    return _tell(encrypt(Path(options["input"]), output, configuration, kind=kind, force=bool(options["force"])))


def rotate_credentials(options: Mapping[str, Any]) -> int:
    """Give the store a new key."""
    return _tell(rotate(configured().configuration))


def migrate_configuration(options: Mapping[str, Any]) -> int:
    """Show what a newer schema changes in the file, and change it unless this is a preview."""
    path = GLOBAL_CONFIG[-1] or find(os.environ)
    if path is None or not exists(path):
        raise UsageError(f"there is no configuration {path or ''} to migrate".replace("  ", " "), "Name it: --config F")
    planned = plan(path)
    if not planned.diff:
        _say(f"{path}: is of schema {planned.version}, the newest; nothing was changed")
        return 0
    sys.stdout.write(planned.diff)
    if options["dry_run"]:
        _say(f"{path}: schema {planned.version} would become {SCHEMA}; nothing was changed")
        return 0
    kept = carry_out(planned)
    _say(f"{path}: schema {planned.version} became {SCHEMA}; the file of before is {kept}")
    return 0


def print_schema(options: Mapping[str, Any]) -> int:
    """Print the JSON Schema of the configuration."""
    sys.stdout.write(as_text())
    return 0


def _tell(done: Encrypted) -> int:
    key = f", key in {done.key_file}" if done.key_file else ", key derived from the host name"
    _say(f"{done.path}: {done.entries} entries encrypted{key}")
    for sentence in done.advice:
        _say(f"  {sentence}")
    return 0


def _say(text: str) -> None:
    print(fitted(text, sys.stdout))


def _instances(loaded: Loaded) -> str:
    return f"Configured are: {', '.join(i.id for i in loaded.configuration.instances) or 'none'}."


class Config(TwoWord):
    """The configuration."""

    name = "config"
    doc_purpose = "validate, show or migrate the configuration, or test the connections of its instances"
    doc_usage = "validate | show | test-connections | migrate | schema"
    only_look = frozenset({"validate", "show", "test-connections", "schema"})
    words = {  # noqa: RUF012 - a constant, read only
        "validate": (validate, ()),
        "show": (
            show_configuration,
            (
                JSON,
                option("format", "yaml or json", choices=[("yaml", ""), ("json", ""), ("", "")]),
                option("no_secrets", "always so", type=bool, default=False),
            ),
        ),
        "test-connections": (try_connections, (JSON, option("instance", "only this one"))),
        "migrate": (migrate_configuration, (flag("dry_run", "show the change, write nothing"),)),
        "schema": (print_schema, ()),
    }


class Credentials(TwoWord):
    """The encrypted store of accounts."""

    name = "credentials"
    doc_purpose = "encrypt accounts into the store, or rotate its key"
    doc_usage = "encrypt --input F [--output F] [--force] | rotate"
    words = {  # noqa: RUF012 - a constant, read only
        "encrypt": (
            encrypt_credentials,
            (
                option("input", "the plain JSON file of accounts"),
                option("output", "the store (default: credentials.file)"),
                option("key", "key-file or hostname-based", choices=KEY_KINDS),
                option("force", "replace a store that exists", type=bool, default=False),
            ),
        ),
        "rotate": (rotate_credentials, ()),
    }
