"""A local directory as a folder of files: an inbox, or a share that the operating system mounted.

Reading only. Links that lead out of the directory are not followed: whoever may drop a file here may not thereby
have any file of this machine imported.
"""

import errno
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from orchestration.sources.contract import NotPublished, Refused, SourceError, Unreachable
from orchestration.sources.fileserver import (
    Listing,
    RemoteFile,
    TooLarge,
    decode_name,
    printable,
    refuse_hostile,
    spellings,
)


class LocalFolder:
    """The regular files of one directory. Raises `Unreachable` when the directory is not there (not mounted?)."""

    def __init__(self, path: str | Path, max_file_bytes: int = 256 * 2**20) -> None:
        self._path = Path(path)
        self._max_file_bytes = max_file_bytes

    def __enter__(self) -> Self:
        self._root()
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def list(self) -> Listing:
        """List the regular files of this folder."""
        root = self._root()
        files: Listing = []
        try:
            with os.scandir(root) as entries:
                for entry in entries:
                    status = _status(entry, root)
                    if status is not None and stat.S_ISREG(status.st_mode):
                        modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
                        files.append(RemoteFile(decode_name(os.fsencode(entry.name)), status.st_size, modified_at))
        except OSError as error:
            raise self._refusal(error) from error
        return sorted(files, key=lambda file: file.name)

    def read(self, name: str) -> bytes:
        """Read a whole file by the exact name that `list` gave."""
        refuse_hostile(name)
        root = self._root()
        for raw in spellings(name):
            try:
                real = (root / os.fsdecode(raw)).resolve(strict=True)
                if not real.is_relative_to(root):
                    raise Refused(f"{printable(name)} is a link that leads out of its folder")
                return self._read_regular(real, name)
            except FileNotFoundError:
                continue
            except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
                raise self._refusal(error) from error
        raise NotPublished(f"{printable(name)} is not in {self._path}")

    def _read_regular(self, path: Path, name: str) -> bytes:
        # NOFOLLOW: it was resolved already, so a link here was put there since. NONBLOCK: a pipe must not hold us.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise NotPublished(f"{printable(name)} is not a regular file")
        with os.fdopen(descriptor, "rb") as opened:
            content = opened.read(self._max_file_bytes + 1)
        if len(content) > self._max_file_bytes:
            raise TooLarge(f"{printable(name)} has {status.st_size} bytes, more than {self._max_file_bytes}")
        return content

    def _root(self) -> Path:
        try:
            root = self._path.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise self._refusal(error) from error
        if not root.is_dir():
            raise Refused(f"{self._path} is not a directory")
        return root

    def _refusal(self, error: OSError | RuntimeError) -> SourceError:
        code = error.errno if isinstance(error, OSError) else errno.ELOOP
        message = f"{self._path}: {os.strerror(code) if code else error}"
        return Refused(message) if code in {errno.EACCES, errno.EPERM, errno.ELOOP} else Unreachable(message)


def _status(entry: os.DirEntry[str], root: Path) -> os.stat_result | None:
    """Return what the name leads to; None when that is outside the directory, or gone since it was listed."""
    try:
        if not entry.is_symlink():
            return entry.stat(follow_symlinks=False)
        real = Path(entry.path).resolve(strict=True)
        return real.lstat() if real.is_relative_to(root) else None
    except (FileNotFoundError, RuntimeError):
        return None
