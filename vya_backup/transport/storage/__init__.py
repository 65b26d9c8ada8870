"""Publishes, finds, opens and removes artifacts below one base path; this folder alone unlinks, links and renames.

A file gets its final name only when it is complete and on the disk, and no name is ever taken from another file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vya_backup.errors import ConfigurationError, SpaceMissing, StorageFailed
from vya_backup.transport import folders
from vya_backup.transport.disk import Space, explained, space
from vya_backup.transport.drafts import ARTIFACT, Draft, Target, is_partial
from vya_backup.transport.reading import StoredFile
from vya_backup.transport.storage.placing import place
from vya_backup.transport.storage.removing import discard, removed_unless_written


@dataclass(frozen=True)
class FileIdentity:
    """Which file it is: as long as these agree, nobody wrote into it or put another in its place."""

    size_bytes: int
    inode: int
    modified_ns: int
    is_regular: bool = True


class Store:
    """The tree of artifacts below `base_path`. Paths in and out are relative to it, with slashes.

    `temp_path`, when given, holds the partial files; it must lie in the same file system.
    """

    def __init__(self, base_path: Path, temp_path: Path | None = None) -> None:
        self.base_path = base_path
        self.temp_path = temp_path

    def path(self, relative: str) -> Path:
        """Return where an artifact lies.

        Raises:
            StorageFailed: the path would leave the base path.
        """
        pure = PurePosixPath(relative)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts:
            raise StorageFailed(f"{relative!r} is no path below {self.base_path}")
        return self.base_path / pure

    def room(self) -> Space:
        """Measure the file system that the base path lies in.

        Raises:
            StorageFailed: it cannot be measured.
        """
        with explained("measure", self.base_path):
            return space(self.base_path)

    def ensure_room(self, bytes_needed: int, min_free_percent: float = 0) -> None:
        """Accept that so many bytes will be written.

        Raises:
            SpaceMissing: less than `min_free_percent` of the file system would then be free.
        """
        found = self.room()
        reserve = int(found.total * min_free_percent / 100)
        if found.free - bytes_needed < reserve:
            raise SpaceMissing(
                f"{self.base_path} has {found.free:,} bytes free; the dump needs about {bytes_needed:,}"
                f" and storage.min_free_percent keeps {reserve:,}",
                "Free some space, prune, or lower storage.min_free_percent.",
            )

    def draft(self, relative: str) -> Draft:
        """Start a file that will be published as `relative`, or near it. Use it as a context manager.

        Raises:
            SpaceMissing, StorageFailed: it could not be created.
            ConfigurationError: `temp_path` lies in another file system.
        """
        final = self.path(relative)
        with explained("create", final):
            folders.make_private(final.parent)
            if self.temp_path is not None:
                folders.make_private(self.temp_path)
                _demand_same_file_system(self.temp_path, final.parent)
            return Draft(Target(self.base_path, final, self.temp_path or final.parent), place, discard)

    def write_sidecar(self, relative: str, content: bytes) -> None:
        """Write a small file with the care of an artifact.

        Raises:
            StorageFailed: there is such a file already, or writing failed.
            SpaceMissing: there is no room.
        """
        with self.draft(relative) as draft:
            draft.write(content)
            draft.publish(numbered=False)

    def read_bytes(self, relative: str) -> bytes:
        """Return a small file's content.

        Raises:
            StorageFailed: it is not there or can't be read.
        """
        with explained("read", self.path(relative)):
            return self.path(relative).read_bytes()

    def size(self, relative: str) -> int | None:
        """Return a file's size in bytes, None when there is no such file.

        Raises:
            StorageFailed: that could not be found out, which is not the same.
        """
        with explained("look at", self.path(relative)):
            try:
                return self.path(relative).stat().st_size
            except FileNotFoundError:
                return None

    def identity(self, relative: str) -> FileIdentity | None:
        """Return which file a name means, links not followed; None when there is no such name.

        Raises:
            StorageFailed: that could not be found out, which is not the same.
        """
        path = self.path(relative)
        with explained("look at", path):
            try:
                found = path.lstat()
            except FileNotFoundError:
                return None
        return FileIdentity(found.st_size, found.st_ino, found.st_mtime_ns, stat.S_ISREG(found.st_mode))

    def demand_tree(self, relative: str) -> None:
        """Accept that the topmost folder of a path is there, or for a path without folders that the tree is not empty.

        Raises:
            StorageFailed: it is not, as below the folder of a disk that is not mounted; so nothing is known to be gone.
        """
        top = self.path(relative).relative_to(self.base_path).parts[0]
        with explained("look into", self.base_path):
            names = {path.name for path in self.base_path.iterdir()} if self.base_path.is_dir() else set()
        if not names or (top != relative and top not in names):
            raise StorageFailed(
                f"{self.base_path} does not hold the tree of {relative}", "Is the disk of storage.base_path mounted?"
            )

    def open_from_disk(self, relative: str) -> StoredFile:
        """Open a file so that, where the system allows, its bytes come from the disk and not from the cache.

        Raises:
            StorageFailed: it is not there or can't be read.
        """
        with explained("open", self.path(relative)):
            return StoredFile(self.path(relative))

    def walk(self, prefix: str = "") -> Iterator[str]:
        """Yield every artifact below a folder, sorted within each one; nothing when there is no such folder.

        Raises:
            StorageFailed: a folder could not be read.
        """
        for path in self._files(prefix):
            if ARTIFACT.fullmatch(path.name) and not path.name.startswith("."):
                yield path.relative_to(self.base_path).as_posix()

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder, sorted, without hidden ones; none when there is no such folder.

        Raises:
            StorageFailed: it could not be read.
        """
        path = self.path(folder)
        with explained("list", path):
            try:
                return sorted(entry.name for entry in path.iterdir() if not entry.name.startswith("."))
            except (FileNotFoundError, NotADirectoryError):
                return []

    def files(self, prefix: str = "") -> Iterator[str]:
        """Yield every file below a folder that is not hidden, sorted within each one.

        Raises:
            StorageFailed: a folder could not be read.
        """
        for path in self._files(prefix):
            if not path.name.startswith("."):
                yield path.relative_to(self.base_path).as_posix()

    def sweep(self, prefix: str = "", live: Callable[[Path], bool] = lambda path: False) -> list[Path]:
        """Remove the partial files that a crash left, and return them; one that a process still writes is kept.

        `live` can protect more of them.

        Raises:
            StorageFailed: a folder could not be read, or a file not removed.
        """
        leftovers = [path for path in self._files(prefix) if is_partial(path)]
        if self.temp_path is not None and self.temp_path.is_dir():
            leftovers += [path for path in self.temp_path.iterdir() if is_partial(path)]
        return [path for path in leftovers if not live(path) and removed_unless_written(path)]

    def unlink(self, relative: str) -> None:
        """Remove a file for good; its folders stay.

        Raises:
            StorageFailed: it is not there or can't be removed.
        """
        path = self.path(relative)
        with explained("remove", path):
            path.unlink()
            folders.sync(path.parent)

    def remove_empty_folders(self, relative: str) -> None:
        """Remove the folders above a file that is gone, as far as they are empty; the base path stays.

        Raises:
            StorageFailed: one could not be removed for another reason than that it holds something.
        """
        for folder in self.path(relative).parents:
            if folder == self.base_path:
                return
            with explained("remove", folder):
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    continue
                except OSError as error:
                    if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY}:
                        return
                    raise
                folders.sync(folder.parent)

    def _files(self, prefix: str) -> Iterator[Path]:
        top = self.path(prefix) if prefix else self.base_path

        def fail(error: OSError) -> None:
            raise error

        with explained("list", top):
            if not top.is_dir():
                return
            for folder, subfolders, names in os.walk(top, onerror=fail):
                subfolders.sort()
                yield from (Path(folder, name) for name in sorted(names))


def _demand_same_file_system(temp_path: Path, folder: Path) -> None:
    if temp_path.stat().st_dev != folder.stat().st_dev:
        raise ConfigurationError(
            f"storage.temp_path {temp_path} lies in another file system than {folder}",
            "A finished dump must get its name in one step: put temp_path below base_path, or leave it out.",
        )
