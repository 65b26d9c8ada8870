"""What is wrong with a configuration is said all at once, each with line, key, value and remedy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.settings.conftest import Project
from vya_backup.errors import ConfigurationError
from vya_backup.settings.loading import load

INSTANCE = "instances:\n  - id: pg\n    type: postgresql\n    host: localhost\n"


def test_all_errors_are_reported_at_once_in_the_order_of_the_lines(project: Project) -> None:
    """Nobody mends a file one message at a time."""
    assert project.errors(
        "aplication: {environment: dev}\n"
        "backup:\n"
        "  compression_level: 12\n"
        "  paralel: 4\n"
        "scheduling: {interval_minutes: 7, timezone: Mars}\n"
        "logging:\n"
        "  level: LOUD\n"
    ) == [
        "line 1: aplication is an unknown key; did you mean `application`?",
        "line 3: backup.compression_level is '12', but must be auto or a whole number from 1 to 9",
        "line 4: backup.paralel is an unknown key; did you mean `parallel`?",
        "line 5: scheduling.interval_minutes is '7', but must divide 1440 (a day) or be whole days, for example 60, "
        "360, 1440 or 10080",
        "line 5: scheduling.timezone is 'Mars', but is no known time zone; use a name such as America/Sao_Paulo or UTC",
        "line 7: logging.level is 'LOUD', but must be 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base_path: /srv", "line 1: base_path is an unknown key here; it belongs to `storage.base_path`"),
        ("storage: {local: {pase_path: /x}}", "line 1: storage.local.pase_path is an unknown key; did you mean "),
        ("xyzzy: 1", "line 1: xyzzy is an unknown key; the keys here are schema_version, application, instances, "),
        (f"{INSTANCE}    ssl: {{cacert: /x}}", "line 5: instances[0].ssl.cacert is an unknown key; did you mean `ca_c"),
        ("backup:\n  retries:\n", "line 2: backup.retries has no value; give it one or remove the line"),
        ("backup:\n  retries: -1\n", "line 2: backup.retries is '-1', but must be at least 0"),
        ("backup:\n  parallel: 2.5\n", "line 2: backup.parallel is '2.5', but must be a whole number"),
        ("backup: fast", "line 1: backup is 'fast', but must be a section with keys below it"),
        ("instances: pg", "line 1: instances is 'pg', but must be a list, such as [a, b]"),
        (
            "application: {environment: 2024}",
            "line 1: application.environment is '2024', but must be text; put it in q",
        ),
        ("application: {hostname: a/b}", "line 1: application.hostname is 'a/b', but must begin with a letter or a di"),
        ("storage: {structure: ../x}", "line 1: storage.structure is '../x', but must be a relative path without `..`"),
        (
            "storage: {structure: '{db}'}",
            "line 1: storage.structure is '{db}', but has the unknown placeholder {db}; th",
        ),
        (
            "storage: {file_naming: {pattern: a/b}}",
            "line 1: storage.file_naming.pattern is 'a/b', but must be a file n",
        ),
        (
            "instances:\n- {id: m, type: mysql, host: 'db1:3306'}\n",
            "line 2: instances[0].host is 'db1:3306', but must be a name or an address alone; a port has a key",
        ),
        (
            "notifications: {email: {smtp_host: 'smtps://mail'}}",
            "line 1: notifications.email.smtp_host is 'smtps://mail', but must be a name or an address alone",
        ),
        ("instances:\n- type: sqlite\n  path: x\n", "line 2: instances[0].id is missing; add it"),
        ("instances:\n- {id: s, type: sqlite}\n", "line 2: instances[0] a sqlite instance needs `path`: a file, a fol"),
        ("instances:\n- {id: m, type: mysql}\n", "line 2: instances[0] a mysql instance needs `host` (or `socket` for"),
        (
            f"{INSTANCE}    databases: [2024]",
            'line 5: instances[0].databases must be "*" or a list of names; a name th',
        ),
        ("storage: {base_path: /a, local: {base_path: /b}}", "line 1: storage.local.base_path means the same as `stor"),
        ("databases: []\ninstances: []", "line 1: databases means the same as `instances`, which is given too; remove"),
        ("backup: {retries: 1}\nlogging:\nbackup: {retries: 2}", "line 3: backup is given twice, in line 1 and here; "),
        (
            "backup: {retries: 1",
            "line 2: is no valid YAML: did not find expected ',' or '}' while parsing a flow mappi",
        ),
        ("- a\n- b\n", "line 1: must be sections such as `storage:` with their keys below them"),
        (
            "backup: !!python/object:os.system x",
            "line 1: backup has the unknown YAML tag tag:yaml.org,2002:python/object",
        ),
        ("backup: {retries: !number 3}", "line 1: backup.retries has the unknown YAML tag !number; remove it"),
        ("a: &a [*a]", "line 1: a[0]"),
    ],
)
def test_each_error_names_line_key_value_and_remedy(project: Project, text: str, message: str) -> None:
    """Whatever can be wrong with a key."""
    assert any(line.startswith(message) for line in project.errors(text)), project.errors(text)


def test_ids_that_are_equal_or_differ_only_by_case_are_refused(project: Project) -> None:
    """Their folders would be one on a file system that does not tell case."""
    first, second = project.errors(
        "instances:\n"
        "- {id: Main, type: sqlite, path: a}\n"
        "- {id: main, type: sqlite, path: b}\n"
        "- {id: Main, type: sqlite, path: c}\n"
    )
    assert first.startswith(
        "line 3: instances[1].id is 'main', but differs only by case from 'Main', the id at line 2;"
    )
    assert second.startswith("line 4: instances[2].id is 'Main', but is also the id at line 2;")


def test_an_instance_of_the_credentials_file_clashes_by_case_too(project: Project) -> None:
    """The message names both files."""
    project.write_store('{"databases": [\n{"id": "PG", "type": "mysql", "host": "h", "username": "u"}]}')
    (line,) = project.errors(INSTANCE)
    assert line.startswith(
        f"{project.store}:2: databases[0].id is 'PG', but differs only by case from 'pg', the id at l"
    )


def test_the_error_of_a_credentials_entry_has_its_own_file_and_line(project: Project) -> None:
    """An instance defined there is validated as one of the configuration."""
    project.write_store('{"databases": [\n{"id": "m", "type": "mysql", "host": "h", "port": 99999, "username": "u"}]}')
    (line,) = project.errors("")
    assert line == f"{project.store}:2: databases[0].port is '99999', but must be at most 65535"


def test_a_password_that_strayed_into_the_configuration_is_never_shown(project: Project) -> None:
    """The message says where accounts belong instead."""
    (line,) = project.errors(f"{INSTANCE}    password: hunter2hunter2\n")
    assert "hunter2" not in line
    assert line.startswith("line 5: instances[0].password is not a key of the configuration; accounts belong into the")


def test_the_account_in_a_url_is_not_shown(project: Project) -> None:
    """A value that is refused is quoted, save for a password in it."""
    (line,) = project.errors("monitoring: {health_check: {port: 'http://user:hunter2@host/'}}")
    assert "hunter2" not in line
    assert "'http://user:***@host/'" in line


def test_an_empty_section_is_its_default(project: Project) -> None:
    """All lines of a section commented out leave a heading without a value."""
    assert project.load("backup:\nstorage:\n  retention:\ninstances:\n").configuration.backup.retries == 2


def test_a_merge_key_is_followed(project: Project) -> None:
    """YAML's own way of saying something once, with the line of its anchor."""
    text = "instances:\n- &base {id: a, type: mysql, host: h, port: 3307}\n- {<<: *base, id: b}\n"
    assert [(i.id, i.port) for i in project.load(text).configuration.instances] == [("a", 3307), ("b", 3307)]


