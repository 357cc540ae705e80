"""Open a feed's folder wherever it is: one entry for FTP, FTPS, SFTP and local directories, with one retry policy.

What all of them share (settings, names, values) is in fileserver.py and is offered from here; each protocol has its
own module. When a file is complete, and whether it was read before, is not decided here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

from pydantic import SecretStr

from orchestration.sources.contract import NotPublished, Refused, Throttled, Unreachable
from orchestration.sources.fileserver import (
    Folder,
    HostileName,
    Listing,
    RemoteFile,
    RemoteSettings,
    TooLarge,
    is_hostile,
    refuse_hostile,
    temporary,
)
from orchestration.sources.folder import LocalFolder
from orchestration.sources.ftp import FtpConnection
from orchestration.sources.retries import Attempt, retry_context

__all__ = [
    "RETRY",
    "Folder",
    "HostileName",
    "RemoteFile",
    "RemoteSettings",
    "Retry",
    "TooLarge",
    "is_hostile",
    "open_remote",
    "temporary",
]


Answer = TypeVar("Answer")


class Connection(Protocol):
    """A live session of one protocol, without any patience of its own."""

    def list(self) -> Listing: ...

    def read(self, name: str) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how patiently a file server is asked again. Refusals are never repeated: accounts lock."""

    attempts: int = 3
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 10.0

    def __iter__(self) -> Iterator[Attempt]:
        yield from retry_context(
            on=(Unreachable, Throttled),
            attempts=self.attempts,
            timeout=None,
            wait_initial=self.first_wait_seconds,
            wait_max=self.longest_wait_seconds,
        )


RETRY = Retry()


class RetryingFolder:
    """A folder whose connection is replaced, by the policy, when it breaks."""

    def __init__(self, connect: Callable[[], Connection], retry: Retry) -> None:
        self._connect = connect
        self._retry = retry
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        self._ask(lambda _: None)
        return self

    def __exit__(self, *exception: object) -> None:
        self._drop()

    def list(self) -> Listing:
        """List the regular files of this folder."""
        return self._ask(lambda connection: connection.list())

    def read(self, name: str) -> bytes:
        """Read a whole file by the exact name that `list` gave."""
        refuse_hostile(name)
        return self._ask(lambda connection: connection.read(name))

    def _ask(self, question: Callable[[Connection], Answer]) -> Answer:
        for attempt in self._retry:
            with attempt:
                try:
                    if self._connection is None:
                        self._connection = self._connect()
                    return question(self._connection)
                except NotPublished:
                    raise  # the session is as good as before
                except BaseException:
                    self._drop()
                    raise
        raise AssertionError("stamina returns an answer or raises")

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def open_remote(settings: RemoteSettings, password: SecretStr | None = None, retry: Retry = RETRY) -> Folder:
    """Return the folder, to be used in a `with` block. The caller has resolved the password that `settings` names.

    Raises `Refused` when that password is missing or empty; connecting happens when the block is entered.
    """
    if settings.protocol == "folder":
        return LocalFolder(settings.folder, settings.max_file_bytes)
    if settings.names_a_password and not (password and password.get_secret_value()):
        raise Refused(f"{settings.label}: the password that password_env or password_file names is not there")
    if settings.protocol == "sftp":
        # paramiko costs 0.3 s of import, which homes without an SFTP feed and all that only read definitions save
        from orchestration.sources.sftp import SftpConnection  # noqa: PLC0415

        return RetryingFolder(lambda: SftpConnection(settings, password), retry)
    return RetryingFolder(lambda: FtpConnection(settings, password), retry)
