"""What a run is told and finds around it, as its events keep it: the configuration in force, and the disk's room."""

from __future__ import annotations

from datetime import timedelta

from vya_backup.decisions.schedule import longest_gap, timetables
from vya_backup.errors import BackupError
from vya_backup.history.run_events import Configured, ConfiguredInstance, Room
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.model import Configuration, Instance
from vya_backup.settings.storage_model import RetentionRules


def told_to(configuration: Configuration) -> Configured:
    """Return what the configuration demands; addresses, accounts and paths are no part of it."""
    retention, table = configuration.storage.retention, timetables(configuration.scheduling).get("backup")
    return Configured(
        environment=configuration.application.environment,
        timezone=configuration.scheduling.timezone,
        interval_minutes=configuration.scheduling.interval_minutes,
        longest_gap_minutes=longest_gap(table) // timedelta(minutes=1) if table else 0,
        instances=tuple(_instance(instance) for instance in configuration.instances),
        retention=retention.model_dump(mode="json", include=set(RetentionRules.model_fields)),
        overrides=tuple(override.model_dump(mode="json", exclude_none=True) for override in retention.overrides),
        verify_every_days=configuration.verification.every_days,
        drill_max_age_days=configuration.drill.max_age_days,
        min_free_percent=configuration.storage.min_free_percent,
    )


def _instance(instance: Instance) -> ConfiguredInstance:
    return ConfiguredInstance(
        id=instance.id,
        type=instance.type,
        enabled=instance.enabled,
        databases=("*",) if instance.databases == "*" else instance.databases,
        exclude_databases=instance.exclude_databases,
        users=instance.users,
    )


def room_left(workspace: Workspace) -> Room | None:
    """Return the room of the file system below the backups, None where it cannot be measured."""
    try:
        found = workspace.store.room()
    except BackupError:
        return None
    return Room(total_bytes=found.total, free_bytes=found.free)
