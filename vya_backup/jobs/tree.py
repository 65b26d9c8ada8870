"""What the tree of backups itself tells: each dump, the sidecar beside it, and the head of the chain in that."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from vya_backup.decisions.copies import FOLDER
from vya_backup.decisions.metadata import Sidecar, decode
from vya_backup.decisions.naming import ArtifactName
from vya_backup.errors import BackupError
from vya_backup.history.audit import StoredHead
from vya_backup.transport.drafts import ARTIFACT
from vya_backup.transport.storage import Store

METADATA = ".metadata.json"


@dataclass(frozen=True)
class Witness:
    """A sidecar of this host; `dump` is the path of the file that it is about, which may be gone."""

    path: str
    dump: str
    backup_id: str
    started_at: datetime
    head: StoredHead | None


@dataclass
class Tree:
    """All that lies below `base_path`, but the copies of catalogs."""

    dumps: set[str] = field(default_factory=set)
    witnesses: list[Witness] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)
    """Dumps of other hosts."""
    unreadable: list[str] = field(default_factory=list)
    """Sentences about sidecars."""


def survey(store: Store, host: str) -> Tree:
    """Look at every file of the tree; only sidecars are read.

    Raises:
        StorageFailed: a folder could not be read.
    """
    tree = Tree()
    for path in store.files():
        if f"/{FOLDER}/" in f"/{path}":
            continue
        if ARTIFACT.fullmatch(path.rpartition("/")[2]):
            tree.dumps.add(path)
        elif path.endswith(METADATA):
            _note_sidecar(store, host, path, tree)
    tree.witnesses.sort(key=lambda witness: (witness.started_at, witness.path))
    return tree


def read_sidecar(store: Store, path: str) -> Sidecar:
    """Return a sidecar that fits its own place.

    Raises:
        ValueError: it is no sidecar, or that of another file.
        StorageFailed: it could not be read.
    """
    sidecar = decode(store.read_bytes(path))
    if ArtifactName(_beside(path, sidecar.filename)).metadata != path:
        raise ValueError(f"it is about another file: {sidecar.filename}")
    return sidecar


def head_of(sidecar: Sidecar, source: str) -> StoredHead | None:
    """Return the head of the chain that a sidecar remembers; None where it has none."""
    known = sidecar.chain
    try:
        return StoredHead(str(known["catalog_id"]), int(known["position"]), str(known["hash"]), source)
    except (KeyError, TypeError, ValueError):
        return None


def _note_sidecar(store: Store, host: str, path: str, tree: Tree) -> None:
    try:
        sidecar = read_sidecar(store, path)
        started_at = datetime.fromisoformat(sidecar.started_at)
        if started_at.tzinfo is None:
            raise ValueError(f"its time has no zone: {sidecar.started_at}")
    except (ValueError, BackupError) as error:
        tree.unreadable.append(f"{path} cannot be read: {error}")
        return
    dump = _beside(path, sidecar.filename)
    if sidecar.hostname == host:
        tree.witnesses.append(Witness(path, dump, sidecar.backup_id, started_at, head_of(sidecar, path)))
    else:
        tree.elsewhere.add(dump)


def _beside(path: str, name: str) -> str:
    return f"{path.rpartition('/')[0]}/{name}".removeprefix("/")