def test_a_file_that_is_no_text_is_one_clear_line(project: Project) -> None:
    """No traceback of a codec."""
    project.config.write_bytes(b"backup: \xff\xfe\n")
    with pytest.raises(ConfigurationError, match="cannot be read as UTF-8 text"):
        project.load()


def test_a_named_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """With the remedy, and whether it was named by argument or by environment."""
    missing = tmp_path / "nothing.yaml"
    for attempt in (lambda: load(missing, {}), lambda: load(None, {"VYA_CONFIG": str(missing)})):
        with pytest.raises(ConfigurationError) as caught:
            attempt()
        assert str(caught.value) == (
            f"the configuration file {missing} does not exist. "
            "Copy config/config.example.yaml to it, or make one with `init`."
        )


def test_a_configuration_loads_without_the_heavy_libraries() -> None:
    """`doit list` must start in 0.3 s, so that neither drivers nor ciphers nor the settings library may be loaded."""
    program = (
        "import sys; from pathlib import Path; from vya_backup.settings import credentials, loading, showing;"
        "loading.load(Path('config/config.example.yaml'), {});"
        "print([m for m in ('sqlalchemy', 'cryptography', 'pydantic_settings', 'rich') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_unit_of_systemd_names_its_file_in_full(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs in the topmost folder, and `etc/vya_backupdb/config.yaml` is found nowhere."""
    path = project.folder / "config.yaml"
    path.write_text("storag: {}\n")
    monkeypatch.chdir("/")
    with pytest.raises(ConfigurationError, match=f"^{path}:1: storag is an unknown key"):
        load(path, {})
