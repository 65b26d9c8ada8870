"""`config …` and `credentials …`: what the operator has written, looked at, tried, encrypted, migrated."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vya_backup.command_line.commands import JSON, show
from vya_backup.command_line.options import flag, option
from vya_backup.command_line.session import GLOBAL_CONFIG, configured, demand_configuration
from vya_backup.command_line.two_words import TwoWord, Word
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


def validate(options: Mapping[str, Any]) -> int:
    """Load the configuration and the credentials, and compare them both ways."""
    loaded = demand_configuration(configured())
    findings = CredentialStore.load(loaded.configuration).findings(loaded.configuration)
    for note in loaded.notes:
        _say(f"note: {note}")
    for finding in findings:
        _say(f"{'error' if finding.fails else 'warning'}: {finding.message}. {finding.hint}".rstrip())
    for key in loaded.configuration.notifications.email.lacking:
        _say(f"warning: notifications.email.{key} is missing, so no mail can leave. Set it, then: doit notify test")
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
    words = {  # noqa: RUF012 - a constant, read only
        "validate": Word("Check configuration, credentials and hooks.", validate, only_looks=True),
        "show": Word(
            "Print the configuration in force, defaults too; no secret is part of it.",
            show_configuration,
            (
                JSON,
                option("format", "yaml or json", choices=[("yaml", ""), ("json", ""), ("", "")]),
                flag("no_secrets", "always so"),
            ),
            only_looks=True,
        ),
        "test-connections": Word(
            "Log in to every server, and say what the account may see.",
            try_connections,
            (JSON, option("instance", "only this one")),
            only_looks=True,
        ),
        "migrate": Word(
            "Rewrite an older file in the newest schema; comments stay.",
            migrate_configuration,
            (flag("dry_run", "show the change, write nothing"),),
        ),
        "schema": Word("Print the JSON Schema, for editors.", print_schema, only_looks=True),
    }


class Credentials(TwoWord):
    """The encrypted store of accounts."""

    name = "credentials"
    doc_purpose = "encrypt accounts into the store, or rotate its key"
    words = {  # noqa: RUF012 - a constant, read only
        "encrypt": Word(
            "Encrypt a plain file of accounts into the store.",
            encrypt_credentials,
            (
                option("input", "the plain JSON file of accounts"),
                option("output", "the store (default: credentials.file)"),
                option("key", "key-file or hostname-based", choices=KEY_KINDS),
                flag("force", "replace a store that exists"),
            ),
        ),
        "rotate": Word("Give the store a new key, and encrypt every entry with it.", rotate_credentials),
    }
