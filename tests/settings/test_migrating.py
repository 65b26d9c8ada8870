"""A configuration of an older schema is brought to the newest: the words that changed, and nothing else."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.project import Project, new_project
from tests.settings.conftest import Project as Settings
from tests.settings.test_specification_samples import CONFIGURATION as SAMPLE
from vya_backup.errors import ConfigurationError
from vya_backup.resources import resource
from vya_backup.settings.json_schema import as_text
from vya_backup.settings.loading import load
from vya_backup.settings.migrating import carry_out, plan
from vya_backup.settings.private_files import rewrite

OLD = """\
# who we are
application: {name: mine}   # stays

databases:                  # our servers
  - {id: s, type: sqlite, path: "data/*.db"}
  # one more to come
storage:
  # where
  local:   # the local disk
    base_path: backups      # here
    # and in between
    structure: "{hostname}/{db_id}/{db_name}/{date}"
  retention: {daily_keep: 3}

scheduling: {timezone: UTC}
"""
NEW = """\
# who we are
schema_version: 2
application: {name: mine}   # stays

instances:                  # our servers
  - {id: s, type: sqlite, path: "data/*.db"}
  # one more to come
storage:
  # where
  # the local disk
  base_path: backups      # here
  # and in between
  structure: "{hostname}/{db_id}/{db_name}/{date}"
  retention: {daily_keep: 3}

scheduling: {timezone: UTC}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a configuration is written to."""
    return tmp_path / "config.yaml"


def migrated(file: Path, text: str) -> str:
    """Write the text, bring it to the newest schema, and return what it became; it means the same."""
    file.write_text(text)
    before = load(file, {}).configuration
    carry_out(plan(file))
    assert load(file, {}).configuration == before
    assert plan(file).diff == ""
    return file.read_text()


def test_the_specifications_spellings_become_ours_and_every_comment_stays(file: Path) -> None:
    """With indentation, order and blank lines."""
    assert migrated(file, OLD) == NEW


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("storage: {local: {base_path: b, temp_path: b/t}}", "storage: {base_path: b, temp_path: b/t}"),
        ("storage:\n  local: {base_path: b, temp_path: b/t}  # x", "storage:\n  base_path: b\n  temp_path: b/t  # x"),
        ("storage:\n  local:\n", "storage:\n  local:\n"),
        ("instances: []", "instances: []"),
        (
            "storage:\n  local:\n    base_path: >-\n      b\n\n# the end",
            "storage:\n  base_path: >-\n    b\n\n# the end",
        ),
    ],
)
def test_each_way_to_write_it_is_brought_over(file: Path, old: str, new: str) -> None:
    """In braces, in blocks, in both."""
    assert migrated(file, old) == f"schema_version: 2\n{new}"


def test_the_sample_of_the_specification_is_brought_over(file: Path) -> None:
    """With every key of it."""
    assert "local:" not in migrated(file, SAMPLE)


def test_what_cannot_be_changed_in_place_is_left_alone(file: Path) -> None:
    """And the way to do it by hand is told."""
    file.write_text("storage: {local: {}, retention: {daily_keep: 2}}")
    with pytest.raises(ConfigurationError, match="without changing what it means") as caught:
        plan(file)
    assert "by hand" in caught.value.hint
    assert file.read_text() == "storage: {local: {}, retention: {daily_keep: 2}}"


def test_a_newer_schema_is_refused_with_the_remedy_alone(project: Settings) -> None:
    """Its new keys are no mistakes of the operator's."""
    (line,) = project.errors("schema_version: 3\nsomething_new: {a: 1}")
    assert line == (
        "line 1: schema_version is '3', but this program knows schemas up to 2; upgrade vya-backupdb, "
        "or bring back the file of before"
    )
    with pytest.raises(ConfigurationError, match="knows schemas up to 2"):
        plan(project.config)


def test_the_file_of_before_is_kept_and_modes_and_owners_stay(file: Path) -> None:
    """Root may migrate what the backup account has to read; nothing that was kept is ever replaced."""
    file.write_text(OLD)
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 65534, 65534)
    owner = file.stat().st_uid
    assert carry_out(plan(file)) == file.with_name("config.yaml.bak")
    file.write_text("databases: []")
    assert carry_out(plan(file)) == file.with_name("config.yaml.bak2")
    assert file.with_name("config.yaml.bak").read_text() == OLD
    for each in file.parent.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o640
        assert each.stat().st_uid == owner


def test_the_command_shows_the_change_and_then_makes_it(tmp_path: Path) -> None:
    """A preview writes nothing; the second time there is nothing to do."""
    project: Project = new_project(tmp_path, OLD)
    written = tmp_path / "config/config.yaml"

    shown = project.run("config", "migrate", "--dry-run")

    assert shown.status == 0, shown.said
    assert "-databases:" in shown.out
    assert "+instances:" in shown.out
    assert written.read_text() == OLD
    assert project.run("config", "migrate").status == 0
    assert written.read_text() == NEW
    assert "nothing was changed" in project.run("config", "migrate").out
    assert [path.name for path in written.parent.iterdir() if ".bak" in path.name] == ["config.yaml.bak"]


def test_the_schema_for_editors_is_the_models(tmp_path: Path) -> None:
    """`config/config.schema.json` is what `config schema` prints: write it anew with that after a change of a model."""
    assert resource("config/config.schema.json").read_text() == as_text()
    assert new_project(tmp_path, "").run("config", "schema").out == as_text()


def test_the_schema_takes_what_loads_and_refuses_what_does_not() -> None:
    """The example, the specification's sample, headings that are empty; no unknown key and no wrong kind."""
    schema = json.loads(as_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    editor = jsonschema.Draft202012Validator(schema)
    example = resource("config/config.example.yaml").read_text()
    for text in (example, SAMPLE, OLD, NEW, "storage:\nlogging:\n"):
        assert [error.message for error in editor.iter_errors(yaml.safe_load(text))] == []
    for text in ("storage: {base_pth: x}", "backup: {retries: many}", "instances: [{id: a}]", "schema_version: 3"):
        assert list(editor.iter_errors(yaml.safe_load(text))), text


def test_the_schema_says_what_each_key_means() -> None:
    """In the words of the example, which stand first in an editor's file too."""
    schema = json.loads(as_text())
    assert resource("config/config.example.yaml").read_text().startswith("# yaml-language-server: $schema=config.sch")
    timeout = schema["$defs"]["Backup"]["properties"]["timeout_minutes"]["description"]
    assert timeout == (
        "for one dump, whose process group is then ended; for any one connection; for a load that moves no data, "
        "which may be a large index being built"
    )


def test_a_link_to_a_file_stays_one(tmp_path: Path) -> None:
    """Such as one into a repository of configurations: what it leads to is rewritten."""
    real, link = tmp_path / "repository/config.yaml", tmp_path / "config.yaml"
    real.parent.mkdir()
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to("repository/config.yaml")

    rewrite(link, b"new", like=link)

    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert {path.name for path in tmp_path.iterdir()} == {"config.yaml", "repository"}
    assert list(real.parent.iterdir()) == [real]
