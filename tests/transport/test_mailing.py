"""Mail reaches a real server over the line that was asked for, or nothing is said; and it takes its time only."""

from __future__ import annotations

import errno
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.post import Post, free_port, post_office, web_server
from tests.servers.tls import Certificates, make_certificates
from vya_backup.clock import monotonic
from vya_backup.errors import NoticeDeferred, NoticeFailed
from vya_backup.redaction import Secret
from vya_backup.transport.apprising import tell
from vya_backup.transport.mailing import MailServer, send
from vya_backup.transport.pinging import ping
from vya_backup.transport.stopping import stop

ANN, BOB = "ann@example.org", "bob@example.org"
LOGIN = ("backups", "mail-p4ss")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Give a certificate for `localhost`, its authority and another one."""
    return make_certificates(tmp_path_factory.mktemp("tls"))


def letter() -> EmailMessage:
    """Give a mail."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "backups@example.org", ANN, "Grüße"
    message.set_content("Ünïcödé\n")
    return message


def at(post: Post, **more: object) -> MailServer:
    """Give a mail server as it is configured, impatient."""
    quick = MailServer("localhost", post.port, "none", answer_seconds=2, whole_seconds=4, pause_seconds=0.01)
    return replace(quick, **more)  # type: ignore[arg-type]


def test_a_mail_arrives_as_it_was_written_and_the_answer_is_known() -> None:
    """Without TLS and login, where the server asks for neither."""
    with post_office() as post:
        done = send(letter(), (ANN, BOB), at(post))

    assert (done.answer, dict(done.refused)) == ("250 2.0.0 queued as 4711", {})
    assert [(one.to, one.message["Subject"], one.part("plain")) for one in post.letters] == [
        ([ANN, BOB], "Grüße", "Ünïcödé\n")
    ]


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_tls_with_an_authority_of_ones_own_and_a_login(certificates: Certificates, tls: str) -> None:
    """The certificate is verified, and only then the password said."""
    with post_office(certificates, tls=tls, login=LOGIN) as post:
        account = {"username": LOGIN[0], "password": Secret(LOGIN[1])}
        send(letter(), (ANN,), at(post, security=tls, ca_cert=certificates.ca, **account))
    assert len(post.letters) == 1


@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("host", "authority"), [("localhost", "stranger_ca"), ("127.0.0.1", "ca"), ("localhost", None)]
)
def test_a_certificate_that_does_not_fit_is_refused(
    certificates: Certificates, tls: str, host: str, authority: str | None
) -> None:
    """Of a strange authority, with another name, or unknown to the system: not a word is said, and at once."""
    with post_office(certificates, tls=tls) as post:
        ca = getattr(certificates, authority) if authority else None
        with pytest.raises(NoticeFailed, match="not to be trusted") as caught:
            send(letter(), (ANN,), at(post, host=host, security=tls, ca_cert=ca))
    assert not caught.value.passes
    assert post.letters == []


def test_a_server_without_starttls_gets_nothing_where_it_is_asked_for() -> None:
    """Somebody between may have taken the offer out of its greeting."""
    with post_office() as post, pytest.raises(NoticeFailed, match="STARTTLS") as caught:
        send(letter(), (ANN,), at(post, security="starttls"))
    assert post.attempts == 0
    assert not caught.value.passes


def test_a_wrong_login_is_told_without_the_password(certificates: Certificates) -> None:
    """And is not tried again, which would lock the account."""
    with post_office(certificates, tls="starttls", login=LOGIN) as post:
        server = at(
            post, security="starttls", ca_cert=certificates.ca, username="backups", password=Secret("wr0ng-one")
        )
        with pytest.raises(NoticeFailed, match="refused the login: 535") as caught:
            send(letter(), (ANN,), server)
    assert not caught.value.passes
    assert "wr0ng-one" not in str(caught.value)


def test_a_password_that_no_login_carries_is_told_at_once(certificates: Certificates) -> None:
    """And not as a server that is down; its words are in no message."""
    with post_office(certificates, tls="starttls", login=LOGIN) as post:
        account = {"username": "backups", "password": Secret("pässwörd")}
        with pytest.raises(NoticeFailed, match="letters beyond ASCII") as caught:
            send(letter(), (ANN,), at(post, security="starttls", ca_cert=certificates.ca, **account))
    assert not caught.value.passes
    assert "pässwörd" not in str(caught.value)


def test_no_password_is_said_on_a_line_without_tls() -> None:
    """Unless it does not leave this machine."""
    server = MailServer("mail.invalid", 25, "none", username="u", password=Secret("mail-p4ss"))
    with pytest.raises(NoticeFailed, match="without TLS"):
        send(letter(), (ANN,), server)


def test_who_is_refused_is_named_and_the_others_have_it() -> None:
    """One typo in a list must not silence it."""
    with post_office() as post:
        post.strangers = {BOB: "550 5.1.1 no such user"}
        done = send(letter(), (ANN, BOB), at(post))
    assert dict(done.refused) == {BOB: "550 5.1.1 no such user"}
    assert [one.to for one in post.letters] == [[ANN]]


def test_where_everybody_is_refused_it_failed() -> None:
    """With the server's words."""
    with post_office() as post:
        post.strangers = {ANN: "550 no such user"}
        with pytest.raises(NoticeFailed, match="refused every recipient: 550 no such user"):
            send(letter(), (ANN,), at(post))


def test_what_is_deferred_is_tried_again_for_those_who_wait_alone() -> None:
    """Greylisting of one recipient gives nobody the mail twice."""
    with post_office() as post:
        post.early = {BOB: "451 greylisted"}
        done = send(letter(), (ANN, BOB), at(post))
    assert [one.to for one in post.letters] == [[ANN], [BOB]]
    assert dict(done.refused) == {}


