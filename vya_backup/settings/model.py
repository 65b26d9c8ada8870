"""The configuration as pydantic models: every section, every key, every default.

The rule of this module and its parts: they only describe and validate values; reading files is `loading.py`.
`config/config.example.yaml` shows each key with a comment, and a test holds the two together.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from vya_backup.settings.drill_model import Assertion, Drill
from vya_backup.settings.evidence_model import Evidence
from vya_backup.settings.hooks_model import Hook
from vya_backup.settings.logging_model import Logging
from vya_backup.settings.monitoring_model import HealthCheck, Monitoring, Prometheus
from vya_backup.settings.notifications_model import Email, EmailTemplates, Notifications
from vya_backup.settings.scheduling_model import Scheduling
from vya_backup.settings.section import Host, Section
from vya_backup.settings.site_model import Auditor, Site
from vya_backup.settings.storage_model import Checksums, FileNaming, Idrive, Metadata, Retention, Storage

__all__ = [
    "Application",
    "Assertion",
    "Auditor",
    "Backup",
    "CatalogSettings",
    "Checksums",
    "Configuration",
    "Credentials",
    "Drill",
    "Email",
    "EmailTemplates",
    "EngineName",
    "Evidence",
    "FileNaming",
    "HealthCheck",
    "Hook",
    "Idrive",
    "Instance",
    "InstanceId",
    "Logging",
    "Metadata",
    "Monitoring",
    "Notifications",
    "Prometheus",
    "Retention",
    "Scheduling",
    "Section",
    "Site",
    "Storage",
    "Tls",
    "Verification",
]

EngineName = Literal["postgresql", "mysql", "mariadb", "sqlite"]
InstanceId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
SCHEMA = 2
"""The number of the newest schema; a file without a number is of schema 1 (`settings/migrating.py` has the steps)."""
LOCAL_HOSTS = frozenset({"", "localhost", "127.0.0.1", "::1"})


def _level(value: Any) -> Any:
    if value == "auto" or str(value) in set("123456789"):
        return value
    raise ValueError("must be auto or a whole number from 1 to 9")


def _names_or_all(value: Any) -> Any:
    if value == "*":
        return value
    names = (value,) if isinstance(value, str) else value
    if isinstance(names, list | tuple) and all(isinstance(name, str) for name in names):
        return tuple(names)
    raise ValueError('must be "*" or a list of names; a name that looks like a number or a date needs quotes')


CompressionLevel = Annotated[Literal["auto"] | int, BeforeValidator(_level)]
DatabaseNames = Annotated[Literal["*"] | tuple[str, ...], BeforeValidator(_names_or_all)]


class Application(Section):
    """Who and where we are."""

    name: str = "vya-backupdb"
    version: str = ""
    environment: str = "production"
    hostname: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*)?$")

    def host(self) -> str:
        """Return the host name used in paths, events and the key derivation."""
        return self.hostname or socket.gethostname()


class Tls(Section):
    """TLS to one server. `mode` takes the names of libpq; `enabled: false` says out loud that the line is plain."""

    enabled: bool = True
    mode: Literal["require", "verify-ca", "verify-full"] = "verify-full"
    ca_cert: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None


class Instance(Section):
    """One database server, or for SQLite one file, folder or glob of files."""

    id: InstanceId
    type: EngineName
    enabled: bool = True
    host: Host = ""
    port: int | None = Field(default=None, ge=1, le=65535)
    socket: Path | None = None
    path: str = ""
    databases: DatabaseNames = "*"
    exclude_databases: tuple[str, ...] = ()
    users: bool = True
    users_kept_back: tuple[str, ...] = ()
    ssl: Tls | None = None
    parallel: int = Field(default=2, ge=1)
    rate_limit_mb_per_s: float | None = Field(default=None, ge=0.1)

    @property
    def is_local(self) -> bool:
        """Say whether the connection stays on this host, where TLS is not demanded."""
        return self.type == "sqlite" or self.socket is not None or self.host in LOCAL_HOSTS or self.host.startswith("/")

    @property
    def tls(self) -> Tls:
        """Return the TLS settings in force: verified in full for every remote host, off on the local one by default."""
        return self.ssl or Tls(enabled=not self.is_local)

    @model_validator(mode="after")
    def _needs_an_address(self) -> Instance:
        if self.type == "sqlite" and not self.path:
            raise ValueError("a sqlite instance needs `path`: a file, a folder or a glob such as /srv/app/data/*.db")
        if self.type != "sqlite" and not (self.host or self.socket):
            raise ValueError(f"a {self.type} instance needs `host` (or `socket` for a server on this machine)")
        return self


class Credentials(Section):
    """Where the encrypted store lies, and the key file that opens it."""

    file: Path = Path(".secrets/credentials.json")
    key_file: Path | None = None

    @property
    def key_path(self) -> Path:
        """Return where the key of a `key-file` store lies: `key_file`, else `NAME.key` beside the store."""
        return self.key_file or self.file.with_suffix(".key")


class CatalogSettings(Section):
    """The live catalog, and the copy that others may read."""

    path: Path | None = None
    published_path: Path | None = None
    reader_group: str = ""


class Backup(Section):
    """How dumps are made."""

    compression: Literal["gzip", "zstd"] = "gzip"
    compression_level: CompressionLevel = "auto"
    parallel: int = Field(default=2, ge=1)
    retries: int = Field(default=2, ge=0)
    retry_wait_seconds: float = Field(default=5.0, ge=0)
    timeout_minutes: float = Field(default=240, gt=0)
    run_timeout_minutes: float = Field(default=1200, gt=0)
    lock_wait_seconds: float = Field(default=30, gt=0)
    max_blocking_seconds: float = Field(default=60, gt=0)
    verify_integrity: bool = True
    dry_run: bool = False
    nice: int = Field(default=0, ge=0, le=19)
    io_class: Literal["default", "best-effort", "idle"] = "default"
    client_folders: tuple[Path, ...] = ()


class Verification(Section):
    """How often each stored backup is read again."""

    every_days: int = Field(default=30, ge=1)


class Configuration(Section):
    """Everything the operator said, validated; paths are absolute after loading."""

    schema_version: int = Field(default=SCHEMA, ge=1, le=SCHEMA)
    application: Application = Application()
    instances: tuple[Instance, ...] = ()
    credentials: Credentials = Credentials()
    catalog: CatalogSettings = CatalogSettings()
    backup: Backup = Backup()
    storage: Storage = Storage()
    scheduling: Scheduling = Scheduling()
    verification: Verification = Verification()
    logging: Logging = Logging()
    monitoring: Monitoring = Monitoring()
    notifications: Notifications = Notifications()
    drill: Drill = Drill()
    site: Site = Site()
    evidence: Evidence = Evidence()
    hooks: tuple[Hook, ...] = ()
