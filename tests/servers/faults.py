"""Servers and networks that misbehave on purpose, for what no real server does on demand.

A relay that cuts connections in front of a real server, and pyftpdlib with one habit changed. In threads of the test's
own process; each ends with its block.
"""

# pyftpdlib ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import contextlib
import socket
import threading
import warnings
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Self

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # pyftpdlib uses asyncore, as Python 3.11 still has it
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.filesystems import AbstractedFS
    from pyftpdlib.handlers import DTPHandler, FTPHandler
    from pyftpdlib.servers import FTPServer

from tests.servers.fixtures import HOST, PASSWORD, USER


class CuttingRelay:
    """A TCP relay in front of `port` that cuts each of its first connections after so many bytes of the server's."""

    def __init__(self, port: int, cuts: Iterable[int]) -> None:
        self._target = port
        self._cuts = iter(cuts)
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.create_connection((HOST, self._target))
                cut = next(self._cuts, None)
                threading.Thread(target=_relay, args=(client, server, None), daemon=True).start()
                threading.Thread(target=_relay, args=(server, client, cut), daemon=True).start()


def _relay(source: socket.socket, sink: socket.socket, cut: int | None) -> None:
    left = cut
    with contextlib.suppress(OSError):
        while left is None or left > 0:
            chunk = source.recv(4096 if left is None else min(4096, left))
            if not chunk:
                break
            sink.sendall(chunk)
            left = None if left is None else left - len(chunk)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextlib.contextmanager
def deaf_port() -> Generator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server((HOST, 0)) as listener:
        yield int(listener.getsockname()[1])


class _HalfFile(DTPHandler):
    """Sends half of what is asked for, closes the data connection, and says what the handler's `last_words` are."""

    def use_sendfile(self) -> bool:
        return False

    def send(self, data: bytes) -> int:
        if not self.cmd_channel.halves:
            return int(super().send(data))
        self.cmd_channel.halves.pop()
        super().send(data[: len(data) // 2])
        self._resp = (self.cmd_channel.last_words, None)
        self.close()
        return 0


class _StrangeNames(AbstractedFS):
    """Lists names that no real file system holds, beside an ordinary one."""

    def format_mlsx(self, *_: object, **__: object) -> Generator[bytes]:
        for name in (b"a.csv", b"../../etc/passwd", b"..", b"C:\\boot.ini", b"x" * 1500, b"a\rDELE a.csv", b"\x9b31m"):
            yield b"type=file;size=4;modify=20260301120000; " + name + b"\r\n"
        yield b"type=dir;modify=20260301120000; folder\r\n"
        yield b"type=file;size=4;modify=yesterday; no-time.csv\r\n"


@contextlib.contextmanager
def strange_ftp(files: Path, **habits: object) -> Generator[int]:
    """Run pyftpdlib over `files` for USER and PASSWORD and yield its port; habits are attributes of its handler."""
    authorizer = DummyAuthorizer()
    authorizer.add_user(USER, PASSWORD, str(files), perm="elr")
    defaults = {"authorizer": authorizer, "auth_failed_timeout": 0, "log": _say_nothing, "logline": _say_nothing}
    handler = type("Handler", (FTPHandler,), defaults | habits)
    server = FTPServer((HOST, 0), handler)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            server.serve_forever(timeout=0.01, blocking=False, handle_exit=False)
        server.close_all()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(server.address[1])
    finally:
        ended.set()
        thread.join()


def halves(count: int, last_words: str) -> dict[str, object]:
    """Return the habit of sending only half a file, so many times."""
    return {"dtp_handler": _HalfFile, "halves": [True] * count, "last_words": last_words}


STRANGE_NAMES: dict[str, object] = {"abstracted_fs": _StrangeNames}


def _say_nothing(*_: object, **__: object) -> None:
    pass
