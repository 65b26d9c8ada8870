"""Writes a first configuration: what was answered, and as comments what most people change next.

The rule: it holds no secret, and loads as it stands.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vya_backup.resources import resource
from vya_backup.settings.model import LOCAL_HOSTS, SCHEMA, Instance

_BARE = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
LOCAL_SMTP_PORT = 25
_TEMPLATE = """\
# yaml-language-server: $schema={schema}
# Written by `vya-backupdb init`. Every key with its default and its meaning:
#   {example}
# After a change: vya-backupdb config validate
schema_version: {version}

# The servers, and for SQLite the files. Another one: vya-backupdb init --add
instances:
{instance}
    # databases: [shop, "report_*"]     # default: all of them, also those that are yet to come
    # exclude_databases: [scratch_*]
{users}
storage:
  base_path: {base_path}
  # retention: {{daily_keep: 7, weekly_keep: 4, monthly_keep: 12}}     # what `vya-backupdb prune` keeps

# The history of all backups; named here, so that timers, cron and sudo see the same one whatever their environment.
catalog:
  path: {catalog}

scheduling:
  interval_minutes: 1440      # a database is due once in each: 1440 is a day
  timezone: {timezone}

# backup: {{parallel: 2, compression: zstd}}

{mail}"""
_USERS = """\
    # users: false                      # default: accounts, roles and grants are backed up too

# The accounts lie encrypted in .secrets, beside this file; the key that opens them lies there too.
# Keep a copy of the key elsewhere: without it the accounts have to be made again.
"""
_NO_MAIL = """\
# notifications:
#   email: {enabled: true, smtp_host: localhost, smtp_port: 25, security: none,
#     from_address: backup@example.org, error_recipients: [me@example.org]}
"""
_MAIL = """\
notifications:
  email:
    enabled: true
    smtp_host: {smtp_host}{line}
    from_address: {sender}
    error_recipients: {recipients}
    # success_recipients: []            # who is told of nights without failures
"""


@dataclass(frozen=True)
class FirstAnswers:
    """What a first configuration says."""

    instance: Instance
    base_path: Path
    catalog: Path
    timezone: str = "UTC"
    recipients: tuple[str, ...] = ()
    smtp_host: str = "localhost"
    smtp_port: int | None = None
    """None: the usual one of a mail server on this machine, or of another one."""
    sender: str = ""


def first_file(answers: FirstAnswers) -> str:
    """Return the text of the configuration."""
    lines = [f"{name}: {spelled(value)}" for name, value in facts(answers.instance).items()]
    return _TEMPLATE.format(
        schema=resource("config/config.schema.json"),
        example=resource("config/config.example.yaml"),
        version=SCHEMA,
        instance="  - " + "\n    ".join(lines),
        users="" if answers.instance.type == "sqlite" else _USERS,
        base_path=spelled(str(answers.base_path)),
        catalog=spelled(str(answers.catalog)),
        timezone=spelled(answers.timezone),
        mail=_mail(answers),
    )


def facts(instance: Instance) -> dict[str, Any]:
    """Return the keys of an instance that were set, as JSON values."""
    return instance.model_dump(mode="json", exclude_defaults=True)


def on_one_line(instance: Instance) -> str:
    """Return an instance as one item of a list: `{id: local, type: sqlite, path: data}`."""
    return spelled(facts(instance))


def spelled(value: Any) -> str:
    """Return a JSON value as YAML on one line; texts are quoted where they have to be."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {spelled(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(spelled, value)) + "]"
    if isinstance(value, str) and _BARE.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def _mail(answers: FirstAnswers) -> str:
    if not answers.recipients:
        return _NO_MAIL
    said = {"smtp_host": answers.smtp_host, "sender": answers.sender, "recipients": list(answers.recipients)}
    return _MAIL.format(line=_line(answers), **{name: spelled(value) for name, value in said.items()})


def _line(answers: FirstAnswers) -> str:
    """Return what the line to the mail server is; this machine's own has no certificate that anybody signed."""
    is_local = answers.smtp_host in LOCAL_HOSTS
    port = answers.smtp_port or (LOCAL_SMTP_PORT if is_local else None)
    said = f"\n    smtp_port: {port}" if port else ""
    return f"{said}\n    use_tls: false            # it is on this machine" if is_local else said
