"""PURE: the `.metadata.json` beside each dump: written from facts, read back into them.

The field names of `backup_info`, `file_info` and `schema_info` are fixed by the specification; the rest is what a
restore and a rebuild of the catalog from the tree alone need.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from vya_backup.decisions.manifest import Manifest

VERSION = "2.0"


@dataclass(frozen=True)
class Needs:
    """What a server must have before this artifact can be loaded."""

    server_version: tuple[int, ...] = ()
    client_version: tuple[int, ...] = ()
    flavour: str = ""
    roles: tuple[str, ...] = ()
    definers: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sidecar:
    """Everything a sidecar says about one backup."""

    backup_id: str
    instance: str
    database: str
    engine: str
    hostname: str
    started_at: str
    """ISO 8601 with zone."""
    duration_seconds: float
    filename: str
    size_bytes: int
    sha256: str
    plain_bytes: int
    plain_sha256: str
    compression: str
    compression_level: int | str
    client: str
    server: str
    shape: str
    slot_start: str
    slot_end: str
    manifest: Manifest
    needs: Needs
    properties: Mapping[str, Any]
    gaps: Sequence[Mapping[str, str]] = ()
    unprotected: Sequence[str] = ()
    md5: str = ""
    chain: Mapping[str, Any] = field(default_factory=dict)
    """The head of the catalog's chain when this was written: `catalog_id`, `position`, `hash`."""


def encode(sidecar: Sidecar) -> bytes:
    """Return the file's bytes."""
    return (json.dumps(_document(sidecar), indent=1, ensure_ascii=False) + "\n").encode()


def decode(content: bytes) -> Sidecar:
    """Read what `encode` wrote.

    Raises:
        ValueError: the content is no sidecar of this version; the message says what is missing.
    """
    try:
        document = json.loads(content)
        return _sidecar(document)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the metadata sidecar lacks {error}") from error


def human_size(size: float) -> str:
    """Return bytes for people: `1.4 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _document(s: Sidecar) -> dict[str, Any]:
    manifest = s.manifest.as_json()
    return {
        "version": VERSION,
        "backup_info": _backup_info(s),
        "file_info": _file_info(s),
        "schema_info": {
            "tables_count": s.manifest.count("table"),
            "views_count": s.manifest.count("view", "materialized view"),
            "procedures_count": s.manifest.count("procedure", "function", "aggregate"),
            "schema_hash": manifest["schema_hash"],
        },
        "manifest": manifest,
        "needs": needs_as_json(s.needs),
        "properties": dict(s.properties),
        "chain": dict(s.chain),
    }


def _backup_info(s: Sidecar) -> dict[str, Any]:
    return {
        "backup_id": s.backup_id,
        "database_id": s.instance,
        "database_name": s.database,
        "database_type": s.engine,
        "hostname": s.hostname,
        "backup_type": "full",
        "timestamp": s.started_at,
        "duration_seconds": round(s.duration_seconds, 3),
        "status": "success",
        "slot_start": s.slot_start,
        "slot_end": s.slot_end,
        "shape": s.shape,
        "client": s.client,
        "server": s.server,
        "consistent": not s.unprotected,
        "unprotected": list(s.unprotected),
        "gaps": [dict(gap) for gap in s.gaps],
    }


def _file_info(s: Sidecar) -> dict[str, Any]:
    return {
        "filename": s.filename,
        "size_bytes": s.size_bytes,
        "size_human": human_size(s.size_bytes),
        "compression": s.compression,
        "compression_level": s.compression_level,
        "checksum_algorithm": "sha256",
        "checksum": s.sha256,
        "md5": s.md5,
        "plain_bytes": s.plain_bytes,
        "plain_sha256": s.plain_sha256,
    }


def _sidecar(document: Mapping[str, Any]) -> Sidecar:
    info, file = document["backup_info"], document["file_info"]
    return Sidecar(
        backup_id=info["backup_id"],
        instance=info["database_id"],
        database=info["database_name"],
        engine=info["database_type"],
        hostname=info["hostname"],
        started_at=info["timestamp"],
        duration_seconds=float(info["duration_seconds"]),
        filename=file["filename"],
        size_bytes=int(file["size_bytes"]),
        sha256=file["checksum"],
        plain_bytes=int(file["plain_bytes"]),
        plain_sha256=file["plain_sha256"],
        compression=file["compression"],
        compression_level=file["compression_level"],
        client=info["client"],
        server=info["server"],
        shape=info["shape"],
        slot_start=info["slot_start"],
        slot_end=info["slot_end"],
        manifest=Manifest.from_json(document["manifest"]),
        needs=needs_from_json(document["needs"]),
        properties=document["properties"],
        gaps=tuple(info["gaps"]),
        unprotected=tuple(info["unprotected"]),
        md5=file.get("md5", ""),
        chain=document.get("chain", {}),
    )


def needs_as_json(needs: Needs) -> dict[str, Any]:
    """Return an engine's needs as plain JSON values."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(needs).items()}


def needs_from_json(data: Mapping[str, Any]) -> Needs:
    """Read what `needs_as_json` wrote; unknown keys of newer versions are left out."""
    known = ((name, data[name]) for name in Needs.__dataclass_fields__ if name in data)
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in known}
    return Needs(**values)
