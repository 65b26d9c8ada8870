"""`doit catalog serve`: the auditors' site on the published copy; refused where a stranger could reach it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vya_backup.command_line.options import Declaration, option
from vya_backup.command_line.session import configured
from vya_backup.errors import CatalogError, CatalogMissing, ConfigurationError, UsageError
from vya_backup.history.catalog import Catalog
from vya_backup.outlook.site.server import Service, listen, site
from vya_backup.settings.model import Configuration
from vya_backup.settings.site_model import Auditor, is_loopback

WAL_VERSION = 2
"""In bytes 18 and 19 of an SQLite file (https://sqlite.org/fileformat2.html): a reader of it locks its writer out."""
OTHERS = 0o007
HASH = "pbkdf2_sha256$"

OPTIONS: tuple[Declaration, ...] = (
    option("host", "where to listen (default: site.host)"),
    option("port", "at which port (default: site.port, else monitoring.health_check.port)"),
    option("catalog", "the copy to show (default: catalog.published_path)"),
)


def serve(options: Mapping[str, Any]) -> int:
    """Serve until stopped.

    Raises:
        ConfigurationError: there is no copy to show, a login or the extra `auditors` is missing, or cannot be read.
    """
    service = service_of(configured().configuration, options)
    if os.access(service.catalog, os.W_OK) or os.access(service.catalog.parent, os.W_OK):
        _tell(f"note: this account may write {service.catalog}, which a site never needs: run it as another user")
    made = site(service)
    _tell(f"serving {service.catalog} at http://{_spelled(service.host)}:{service.port}/")
    listen(made, service)
    return 0


def service_of(configuration: Configuration, options: Mapping[str, Any]) -> Service:
    """Return what is to be served, or refuse."""
    settings = configuration.site
    host = str(options["host"] or settings.host)
    hashes = {auditor.name: _hash_of(auditor) for auditor in settings.auditors}
    if not is_loopback(host) and not hashes:
        raise ConfigurationError(
            f"the site would listen on {host} without a login", "Name who may log in: site.auditors; or use 127.0.0.1."
        )
    return Service(
        catalog=_copy_to_show(configuration, str(options["catalog"])),
        host=host,
        port=_port(str(options["port"])) or settings.port or configuration.monitoring.health_check.port,
        hashes=hashes,
        secret=_read(settings.secret_file) if settings.secret_file else os.environ.get("DATASETTE_SECRET", ""),
        open_monitoring=settings.open_monitoring,
    )


def _port(said: str) -> int | None:
    if not said:
        return None
    if not said.isdecimal() or not 0 < int(said) < 1 << 16:
        raise UsageError(f"catalog serve: --port {said!r} is no port", "Give a number from 1 to 65535.")
    return int(said)


def _copy_to_show(configuration: Configuration, said: str) -> Path:
    path = Path(said).absolute() if said else configuration.catalog.published_path
    if path is None:
        raise ConfigurationError(
            "there is no copy to show: catalog.published_path is not set",
            "Set it and run doit catalog publish, or name a copy: --catalog FILE.",
        )
    try:
        with path.open("rb") as file:
            header = file.read(20)
    except FileNotFoundError as error:
        raise CatalogMissing(f"the copy {path} does not exist", "Make it with: doit catalog publish.") from error
    except OSError as error:
        raise CatalogError(f"the copy {path} cannot be read: {error.strerror}", "Set catalog.reader_group.") from error
    if WAL_VERSION in header[18:20]:
        raise CatalogError(
            f"{path} is a catalog that is written to, and whoever reads it could hold up the backups",
            "Serve the copy that doit catalog publish makes.",
        )
    Catalog.open_copy(path).close()  # one that another version made would fail page by page
    return path


def _hash_of(auditor: Auditor) -> str:
    if auditor.password_hash_file:
        place, text = str(auditor.password_hash_file), _read(auditor.password_hash_file)
    else:
        place, text = f"${auditor.password_hash_variable}", os.environ.get(auditor.password_hash_variable, "").strip()
    if not text.startswith(HASH):
        raise ConfigurationError(
            f"{place} holds no password hash for {auditor.name} of site.auditors",
            "Make one with: datasette hash-password.",
        )
    return text


def _read(path: Path) -> str:
    """Return the text of a file that only the site may read, by its owner or its group."""
    try:
        if path.stat().st_mode & OTHERS:
            raise ConfigurationError(f"{path} can be read by anyone", f"Run: chmod o= {path}")
        text = path.read_text().strip()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}", "It is named in section site.") from error
    if not text:
        raise ConfigurationError(f"{path} is empty", "It is named in section site.")
    return text


def _spelled(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
