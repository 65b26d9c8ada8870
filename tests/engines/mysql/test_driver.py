"""The driver's connection, where nobody demanded TLS: encrypted all the same, and no certificate is read for that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engines.mysql import drive
from tests.servers import MySqlServer
from vya_backup.engines.contract import Access
from vya_backup.redaction import Secret


def test_the_line_is_encrypted_and_no_certificate_of_the_system_is_read(
    server: MySqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account that may come in no other way comes in."""

    def read(*words: Any, **named: Any) -> None:
        raise AssertionError("the certificates of all the world were read")

    monkeypatch.setattr("ssl.create_default_context", read)
    server.sql("CREATE USER private@`%` IDENTIFIED BY 'a long and secret password' REQUIRE SSL")
    try:
        access = Access(server.instance(), "private", Secret("a long and secret password"))
        with drive.ask(server, None, access) as connection:
            assert drive.engine_of(server).server(connection).tls.startswith("TLSv1.")
    finally:
        server.sql("DROP USER private@`%`")
