"""Secrets reach a child through memory only: never its arguments, its environment, a disk, or what it says."""

from __future__ import annotations

from pathlib import Path

from tests.transport.fakes import Children
from vya_backup.engines.commands import Command, SecretFile, SecretPath
from vya_backup.redaction import MASK, Secret
from vya_backup.transport.evidence import HALF_BYTES, Evidence
from vya_backup.transport.processes import Child, capture

PASSWORD = Secret("pâss wörd'\"\\#=%42")
COMMAND = Command(
    argv=(
        "/bin/sh",
        "-c",
        'cat "${1#--file=}"; cat "$PASSFILE"; stat -L -c " %a" "$PASSFILE"; read x',
        "tool",
        SecretPath("secret", "--file="),
    ),
    environment={"PASSFILE": SecretPath("secret")},
    secret_files=(SecretFile("secret", PASSWORD),),
)


def test_a_child_reads_its_secret_and_nobody_sees_it(tmp_path: Path, new_children: Children) -> None:
    """The file is private and readable again and again, while /proc shows only its descriptor."""
    with Child(COMMAND, feeds=True, answers=True) as child:
        output = b""
        while b" 600\n" not in output:
            output += child.read()
        (pid,) = new_children()
        shown = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
    assert output == (2 * PASSWORD.reveal() + " 600\n").encode()
    assert PASSWORD.reveal().encode() not in shown
    assert b"/proc/self/fd/" in shown


def test_another_child_does_not_inherit_the_secret() -> None:
    """Only the child that a secret is for gets its descriptor, also while both run."""
    with Child(COMMAND, feeds=True, answers=True):
        seen = capture(Command(argv=("/bin/sh", "-c", "ls -l /proc/self/fd")), timeout_seconds=10).stdout
    assert b"memfd" not in seen


def test_the_environment_of_a_child_is_minimal(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """What this process has in its environment stays here."""
    monkeypatch.setenv("MYSQL_PWD", "from-outside")
    seen = capture(Command(argv=("/usr/bin/env",), environment={"PGTZ": "UTC"}), timeout_seconds=10).stdout.decode()
    assert {line.partition("=")[0] for line in seen.splitlines()} == {"PATH", "HOME", "LC_ALL", "PGTZ"}


def test_what_a_tool_says_about_its_password_is_scrubbed() -> None:
    """A tool that repeats its password on standard error does not get it into an event."""
    command = Command(
        argv=("/bin/sh", "-c", "echo using password $(cat $1) >&2", "tool", SecretPath("s")),
        secret_files=(SecretFile("s", PASSWORD),),
    )
    assert capture(command, timeout_seconds=10).stderr == f"using password {MASK}\n"


def test_a_secret_across_the_cut_does_not_slip_past_the_scrubber() -> None:
    """Where the middle is left out, the cut is made between lines."""
    evidence = Evidence()
    evidence.add(b"x" * (HALF_BYTES - 20) + b"\npassword " + PASSWORD.reveal().encode() + b"\n")
    evidence.add(b"y" * (3 * HALF_BYTES) + b"\nlast\n")
    assert PASSWORD.reveal()[:6] not in evidence.text()
    assert evidence.text().endswith("\nlast\n") or evidence.text().endswith("last\n")
