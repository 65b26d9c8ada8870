"""The doit tasks of VYA BackupDB; `doit list` shows them."""

from vya_backup.command_line.doit_settings import DOIT_CONFIG
from vya_backup.command_line.tasks import (
    task_backup,
    task_drill,
    task_prune,
    task_recover,
    task_restore,
    task_verify,
)

__all__ = ["DOIT_CONFIG", "task_backup", "task_drill", "task_prune", "task_recover", "task_restore", "task_verify"]
