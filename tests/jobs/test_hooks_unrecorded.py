"""Hooks whose event the catalog does not take: what was paused goes on all the same, and it is loud."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engines.contract import Bench
from vya_backup.decisions.hooks import Occasion
from vya_backup.errors import CatalogError, DumpFailed
from vya_backup.jobs import hooks
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.hooks_model import Hook

SHOP = Occasion(instance="local", database="shop")


@pytest.fixture
def workspace(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Give hooks that note their moment, and a catalog that takes none of their events."""
    path = tmp_path / "note"
    path.write_text(f'#!/bin/sh\necho "$VYA_HOOK" >> {tmp_path}/told\n')
    path.chmod(0o755)
    moments = ("after_backup", "after_backup", "on_failure", "on_failure")
    listed = [{"name": f"h{n}", "when": when, "command": [str(path)]} for n, when in enumerate(moments)]
    configured = tuple(Hook.model_validate(one) for one in listed)
    configuration = bench.workspace.configuration.model_copy(update={"hooks": configured})

    def refuse(*events: Any) -> None:
        raise CatalogError("the disk is full")

    monkeypatch.setattr(bench.workspace.catalog, "append", refuse)
    return replace(bench.workspace, configuration=configuration, hook_warnings=[])


def test_every_hook_behind_the_work_runs_although_none_can_be_recorded(workspace: Workspace, tmp_path: Path) -> None:
    """A full disk is no reason to leave an application paused."""
    with pytest.raises(CatalogError, match="disk is full"), hooks.around(workspace, "backup", SHOP):
        pass
    assert (tmp_path / "told").read_text().split() == ["h0", "h1"]
    assert workspace.hook_warnings == [f"hook h{n} (after_backup) for local/shop: the disk is full" for n in (0, 1)]


def test_those_of_failures_too(workspace: Workspace, tmp_path: Path) -> None:
    """Somebody is to be told of the dump that failed."""
    with pytest.raises(CatalogError), hooks.around(workspace, "backup", SHOP):
        raise DumpFailed("it broke")
    assert (tmp_path / "told").read_text().split() == ["h0", "h1", "h2", "h3"]
