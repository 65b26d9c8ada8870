"""What the disk says, as a person can use it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from vya_backup.errors import StorageFailed
from vya_backup.transport.disk import explained


def test_a_folder_that_may_not_be_written_says_what_a_timer_knows() -> None:
    """Its unit lets it write where `storage.base_path` was when it was installed."""
    with pytest.raises(StorageFailed) as caught, explained("create", Path("/srv/new")):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    assert "Read-only file system" in str(caught.value)
    assert "doit schedule install" in caught.value.hint
