"""The `storage` section: where artifacts lie, what they are called, how long they stay."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from string import Formatter
from typing import Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from vya_backup.settings.section import Section

PLACEHOLDERS = frozenset({"hostname", "db_id", "db_name", "date", "datetime", "type", "engine"})


def check_template(template: str) -> str:
    """Return the template when its placeholders are known.

    Raises:
        ValueError: a brace is left open, or a placeholder is unknown or carries a format.
    """
    known = ", ".join(f"{{{name}}}" for name in sorted(PLACEHOLDERS))
    try:
        fields = [field for _, field, *_ in Formatter().parse(template) if field is not None]
    except ValueError as error:
        raise ValueError(f"has a brace without its partner; placeholders are {known}") from error
    for field in fields:
        if field not in PLACEHOLDERS:
            raise ValueError(f"has the unknown placeholder {{{field}}}; there are {known}")
    return template


class FileNaming(Section):
    """Names of artifacts; the suffix follows the content whatever the pattern ends in."""

    pattern: str = "{db_name}_{datetime}_{type}.sql.gz"
    datetime_format: str = "%Y%m%d_%H%M%S"

    @field_validator("pattern")
    @classmethod
    def _is_one_name(cls, pattern: str) -> str:
        if "/" in pattern or not pattern:
            raise ValueError("must be a file name without a slash; folders belong into storage.structure")
        return check_template(pattern)

    @field_validator("datetime_format")
    @classmethod
    def _gives_a_name(cls, text: str) -> str:
        if "/" in text or "%" not in text:
            raise ValueError("must be a strftime format without a slash, such as %Y%m%d_%H%M%S")
        return text


class RetentionRules(Section):
    """How many backups to keep of one database."""

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

    @model_validator(mode="after")
    def _keeps_something(self) -> RetentionRules:
        counted = self.keep_last or self.keep_days
        slots = self.daily_keep or self.weekly_keep or self.monthly_keep or self.yearly_keep
        if self.strategy == "simple" and not counted:
            raise ValueError("strategy simple needs keep_last or keep_days: all but the newest backup would be pruned")
        if not counted and not slots:
            raise ValueError("keeps nothing but the newest backup; say keep_last: 1 to mean it")
        return self


class RetentionOverride(Section):
    """What differs for some databases, named as INSTANCE/DATABASE; globs are allowed. A key left out is not changed."""

    databases: tuple[str, ...] = Field(min_length=1)
    strategy: Literal["gfs", "simple"] | None = None
    daily_keep: int | None = Field(default=None, ge=0)
    weekly_keep: int | None = Field(default=None, ge=0)
    monthly_keep: int | None = Field(default=None, ge=0)
    yearly_keep: int | None = Field(default=None, ge=0)
    keep_last: int | None = Field(default=None, ge=0)
    keep_days: int | None = Field(default=None, ge=0)
    safety_days: int | None = Field(default=None, ge=0)
    shrink_alarm_percent: int | None = Field(default=None, ge=1, le=100)
    cleanup_enabled: bool | None = None

    @field_validator("databases")
    @classmethod
    def _are_keys(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if "/" not in pattern:
                raise ValueError(f"{pattern!r} names no database; write INSTANCE/DATABASE, such as prod-mysql-01/*")
        return patterns


class Retention(RetentionRules):
    """How many backups to keep per database, with what differs for some."""

    apply_per_database: bool = True
    overrides: tuple[RetentionOverride, ...] = ()

    def overridden(self, override: RetentionOverride | None) -> RetentionRules:
        """Return the rules in force under an override, or under none."""
        general = {name: getattr(self, name) for name in RetentionRules.model_fields}
        changed = override.model_dump(exclude={"databases"}, exclude_none=True) if override else {}
        return RetentionRules(**(general | changed))

    @model_validator(mode="after")
    def _overrides_keep_something(self) -> Retention:
        for override in self.overrides:
            try:
                self.overridden(override)
            except ValidationError as error:
                said = error.errors()[0]["msg"].removeprefix("Value error, ")
                raise ValueError(f"the override for {', '.join(override.databases)}: {said}") from error
        return self


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

    @field_validator("structure")
    @classmethod
    def _stays_below_base_path(cls, structure: str) -> str:
        if PurePosixPath(structure).is_absolute() or ".." in PurePosixPath(structure).parts:
            raise ValueError("must be a relative path without `..`, because it is joined to storage.base_path")
        return check_template(structure)
