"""The connector of every file feed: a profile, a remote folder, and the rule for when a file is whole.

A file counts as uploaded when two listings, `settle_seconds` apart, agree on its size and time and it reads back at
that size. What the folder speaks (FTP, FTPS, SFTP, a mounted directory) is ftp.py's and sftp.py's business.
"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from orchestration.sources.contract import (
    Asked,
    Channel,
    Failure,
    Feed,
    Landed,
    NotPublished,
    Parsed,
    Payload,
    SourceError,
)
from orchestration.sources.profile import FileProfile, profile_for, shipped_profiles
from orchestration.sources.remote import Folder, RemoteFile, RemoteSettings, is_hostile, open_remote, temporary
from orchestration.sources.tabular import SCHEMAS, parse_files


def open_feed(name: str, table: Mapping[str, object]) -> "FileConnector | None":
    """Offer a connector for tables that describe files: a shipped family, a `profile`, or `columns` of their own."""
    if str(table.get("profile", name)) in shipped_profiles() or "columns" in table:
        return FileConnector(name, profile_for(name, table))
    return None


@dataclass(frozen=True, slots=True)
class FileConnector:
    """A feed of files."""

    name: str
    profile: FileProfile

    @property
    def feed(self) -> Feed:
        """Describe the feed."""
        return self.profile.feed(self.name)

    @property
    def schema(self) -> pa.Schema:
        """The layout of a file feed of this kind; see tabular.py."""
        return SCHEMAS[self.feed.table]

    @property
    def fingerprint(self) -> str:
        """The profile's hash."""
        return self.profile.fingerprint

    @property
    def is_remote(self) -> bool:
        """Tell whether the feed names a file server."""
        return self.profile.remote is not None

    def parse(self, landed: Iterable[Landed]) -> Parsed:
        """Read the files; see tabular.parse_files."""
        return parse_files(self.name, self.profile, landed)

    def payload(
        self, name: str, content: bytes, received_at: datetime, channel: Channel, modified_at: datetime | None
    ) -> Payload:
        """Wrap a file's bytes with what its name says."""
        named = self.profile.named(name)
        return Payload(
            feed=self.name,
            source=self.profile.source,
            name=name,
            content=content,
            received_at=received_at,
            channel=channel,
            modified_at=modified_at,
            device_id=named.device_id if named else "",
            line_id=named.line_id if named else "",
            business_date=named.business_date if named else None,
        )

    def fetch(self, asked: Asked) -> Iterator[Payload | Failure]:
        """Yield the settled files of the remote folder that were not landed before (and lie in the window)."""
        if self.profile.remote is None:
            return
        with self._open(self.profile.remote, asked) as folder:
            fresh: list[RemoteFile] = []
            for file in _unknown(folder, asked):
                refused = self._refused(file)
                if refused is not None:
                    if not asked.is_known(file.name, -1, None):
                        yield refused
                elif self._is_wanted(file, asked):
                    fresh.append(file)
            if not fresh:
                return
            time.sleep(self.profile.remote.settle_seconds)
            again = {file.name: file for file in folder.list()}
            for file in fresh:
                if again.get(file.name) != file:
                    yield Failure(self.name, "still_uploading", "size or time changed between two listings", file.name)
                else:
                    yield self._read(folder, file, asked)

    def waiting(self, asked: Asked) -> list[str]:
        """List the names that a fetch would read now: one listing, nothing read."""
        if self.profile.remote is None:
            return []
        with self._open(self.profile.remote, asked) as folder:
            new = _unknown(folder, asked)
            return [file.name for file in new if not self._refused(file) and self._is_wanted(file, asked)]

    def _open(self, remote: RemoteSettings, asked: Asked) -> Folder:
        remote = remote.resolved(asked.home)
        return open_remote(remote, asked.secret(remote.password_env or "", str(remote.password_file or "")))

    def _refused(self, file: RemoteFile) -> Failure | None:
        hostile = is_hostile(file.name)
        if hostile:
            return Failure(self.name, f"ignored_{hostile}", "a name that no counter gives is not fetched", file.name)
        if temporary(file.name):
            return None
        if self.profile.named(file.name) is None:
            message = f"the name does not match {self.profile.name!r}"
            return Failure(self.name, "ignored_name", message, file.name)
        return None

    def _is_wanted(self, file: RemoteFile, asked: Asked) -> bool:
        if temporary(file.name):
            return False
        named = self.profile.named(file.name)
        day = named.business_date if named else None
        return asked.window is None or day is None or day in asked.window

    def _read(self, folder: Folder, file: RemoteFile, asked: Asked) -> Payload | Failure:
        try:
            content = folder.read(file.name)
        except NotPublished:
            return Failure(self.name, "vanished", "listed, but gone when it was read", file.name)
        except SourceError as error:
            return Failure(self.name, error.reason, str(error), file.name)
        if len(content) != file.size:
            return Failure(
                self.name, "still_uploading", f"listed with {file.size} bytes, read {len(content)}", file.name
            )
        return self.payload(file.name, content, asked.now(), Channel.REMOTE, file.modified_at)


def _unknown(folder: Folder, asked: Asked) -> Iterator[RemoteFile]:
    """List what was not read before. First of all questions: a year's folder has a hundred thousand that were."""
    return (file for file in folder.list() if not asked.is_known(file.name, file.size, file.modified_at))
