"""What an event may hold, and how it comes back out of the catalog."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from tests.history.samples import dumped, one_of_each, plain, started
from vya_backup.errors import CatalogError
from vya_backup.history import chain
from vya_backup.history.catalog import Catalog
from vya_backup.history.decoding import BY_TYPE, Unknown
from vya_backup.history.event import Event
from vya_backup.history.events import Failed
from vya_backup.history.recorded import recorded
from vya_backup.history.run_events import TaskRecorded
from vya_backup.redaction import Secret


def test_samples_know_every_type() -> None:
    """The samples of these tests keep up with the types."""
    assert one_of_each().keys() == BY_TYPE.keys()


@pytest.mark.parametrize("event", one_of_each().values(), ids=lambda event: event.type)
def test_every_event_comes_back_as_it_went_in(catalog: Catalog, event: Event) -> None:
    """What was appended is read back equal, through the file."""
    one = catalog.append(event)[0]
    assert one.event == event
    assert [found.event for found in recorded(catalog, "id = ?", (one.id,))] == [event]


@pytest.mark.parametrize("event", one_of_each().values(), ids=lambda event: event.type)
def test_every_event_is_a_sentence_of_its_own(catalog: Catalog, event: Event) -> None:
    """The audit log says more than the type, and never nothing."""
    number = catalog.append(event)[0].id
    sentence = catalog.rows("SELECT sentence FROM audit_log WHERE id = ?", (number,))[0]["sentence"]
    assert sentence
    assert not sentence.startswith(f"{event.type.replace('_', ' ')}: ")


def test_an_event_refuses_a_field_that_it_does_not_have() -> None:
    """Validation on the way in: a misspelt fact is a bug found at once."""
    with pytest.raises(ValidationError, match="mesage"):
        Failed(step="dump", code="x", message="m", mesage="typo")  # type: ignore[call-arg]


def test_an_event_never_changes() -> None:
    """Events are values."""
    with pytest.raises(ValidationError, match="frozen"):
        started().path = "elsewhere"  # type: ignore[misc]


def test_bytes_that_are_no_utf8_are_recorded_readably(catalog: Catalog) -> None:
    """A file name or message with undecodable bytes is a fact like any other."""
    message = b"caf\xe9 \x00 end".decode("utf-8", "surrogateescape")
    catalog.append(Failed(instance="prod", step="dump", code="dump", message=message))
    assert catalog.rows("SELECT message FROM failures")[0]["message"].startswith("caf\\udce9 ")


def test_a_secret_never_enters_the_catalog(catalog: Catalog) -> None:
    """The last line of defence: a known secret in a message, a hint or a tool's words is masked."""
    secret = Secret('s3cr3t "pass" wörd')
    text = f"access denied using {secret.reveal()}"
    catalog.append(Failed(step="dump", code="login", message=text, hint=text, stderr=text))
    assert b"s3cr3t" not in catalog.path.with_name("catalog.db-wal").read_bytes()
    assert catalog.rows("SELECT message FROM failures")[0]["message"] == "access denied using ******"


def test_a_weak_password_does_not_eat_the_facts(catalog: Catalog) -> None:
    """A password that equals the database's name leaves paths, digests and doit's memory alone."""
    Secret("shop")
    Secret("5555")
    catalog.append(started(), dumped(), TaskRecorded(task="t", state={"shop/b1.sql.gz": 1.0}))
    row = catalog.rows("SELECT path, sha256 FROM backups")[0]
    assert (row["path"], row["sha256"]) == ("shop/b1.sql.gz", "5" * 64)


def test_an_event_of_a_newer_program_is_shown_and_not_interpreted(catalog: Catalog) -> None:
    """An unknown type reads as Unknown, keeps the chain whole, and the views go on."""
    _insert_as_newer_program(catalog, "replicated", {"to": "s3"})
    newest = list(recorded(catalog))[-1]
    assert newest.event == Unknown(instance="prod", database="shop", recorded_type="replicated", content={"to": "s3"})
    assert catalog.rows("SELECT sentence FROM audit_log ORDER BY id DESC")[0]["sentence"] == "replicated: prod/shop"
    catalog.rebuild_projection()
    assert catalog.append(started())[0].position == newest.position + 1


def test_fields_that_a_newer_program_added_are_left_out(catalog: Catalog) -> None:
    """A known type with a new field still reads."""
    _insert_as_newer_program(catalog, "held", {"reason": "audit", "until": "2027"})
    assert list(recorded(catalog))[-1].event == one_of_each()["held"].model_copy(update={"backup_id": None})


def test_data_that_is_not_of_its_type_is_named(catalog: Catalog) -> None:
    """Validation on the way out: a forged event is an error that names it."""
    _insert_as_newer_program(catalog, "held", {"because": 7})
    with pytest.raises(CatalogError, match="event 2 of the catalog is no valid 'held'"):
        list(recorded(catalog))


def _insert_as_newer_program(catalog: Catalog, kind: str, data: dict[str, object]) -> None:
    head = catalog.head()
    values = (catalog.catalog_id, head.position + 1, "e-new", "2026-01-09T02:00:00.000000Z", kind, None, None)
    values += ("prod", "shop", "wfdb02", "vya", json.dumps(data), head.hash)
    with plain(catalog.path) as connection:
        marks = ", ".join("?" * 14)
        connection.execute(
            f"INSERT INTO events ({', '.join(chain.HASHED)}, hash) VALUES ({marks})", (*values, chain.digest(values))
        )
