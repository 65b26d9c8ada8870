"""What a server says of itself before anybody logs in: it is heard, and never believed."""

from __future__ import annotations

import socket
from threading import Thread

import pytest

from vya_backup.transport.greeting import LOOPBACK, hear


@pytest.mark.parametrize(
    ("version", "banner"),
    [
        (b"8.4.2", "MySQL 8.4.2"),
        (b"5.5.5-10.11.14-MariaDB", "MariaDB 10.11.14"),
        (b"8.4\x1b[2J\x1b]0;gone\x07\xff.2", "MySQL 8.42J0gone.2"),
    ],
)
def test_a_banner_is_made_of_what_versions_are_made_of(version: bytes, banner: str) -> None:
    """Whoever listens on this machine may say anything, and a terminal would obey it."""
    with socket.create_server((LOOPBACK, 0)) as listening:

        def greet() -> None:
            with listening.accept()[0] as opened:
                opened.sendall(b"\x20\x00\x00\x00\x0a" + version + b"\x00rest")

        server = Thread(target=greet)
        server.start()
        heard = hear(port=listening.getsockname()[1])
        server.join()
    assert heard
    assert heard.server.banner == banner
