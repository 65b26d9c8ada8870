"""PyMySQL's connection without the certificates of all the world, which it would read for each one and not use.

Where no TLS is demanded the driver still tries it, and makes a context for that which verifies nothing, but has loaded
the system's certificates: 20 ms of processor, as much as all the rest of a connection.
"""

from __future__ import annotations

import ssl
from functools import cache
from typing import Any


def unverified_context() -> ssl.SSLContext:
    """Return what encrypts a line without asking who is at its other end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(**arguments: Any) -> Any:
    """Open a connection of the driver, which is like its own in all else."""
    return _light_connection()(**arguments)


@cache
def _light_connection() -> Any:
    from pymysql.connections import Connection

    class LightConnection(Connection):  # type: ignore[misc]  # the driver ships no types
        def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
            return unverified_context() if sslp == {} else super()._create_ssl_ctx(sslp)

    return LightConnection
