"""The site beside the real thing: backups run and publish while it is read, and a slow client takes everything."""

from __future__ import annotations

import hashlib
import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.project import Project, new_project
from tests.samples.long_history import long_history
from tests.site.conftest import RunningSite, last_night, open_folder, serving, wait_until

CONFIGURATION = """\
application: {{hostname: backup-01}}
instances: [{{id: local, type: sqlite, path: data/*.db}}]
storage: {{base_path: backups}}
catalog: {{published_path: {copy}, reader_group: {group}}}
"""


def test_neither_holds_up_the_other(tmp_path: Path) -> None:
    """Each run succeeds and is seen at once; the download is whole; not a byte is written by the site."""
    with open_folder("vya-site-fleet-") as folder:
        copy = folder / "readers/catalog.db"
        group = "nogroup" if os.geteuid() == 0 else ""
        project = new_project(tmp_path, CONFIGURATION.format(copy=copy, group=group))
        project.execute("shop", "CREATE TABLE orders (id INTEGER PRIMARY KEY)")
        project.catalog.parent.mkdir(mode=0o700)
        long_history(project.catalog, years=0.4, databases=8, until=last_night())
        published = project.run("catalog", "publish")
        assert published.status == 0, published.said
        with serving(copy) as site:
            begun_at = known = newest(site)
            slow = begin_download(site)
            for _ in range(3):
                done = project.run("backup", "--force")
                assert done.status == 0, done.said
                wait_until(lambda: newest(site) == last_of(project))
                assert newest(site) > known
                known = newest(site)
                before = hashlib.sha256(copy.read_bytes()).hexdigest()
                assert all(site.get(path).status_code == 200 for path in ("/", "/catalog/events", "/db/local/shop"))
                assert hashlib.sha256(copy.read_bytes()).hexdigest() == before
            assert end_download(slow) >= begun_at
            assert sorted(file.name for file in copy.parent.iterdir()) == [copy.name]
            assert not [path for path in open_files(site) if path.startswith(str(project.catalog.parent))]


def begin_download(site: RunningSite) -> socket.socket:
    """Ask for every event, and take the first bytes of the answer only."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.settimeout(60)
    one.connect(("127.0.0.1", int(site.address.rpartition(":")[2])))
    one.sendall(b"GET /catalog/events.csv?_stream=on HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert one.recv(12).endswith(b" 200")
    return one


def end_download(one: socket.socket) -> int:
    """Take the rest, and return how many events it had."""
    with closing(one):
        parts = []
        while part := one.recv(1 << 16):
            parts.append(part)
    body = b"".join(parts).partition(b"\r\n\r\n")[2]
    return body.count(b"\r\n") - 1


def newest(site: RunningSite) -> int:
    """Return the last event that the site knows."""
    rows = site.get("/catalog/events.json?_shape=array&_size=1&_sort_desc=id&_col=id").json()
    return int(rows[0]["id"])


def last_of(project: Project) -> int:
    """Return the last event of the live catalog."""
    with closing(sqlite3.connect(project.catalog)) as connection:
        return int(connection.execute("SELECT max(id) FROM events").fetchone()[0])


def open_files(site: RunningSite) -> list[str]:
    """Return what the process has open."""
    return [str(link.readlink()) for link in Path(f"/proc/{site.process.pid}/fd").iterdir()]
