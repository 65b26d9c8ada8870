"""What a hook is told in its environment, and whether it is meant."""

from __future__ import annotations

from pathlib import Path

from vya_backup.decisions.hooks import Occasion, called, environment
from vya_backup.engines.commands import Command
from vya_backup.settings.hooks_model import Hook
from vya_backup.transport.limits import Limits
from vya_backup.transport.processes import Child


def test_a_hook_can_be_told_whatever_anybody_said(tmp_path: Path) -> None:
    """A program cannot be started with a NUL in its environment, half a character, or megabytes."""
    said = "busy\0 \ud800" + "x" * 1_000_000
    command = ["/bin/sh", "-c", 'echo "$VYA_ERROR"']
    tell = Hook.model_validate({"name": "tell", "when": "on_failure", "command": command})
    told = environment(tell, Occasion(message=said, command=said), "4711")
    with Child(Command(tell.command, told), mixed=True) as child:
        assert child.wait(Limits.of_seconds(20)) == 0
    assert child.stderr.startswith("busy \\ud800xxx")
    assert len(told["VYA_ERROR"]) < 4100


def test_what_is_about_an_instance_alone_is_for_hooks_that_name_no_database() -> None:
    """An instance that does not answer is no database of it."""
    hooks = [
        Hook.model_validate({"name": name, "when": "on_failure", "command": ["/bin/true"], "databases": [glob]})
        for name, glob in (("all", "*"), ("own", "prod/*"))
    ]
    assert [hook.name for hook in called(hooks, "on_failure", Occasion(instance="prod"))] == ["all"]
    assert [hook.name for hook in called(hooks, "on_failure", Occasion("prod", "shop"))] == ["all", "own"]
