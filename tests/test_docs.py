"""What an operator can say, set or meet stands in the documents; a new name without a word about it fails here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.outlook.test_metrics import PROMISED
from vya_backup import errors
from vya_backup.command_line import main
from vya_backup.command_line.options import BACKUP, DRILL, PRUNE, RECOVER, RESTORE, VERIFY
from vya_backup.engines.mysql.new_account import PRIVILEGES
from vya_backup.engines.new_account import TO_BE_CHOSEN
from vya_backup.engines.postgresql.new_account import READER
from vya_backup.history.event import Event
from vya_backup.jobs.health.examination import CHECKS
from vya_backup.settings.model import Configuration
from vya_backup.settings.validation import key_paths

CHECKOUT = Path(__file__).parents[1]
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES)
EXAMPLE = (CHECKOUT / "config/config.example.yaml").read_text()
DOITS_OWN = {"help", "run", "list", "info", "forget", "tabcompletion", "clean", "ignore"}


def below(kind: type) -> set[type]:
    """Return a class and everything derived from it in the package."""
    return {kind} | {found for child in kind.__subclasses__() for found in below(child)}


def paths_of(value: object, prefix: str = "") -> set[str]:
    """Return the dotted paths of a YAML value, list entries as if they were not in a list."""
    if isinstance(value, list):
        return {path for entry in value for path in paths_of(entry, prefix)}
    if not isinstance(value, dict):
        return set()
    return {path for key, inner in value.items() for path in {f"{prefix}{key}", *paths_of(inner, f"{prefix}{key}.")}}


@pytest.mark.parametrize("code", sorted({kind.code for kind in below(errors.BackupError)}))
def test_every_error_code_is_explained(code: str) -> None:
    """In the table of the operator's page, as `code`."""
    assert f"| `{code}` |" in (CHECKOUT / "docs/operations.md").read_text()


@pytest.mark.parametrize("type_", sorted(kind.type for kind in below(Event) - {Event}))
def test_every_event_is_named(type_: str) -> None:
    """With what it says."""
    assert f"`{type_}`" in (CHECKOUT / "docs/design.md").read_text()


@pytest.mark.parametrize("view", sorted(path.stem for path in (CHECKOUT / "catalog/views").glob("*.sql")))
def test_every_view_is_named(view: str) -> None:
    """Auditors read them."""
    assert f"`{view}`" in (CHECKOUT / "docs/design.md").read_text()


@pytest.mark.parametrize("key", sorted(key_paths(Configuration)))
def test_every_key_of_the_configuration_is_in_the_example(key: str) -> None:
    """Where each has a comment."""
    assert key in paths_of(yaml.safe_load(EXAMPLE))


@pytest.mark.parametrize("name", sorted({c.get_name() for c in main.LOOKING} | DOITS_OWN - {"help", "run", "info"}))
def test_every_command_is_named(name: str) -> None:
    """As it is typed."""
    assert re.search(rf"(doit |`){name}\b", TEXT)


@pytest.mark.parametrize("task", ["backup", "drill", "prune", "recover", "restore", "verify"])
def test_every_task_is_named(task: str) -> None:
    """As it is typed."""
    assert f"doit {task}" in TEXT


@pytest.mark.parametrize(
    "words",
    [
        "config validate",
        "config show",
        "config test-connections",
        "config migrate",
        "config schema",
        "credentials encrypt",
        "catalog rebuild",
        "catalog serve",
    ],
)
def test_every_two_word_command_is_named(words: str) -> None:
    """As it is typed."""
    assert f"doit {words}" in TEXT


@pytest.mark.parametrize("option", sorted({option["long"] for option in (*RECOVER, *RESTORE, *VERIFY)}))
def test_every_option_of_a_restore_or_a_verification_is_named(option: str) -> None:
    """At night nobody guesses; the help of the task has them all with a sentence."""
    assert f"--{option}" in TEXT or option in {"datetime", "latest", "date", "limit", "instance", "database"}


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md"])
def test_the_accounts_that_are_described_are_those_that_init_makes(page: str) -> None:
    """Somebody copies the statements from there."""
    text = (CHECKOUT / page).read_text()
    assert f"GRANT {', '.join(PRIVILEGES)} ON *.* TO" in text
    assert f"CREATE ROLE backup LOGIN BYPASSRLS PASSWORD '{TO_BE_CHOSEN}' IN ROLE {READER}" in text


def test_what_the_documents_point_to_is_there() -> None:
    """Paths in backticks that begin with one of the project's folders."""
    named = set(re.findall(r"`((?:docs|tests|scripts|catalog|config|vya_backup)/[\w./]+)`", TEXT))
    made_by_the_operator = {"config/config.yaml", "catalog/catalog.db"}
    assert not [path for path in named - made_by_the_operator if not (CHECKOUT / path).exists()]


def test_the_changelog_tells_of_this_version() -> None:
    """For the operator who upgrades."""
    assert "2.0.0" in (CHECKOUT / "CHANGELOG.md").read_text()


def test_every_option_of_a_task_says_what_it_does() -> None:
    """`doit help` prints it."""
    assert all(option["help"] for option in (*BACKUP, *DRILL, *PRUNE, *RECOVER, *RESTORE, *VERIFY))


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_every_metric_is_explained(name: str) -> None:
    """Under the name that is asked for: a counter's ends in `_total`."""
    kind, _ = PROMISED[name]
    assert f"`{name}{'_total' if kind == 'counter' else ''}`" in (CHECKOUT / "docs/operations.md").read_text()


def test_every_alert_and_every_check_of_health_is_explained() -> None:
    """What wakes somebody up, and what they look at then."""
    text = (CHECKOUT / "docs/operations.md").read_text()
    alerts = re.findall(r"- alert: (\w+)", (CHECKOUT / "config/prometheus/alerts.yml").read_text())
    assert alerts
    assert [alert for alert in alerts if f"`{alert}`" not in text] == []
    table = text[text.index("| check | warning | failure |") :]
    names = {name for line in table.splitlines() if line.startswith("| ") for name in line.split("|")[1].split(",")}
    assert {name for name, _ in CHECKS} <= {name.strip() for name in names}