@pytest.mark.parametrize(
    ("problem", "words", "passes"),
    [(errno.EAFNOSUPPORT, "this service has no network", False), (errno.EMFILE, "Too many open files", True)],
)
def test_a_service_without_network_does_not_wait_for_one(
    monkeypatch: pytest.MonkeyPatch, problem: int, words: str, passes: bool
) -> None:
    """As systemd has it where a unit names no family of addresses but its own sockets; what else fails may pass."""

    def refuse(*_words: object, **_more: object) -> None:
        raise OSError(problem, os.strerror(problem))

    with post_office() as post:
        server = at(post, answer_seconds=0.1, whole_seconds=0.2)
        monkeypatch.setattr(socket, "socket", refuse)
        with pytest.raises(NoticeFailed, match=words) as refused:
            send(letter(), (ANN,), server)
        monkeypatch.undo()
    assert refused.value.passes is passes


def test_a_server_that_is_busy_gets_it_later() -> None:
    """4xx, 4xx, then taken."""
    with post_office() as post:
        post.answers = ["451 try again", "452 still busy"]
        send(letter(), (ANN,), at(post))
    assert (post.attempts, len(post.letters)) == (3, 1)


def test_who_was_asked_to_stop_tries_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And does not storm a server that defers, because no pause is made any more."""
    monkeypatch.setattr(stop, "requested", signal.SIGTERM)
    with post_office() as post:
        post.answers = ["451 try again"] * 50
        with pytest.raises(NoticeDeferred, match="451 try again"):
            send(letter(), (ANN,), at(post))
    assert post.attempts == 1


def test_a_refused_mail_is_not_tried_again() -> None:
    """5xx is an answer."""
    with post_office() as post:
        post.answers = ["554 spam"]
        with pytest.raises(NoticeFailed, match="refused the mail: 554 spam") as caught:
            send(letter(), (ANN,), at(post))
    assert post.attempts == 1
    assert not caught.value.passes


@contextmanager
def mute_server() -> Iterator[int]:
    """Run a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


def test_a_server_that_never_answers_takes_its_time_only() -> None:
    """All attempts together; one that is left behind is not waited for."""
    with mute_server() as port:
        began = monotonic()
        server = MailServer("127.0.0.1", port, "none", answer_seconds=0.3, whole_seconds=1, pause_seconds=0.01)
        with pytest.raises(NoticeDeferred):
            send(letter(), (ANN,), server)
        assert monotonic() - began < 30  # far from for ever


def test_a_server_that_is_down_is_told() -> None:
    """By its name, and as something that passes."""
    port = free_port()
    with pytest.raises(NoticeDeferred, match=rf"127.0.0.1:{port} took nothing: .*refused") as caught:
        send(letter(), (ANN,), at(Post(port=port), host="127.0.0.1", whole_seconds=0.5))
    assert caught.value.passes


def test_a_file_of_authorities_that_is_none_is_named(tmp_path: Path) -> None:
    """With the key to correct."""
    with post_office() as post, pytest.raises(NoticeFailed, match="cannot be read as certificates"):
        send(letter(), (ANN,), at(post, security="tls", ca_cert=tmp_path / "none.pem"))


# --------------------------------------------------------------------------- pings and Apprise


def test_a_ping_carries_its_words_and_brings_the_answer() -> None:
    """As healthchecks.io takes it."""
    with web_server() as web:
        assert ping(f"{web.url}/6f0e-1b/fail", "exit status 1", 5) == "200 OK"
    assert web.requests == [("/6f0e-1b/fail", "exit status 1")]


@pytest.mark.parametrize(("status", "passes"), [(404, False), (503, True)])
def test_a_refused_ping_is_told_without_its_address(status: int, passes: bool) -> None:
    """Whoever has the address can say that all is well."""
    with web_server(status) as web, pytest.raises(NoticeFailed, match=f"refused the ping: {status}") as caught:
        ping(f"{web.url}/6f0e1b-secret", "", 5)
    assert caught.value.passes is passes
    assert "6f0e1b" not in str(caught.value)


def test_nobody_waits_for_a_ping_longer_than_configured() -> None:
    """A firewall that swallows it holds up nothing."""
    with mute_server() as port, pytest.raises(NoticeDeferred, match="took no ping"):
        ping(f"http://127.0.0.1:{port}/x", "", 0.3)


def test_apprise_tells_a_real_server() -> None:
    """Its JSON target is as real as any."""
    with web_server() as web:
        tell(Secret(f"json://127.0.0.1:{web.port}/hook"), "[VYA] ERROR db1: shop failed", "disk full", "ERROR", 10)
    ((path, body),) = web.requests
    assert path == "/hook"
    assert '"type": "failure"' in body
    assert "shop failed" in body


def test_what_apprise_cannot_deliver_is_told_without_the_address() -> None:
    """With what Apprise logged of it."""
    with web_server(500) as web, pytest.raises(NoticeDeferred, match="it took nothing") as caught:
        tell(Secret(f"json://user:s3cr3t-w0rd@127.0.0.1:{web.port}/hook"), "t", "b", "ERROR", 10)
    assert "s3cr3t" not in str(caught.value)
    with pytest.raises(NoticeFailed, match="does not know such an address"):
        tell(Secret("nonsense://x"), "t", "b", "ERROR", 10)


def test_without_apprise_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is an extra."""
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    with pytest.raises(NoticeFailed, match=r"pip install 'vya-backupdb\[apprise\]'"):
        tell(Secret("json://localhost/"), "t", "b", "ERROR", 10)
