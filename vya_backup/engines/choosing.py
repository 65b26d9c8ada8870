"""PURE: which of the clients found on this machine talks to a server.

The rule: the engine alone judges whether a client can (`dump_problem`); here only the best of those that can is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vya_backup.errors import ToolMissing

if TYPE_CHECKING:
    from vya_backup.decisions.metadata import Needs
    from vya_backup.engines.answers import Server
    from vya_backup.engines.contract import Engine
    from vya_backup.engines.tools import Client, ToolSpec


def choose_client(engine: Engine, clients: Sequence[Client], server: Server) -> Client:
    """Return the client to dump with: of the server's own major the newest, else of the next major that can.

    A dump of a newer major may hold settings that the server it came from refuses.

    Raises:
        ToolMissing: none was found, or none can; the message says why of the newest.
    """
    return max(_able(engine, engine.dump_tool, clients, server), key=lambda client: _closeness(client, server))


def choose_loader(engine: Engine, clients: Sequence[Client], server: Server, needs: Needs) -> Client:
    """Return the client to load with: the newest, since it understands the most of what a dump may hold.

    Raises:
        ToolMissing: none was found, or none can; the message says why of the newest.
    """
    able = _able(engine, engine.load_tool, clients, server)
    return max(able, key=lambda client: (client.version >= needs.client_version, client.version))


def choose_server(engine: Engine, programs: Sequence[Client], needs: Needs) -> Client:
    """Return the server program to drill with: the nearest release that is not older than the dump's server.

    Raises:
        ToolMissing: none was found, or all are older; the message says which there are.
    """
    dumped = needs.server_version
    parts = max(1, len(dumped) - 1) if dumped else 0  # the last part is a minor release: the format is the same
    fitting = [program for program in programs if program.version[:parts] >= dumped[:parts]]
    if fitting:
        series = min(program.version[:parts] for program in fitting)
        return max((p for p in fitting if p.version[:parts] == series), key=lambda program: program.version)
    names = " or ".join(engine.server_tool.names)
    wanted = ".".join(map(str, dumped[:parts]))
    there = ", ".join(".".join(map(str, program.version)) for program in programs) or "none"
    raise ToolMissing(
        f"no {names} of {engine.name} {wanted} or later was found to drill with; found: {there}",
        "Install that server's package (it need not run), or name its folder in backup.client_folders.",
    )


def _able(engine: Engine, tool: ToolSpec, clients: Sequence[Client], server: Server) -> list[Client]:
    newest_first = sorted(clients, key=lambda client: client.version, reverse=True)
    problems = [(client, engine.dump_problem(client, server)) for client in newest_first]
    able = [client for client, problem in problems if not problem]
    if able:
        return able
    names = " or ".join(tool.names)
    if not problems:
        raise ToolMissing(
            f"{names} was not found on PATH or in the distribution's folders",
            "Install the client of the server's version, or name its folder in backup.client_folders.",
        )
    raise ToolMissing(problems[0][1], f"Where {names} lies elsewhere, name its folder in backup.client_folders.")


def _closeness(client: Client, server: Server) -> tuple[int, tuple[int, ...]]:
    """Order clients by how near their major is to the server's, then by release."""
    return -abs(client.version[0] - server.version[0]), client.version
