"""Mail servers and chat targets have their secrets in the same store as the databases, and none is ever shown."""

from __future__ import annotations

import json
from email.message import EmailMessage

import pytest

from tests.settings.conftest import Project
from vya_backup.errors import CredentialsError
from vya_backup.redaction import MASK, remember_url, scrub
from vya_backup.settings.encryption import encrypt, rotate
from vya_backup.settings.showing import as_yaml

SMTP = {"id": "smtp", "username": "backups@example.org", "password": "mail-p4ss"}
CHAT = {"id": "chat", "url": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"}
WANTED = """\
notifications:
  email: {enabled: true, smtp_host: mail.example.org, service: smtp}
  apprise: [{id: chat}]
"""


def closed(project: Project) -> None:
    """Encrypt a store with an account and two services."""
    plain = project.plain({"id": "pg", "username": "u", "password": "database-p4ss"}, services=[SMTP, CHAT])
    encrypt(plain, project.store, project.configuration(), force=True)


def test_services_are_encrypted_as_databases_are(project: Project) -> None:
    """No word of them stands in the file, and a new key loses none."""
    closed(project)
    rotate(project.configuration())

    text = project.store.read_text()
    assert [entry["id"] for entry in json.loads(text)["services"]] == ["smtp", "chat"]
    assert not [secret for secret in ("mail-p4ss", "backups@", "slack", "TIiajk") if secret in text]
    mail, chat = (project.credentials().service(name) for name in ("smtp", "chat"))
    assert (mail.username, mail.password.reveal()) == (SMTP["username"], SMTP["password"])
    assert chat.url.reveal() == CHAT["url"]


def test_a_store_without_databases_may_hold_services(project: Project) -> None:
    """When every instance is SQLite, the mail server has an account still."""
    path = project.folder / "plain.json"
    path.write_text(json.dumps({"services": [SMTP]}))

    assert encrypt(path, project.store, project.configuration()).entries == 1
    assert project.credentials().service("smtp").password.reveal() == "mail-p4ss"


@pytest.mark.parametrize(
    ("service", "complaint"),
    [
        ({"id": "smtp", "pasword": "x"}, "did you mean `password`?"),
        ({"username": "x"}, "services[0].id is missing"),
        ({"id": "smtp", "password": 7}, "services[0].password must be text"),
        ("smtp", "services[0] must be"),
    ],
)
def test_a_malformed_service_is_named(project: Project, service: object, complaint: str) -> None:
    """With its place, and never with a value."""
    with pytest.raises(CredentialsError) as caught:
        encrypt(project.plain(services=[service]), project.store, project.configuration())
    assert complaint in caught.value.message.replace("]: ", "] ")


def test_a_service_that_the_store_lacks_is_found_before_the_night(project: Project) -> None:
    """It makes no backup fail, so it is a warning."""
    project.write("instances: [{id: s, type: sqlite, path: x}]\n" + WANTED)
    path = project.folder / "plain.json"
    path.write_text(json.dumps({"services": [CHAT]}))
    encrypt(path, project.store, project.configuration())

    (finding,) = project.credentials().findings(project.configuration())
    assert not finding.fails
    assert "has no service smtp" in finding.message


@pytest.mark.parametrize("text", ["root@localhost", "o'neil+db@sub.example-1.org", "ann@bücher.example", "a.b@x"])
def test_a_bare_address_is_taken_and_can_be_a_sender(project: Project, text: str) -> None:
    """Whatever passes here must come through the mail's own writer."""
    wanted = f"notifications: {{email: {{from_address: {json.dumps(text)}}}}}"
    sender = project.load(wanted).configuration.notifications.email.from_address
    message = EmailMessage()
    message["From"] = sender
    assert message["From"].addresses[0].addr_spec == text


@pytest.mark.parametrize(
    "text",
    ["oncall", "a@b\r\nBcc: c@d", "Ann <ann@example.org>", "a@b, c@d", "a@[x", "a@x..y", "a..b@x", "a@-x", "a@x."],
)
def test_what_is_no_bare_address_is_refused(project: Project, text: str) -> None:
    """It would become a header of its own, or two recipients."""
    (error,) = project.errors(f"notifications: {{email: {{error_recipients: [{json.dumps(text)}]}}}}")
    assert "must be a bare address such as oncall@example.org" in error


@pytest.mark.parametrize(
    ("said", "way"),
    [
        ("{}", "starttls"),
        ("{use_tls: false}", "none"),
        ("{smtp_port: 465}", "tls"),
        ("{smtp_port: 465, use_tls: false}", "none"),
        ("{security: tls, use_tls: false}", "tls"),
        ("{security: starttls, smtp_port: 465}", "starttls"),
    ],
)
def test_how_the_line_is_secured(project: Project, said: str, way: str) -> None:
    """`security` wins over `use_tls`; 465 is TLS from the first byte, as everywhere."""
    assert project.load(f"notifications: {{email: {said}}}").configuration.notifications.email.way == way


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("email: {lists: [{id: error, recipients: [a@b]}]}", "an id of its own"),
        ("apprise: [{id: chat}, {id: chat}]", "an id of its own"),
        ("pings: {base_url: 'file:///etc/passwd'}", "must be an address such as https://"),
        ("email: {error_levels: [FATAL]}", "must be"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(project: Project, said: str, complaint: str) -> None:
    """Each with its place."""
    (error,) = project.errors(f"notifications: {{{said}}}")
    assert complaint in error


@pytest.mark.parametrize(
    ("url", "text", "shown"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdn", "no answer for A1BRTD4JD", f"no answer for {MASK}"),
        ("json://u:p%40ssw@host.example/x", "password p@ssw refused", f"password {MASK} refused"),
        ("https://h.example/services/hook?token=s3cr3t-token", "token s3cr3t-token", f"token {MASK}"),
        ("https://h.example/services/hook?x=1", "services of h.example", "services of h.example"),
    ],
)
def test_what_is_secret_in_an_address_is_masked_everywhere(url: str, text: str, shown: str) -> None:
    """Libraries quote parts of it; host names and plain words stay legible."""
    remember_url(url)
    assert scrub(text) == shown


def test_addresses_of_pings_are_not_shown(project: Project) -> None:
    """Whoever has one can say that all is well."""
    shown = as_yaml(project.load("notifications: {pings: {base_url: 'https://hc.example/6f0e-1b'}}").configuration)
    assert f"base_url: https://hc.example/{MASK}" in shown
    assert "6f0e" not in shown
