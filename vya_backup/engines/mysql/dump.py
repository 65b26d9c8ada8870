"""Describes a dump: one command for the tables in their snapshot, then one each for what is built on them.

The rule: the parts, one after the other, load with a plain `zcat FILE | mysql`; a broken view or routine can never cost
a table. Each part carries its own end-of-dump line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vya_backup.engines.answers import Server
from vya_backup.engines.commands import Command
from vya_backup.engines.dumping import DumpPart, DumpRequest
from vya_backup.engines.mysql.flavours import FLAVOURS, Flavour, client_family, client_version, dotted
from vya_backup.engines.mysql.gaps import HISTORY_SERVER
from vya_backup.engines.mysql.objects import ROUTINE_KINDS
from vya_backup.engines.mysql.option_file import DEFAULTS_FILE, Option, option_file
from vya_backup.engines.tools import Client

COMMON_FLAGS = (
    "--single-transaction",
    "--quick",
    "--hex-blob",
    "--max-allowed-packet=1G",
    "--no-tablespaces",
    "--skip-add-locks",  # LOCK TABLES breaks tables whose default is NEXTVAL of a sequence
    "--default-character-set=utf8mb4",
    "--skip-dump-date",
)


@dataclass(frozen=True)
class Part:
    """One part of a dump: written when the database holds one of `kinds`; `hides` are the kinds kept out of it."""

    name: str
    flags: tuple[str, ...]
    kinds: tuple[str, ...]
    hides: tuple[str, ...]


ALL_TABLES = ("table", "sequence", "view")
PARTS = (
    Part("tables", ("--skip-triggers",), (), ("view",)),
    Part("routines", ("--no-data", "--no-create-info", "--skip-triggers", "--routines"), ROUTINE_KINDS, ALL_TABLES),
    # Without the tables, but with --no-create-info off: only then does the tool write views, each first as a
    # placeholder with its columns, so that views may refer to each other in any order.
    Part("views", ("--no-data", "--skip-triggers"), ("view",), ("table", "sequence")),
    Part("triggers", ("--no-data", "--no-create-info", "--triggers"), ("trigger",), ("view", "sequence")),
    Part("events", ("--no-data", "--no-create-info", "--skip-triggers", "--events"), ("event",), ALL_TABLES),
)


def dump(request: DumpRequest, flavour: Flavour) -> tuple[DumpPart, ...]:
    """Describe the commands whose outputs, one after the other, are the dump."""
    present = request.survey.objects
    parts = [part for part in PARTS if not part.kinds or any(present.get(kind) for kind in part.kinds)]
    return tuple(DumpPart(part.name, _command(request, flavour, part)) for part in parts)


def dump_problem(client: Client, server: Server) -> str:
    """Return why this client cannot dump this server, or an empty text."""
    flavour = FLAVOURS[server.flavour]
    version = client_version(client)
    if server.version < flavour.oldest_server:
        return f"{flavour.title} {dotted(server.version)} is too old, {dotted(flavour.oldest_server)} at least"
    if client_family(client) != flavour.name:
        other = FLAVOURS[client_family(client)].title
        return (
            f"{client.path} is {other}'s; a {flavour.title} server needs {' or '.join(flavour.dump_names)} of its own"
        )
    if version[:2] < server.version[:2]:
        return f"{client.path} {dotted(version)} is older than the server's {dotted(server.version)}"
    return ""


def _command(request: DumpRequest, flavour: Flavour, part: Part) -> Command:
    options: list[Option] = [("ignore-table", f"{request.database}.{name}") for name in _hidden(request, part)]
    if flavour.init_command_in_dumps:
        # `loose`: the oldest tools do not know the option, warn, and go on
        wait = max(1, round(request.lock_wait_seconds))
        options.append(("loose-init-command", f"SET SESSION lock_wait_timeout = {wait}"))
    wrapper = (str(request.stdbuf), "-o256K") if request.stdbuf else ()
    flags = (*COMMON_FLAGS, *flavour.dump_flags, *part.flags, *_history_flag(request, part))
    return Command(
        argv=(*wrapper, str(request.client.path), DEFAULTS_FILE, *flags, "--", request.database),
        secret_files=(option_file(request.access, flavour, {"mysqldump": options}),),
    )


def _hidden(request: DumpRequest, part: Part) -> Iterable[str]:
    exact = request.survey.properties.get("exact_names", {})
    for kind in part.hides:
        for name in request.survey.objects.get(kind, ()):
            yield from exact.get(name, (name,))
    yield from request.survey.properties.get("broken_views", ())


def _history_flag(request: DumpRequest, part: Part) -> tuple[str, ...]:
    wanted = part.name == "tables" and request.survey.properties.get("dump_history")
    return ("--dump-history",) if wanted and client_version(request.client) >= HISTORY_SERVER else ()
