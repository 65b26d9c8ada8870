"""The configuration as pydantic models: every section, every key, every default.

The rule of this module: it only describes and validates values; reading files is `loading.py`.
`config/config.example.yaml` shows each key with a comment, and a test holds the two together.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

EngineName = Literal["postgresql", "mysql", "mariadb", "sqlite"]
InstanceId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
LOCAL_HOSTS = frozenset({"", "localhost", "127.0.0.1", "::1"})
MINUTES_PER_DAY = 1440


class Section(BaseModel):
    """A part of the configuration: unknown keys are refused, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Application(Section):
    """Who and where we are."""

    name: str = "vya-backupdb"
    version: str = ""
    environment: str = "production"
    hostname: str = ""

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
    host: str = ""
    port: int | None = Field(default=None, ge=1, le=65535)
    socket: Path | None = None
    path: str = ""
    databases: Literal["*"] | tuple[str, ...] = "*"
    exclude_databases: tuple[str, ...] = ()
    users: bool = True
    ssl: Tls | None = None
    parallel: int = Field(default=2, ge=1)

    @field_validator("databases", mode="before")
    @classmethod
    def _one_name_is_a_list(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) and value != "*" else value

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


class CatalogSettings(Section):
    """The live catalog, and the copy that others may read."""

    path: Path | None = None
    published_path: Path | None = None
    reader_group: str = ""


class Backup(Section):
    """How dumps are made."""

    compression: Literal["gzip", "zstd"] = "gzip"
    compression_level: Literal["auto"] | Annotated[int, Field(ge=1, le=9)] = "auto"
    parallel: int = Field(default=2, ge=1)
    retries: int = Field(default=2, ge=0)
    retry_wait_seconds: float = Field(default=5.0, ge=0)
    timeout_minutes: float = Field(default=240, gt=0)
    run_timeout_minutes: float = Field(default=1200, gt=0)
    lock_wait_seconds: float = Field(default=30, gt=0)
    max_blocking_seconds: float = Field(default=60, gt=0)
    verify_integrity: bool = True
    dry_run: bool = False
    client_folders: tuple[Path, ...] = ()


class FileNaming(Section):
    """Names of artifacts; the suffix follows the content whatever the pattern ends in."""

    pattern: str = "{db_name}_{datetime}_{type}.sql.gz"
    datetime_format: str = "%Y%m%d_%H%M%S"


class Retention(Section):
    """How many backups to keep per database."""

    strategy: Literal["gfs", "simple"] = "gfs"
    daily_keep: int = Field(default=7, ge=0)
    weekly_keep: int = Field(default=4, ge=0)
    monthly_keep: int = Field(default=12, ge=0)
    yearly_keep: int = Field(default=0, ge=0)
    keep_last: int = Field(default=0, ge=0)
    keep_days: int = Field(default=0, ge=0)
    safety_days: int = Field(default=7, ge=0)
    shrink_alarm_percent: int = Field(default=50, ge=1, le=100)
    cleanup_enabled: bool = True
    apply_per_database: bool = True


class Checksums(Section):
    """Digests beside each dump. SHA-256 is always computed; `md5` adds a second one."""

    enabled: bool = True
    algorithm: Literal["sha256", "md5"] = "sha256"
    store_file: bool = True


class Metadata(Section):
    """The `.metadata.json` beside each dump."""

    enabled: bool = True
    include_schema_hash: bool = True


class Idrive(Section):
    """A folder-sync tool that watches `base_path`; noted, nothing is done to it."""

    enabled: bool = False
    sync_folder: Path | None = None
    verify_after_sync: bool = False


class Storage(Section):
    """Where artifacts lie and what they are called."""

    base_path: Path = Path("/var/backups/vya_backupdb")
    structure: str = "{hostname}/{db_id}/{db_name}/{date}"
    temp_path: Path | None = None
    file_naming: FileNaming = FileNaming()
    checksums: Checksums = Checksums()
    metadata: Metadata = Metadata()
    retention: Retention = Retention()
    idrive: Idrive = Idrive()
    min_free_percent: int = Field(default=5, ge=0, le=90)


class Scheduling(Section):
    """How often a database is due, counted from local midnight in `timezone`."""

    enabled: bool = True
    method: Literal["systemd", "cron", "interval"] = "systemd"
    interval_minutes: int = Field(default=MINUTES_PER_DAY, ge=1)
    timezone: str = "UTC"

    @field_validator("interval_minutes")
    @classmethod
    def _divides_the_day(cls, minutes: int) -> int:
        if MINUTES_PER_DAY % minutes and minutes % MINUTES_PER_DAY:
            raise ValueError("must divide 1440 (a day) or be whole days, for example 60, 360, 1440 or 10080")
        return minutes

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, IsADirectoryError) as error:
            raise ValueError("is no known time zone; use a name such as America/Sao_Paulo or UTC") from error
        return name

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone that slots and file names are counted in."""
        return ZoneInfo(self.timezone)


class Logging(Section):
    """Structured logs. Console output goes to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    format: Literal["json", "text"] = "json"
    output: Literal["console", "file", "both"] = "file"
    file_path: Path | None = None


class Prometheus(Section):
    """The textfile for node_exporter, and an optional Pushgateway."""

    enabled: bool = True
    textfile: Path | None = None
    pushgateway_url: str = ""
    job_name: str = "vya-backup-{hostname}"
    push_interval: int | None = None


class HealthCheck(Section):
    """The HTTP health endpoint."""

    enabled: bool = False
    port: int = Field(default=8080, ge=1, le=65535)
    path: str = "/health"


class Monitoring(Section):
    """What machines look at."""

    prometheus: Prometheus = Prometheus()
    health_check: HealthCheck = HealthCheck()


class EmailTemplates(Section):
    """Template files for the two kinds of mail."""

    success: str = "backup_success.html"
    error: str = "backup_error.html"


class Email(Section):
    """Mail to people."""

    enabled: bool = False
    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    use_tls: bool = True
    from_address: str = ""
    success_recipients: tuple[str, ...] = ()
    error_recipients: tuple[str, ...] = ()
    templates: EmailTemplates = EmailTemplates()


class Notifications(Section):
    """Who is told."""

    email: Email = Email()


class Configuration(Section):
    """Everything the operator said, validated; paths are absolute after loading."""

    application: Application = Application()
    instances: tuple[Instance, ...] = ()
    credentials: Credentials = Credentials()
    catalog: CatalogSettings = CatalogSettings()
    backup: Backup = Backup()
    storage: Storage = Storage()
    scheduling: Scheduling = Scheduling()
    logging: Logging = Logging()
    monitoring: Monitoring = Monitoring()
    notifications: Notifications = Notifications()
