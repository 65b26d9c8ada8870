"""Datasette on a published copy: what it is told, and how it listens. The only module that starts it.

The rule: everything is denied that is not named; `catalog/plugins/vya_site.py` has the pages.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from vya_backup.errors import ConfigurationError
from vya_backup.history.questions import questions
from vya_backup.outlook.site.guard import CATALOG
from vya_backup.outlook.site.shelf import TABLES
from vya_backup.resources import resource

INSTALL: Final = "Run: pip install 'vya-backupdb[auditors]', or in a checkout: .venv/bin/pip install -e '.[auditors]'"
ACCOUNTS_PLUGIN: Final = "datasette-auth-passwords"
IDLE_SECONDS: Final = 75
"""How long a resting connection is kept: longer than a reverse proxy keeps its own (nginx: 60 seconds), so that
never a request arrives while the connection is being closed; uvicorn's five seconds make such a proxy say 502."""
SETTINGS: Final = {
    "allow_download": False,
    "allow_csv_stream": True,
    "allow_facet": True,
    "default_cache_ttl": 0,
    "default_page_size": 50,
    "default_facet_size": 12,
    "facet_time_limit_ms": 250,
    "max_csv_mb": 0,
    "max_returned_rows": 20_000,
    "num_sql_threads": 4,
    "sql_time_limit_ms": 2_000,
    "suggest_facets": False,
    "template_debug": False,
    "trace_debug": False,
    "truncate_cells_html": 240,
}


@dataclass(frozen=True)
class Service:
    """What is served where: `hashes` are the accounts' password hashes by name, `secret` signs their sessions."""

    catalog: Path
    host: str
    port: int
    hashes: dict[str, str] = field(default_factory=dict, repr=False)
    secret: str = field(default="", repr=False)
    open_monitoring: bool = False


def site(service: Service) -> Any:
    """Return a Datasette that shows the copy.

    Raises:
        ConfigurationError: it is not installed.
    """
    # Only what is asked for is loaded: another plugin of the same environment could open a way to write.
    os.environ["DATASETTE_LOAD_PLUGINS"] = ACCOUNTS_PLUGIN if service.hashes else ""
    try:
        from datasette import handle_exception
        from datasette.app import Datasette
        from datasette.database import Database
    except ModuleNotFoundError as error:
        raise ConfigurationError("the site needs datasette, which is not installed", INSTALL) from error
    handle_exception.rich = None  # where rich is installed, Datasette would print every local variable into the log
    if service.hashes:
        _demand_accounts_plugin()
    made = Datasette(
        [str(service.catalog)],
        metadata=_metadata(service),
        settings=SETTINGS,
        secret=_secret(service),
        template_dir=str(resource("catalog/templates")),
        plugins_dir=str(resource("catalog/plugins")),
        static_mounts=[("assets", str(resource("catalog/static")))],
    )
    for name in [name for name in made.databases if name != "_internal"]:
        made.remove_database(name)
    made.add_database(Database(made, path=str(service.catalog), is_mutable=True), name=CATALOG)
    return made


def listen(made: Any, service: Service) -> None:
    """Serve what `site` made until SIGINT or SIGTERM."""
    import uvicorn

    uvicorn.run(
        made.app(),
        host=service.host,
        port=service.port,
        log_level="warning",
        lifespan="on",
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=2,
    )


def _demand_accounts_plugin() -> None:
    try:
        import datasette_auth_passwords  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"a login needs {ACCOUNTS_PLUGIN}, which is not installed", INSTALL) from error


def _metadata(service: Service) -> dict[str, Any]:
    said: dict[str, Any] = {
        "title": "Backups",
        "databases": {CATALOG: {"allow_sql": False, "tables": TABLES, "queries": _queries()}},
        "plugins": {"vya_site": {"login": bool(service.hashes), "open_monitoring": service.open_monitoring}},
    }
    if service.hashes:
        said["allow"] = {"id": sorted(service.hashes)}
        accounts = {f"{name}_password_hash": digest for name, digest in service.hashes.items()}
        said["plugins"][ACCOUNTS_PLUGIN] = {**accounts, "actors": {name: {"id": name} for name in service.hashes}}
    return said


def _queries() -> dict[str, dict[str, Any]]:
    """Return the questions as Datasette's canned queries: they are the exports of the pages that answer them."""
    return {
        one.name: {
            "title": one.title,
            "description": one.about,
            "params": list(one.takes),
            "sql": one.sql,
        }
        for one in questions()
    }


def _secret(service: Service) -> str | None:
    """Return the key of the sessions: a changed password ends those that were opened with the old one."""
    if not service.secret:
        return None
    parts = [service.secret, *(f"{name}:{digest}" for name, digest in sorted(service.hashes.items()))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
