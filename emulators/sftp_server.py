"""An SFTP server for one user and password, in a thread with an event loop of its own."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import asyncssh


class _OneUser(asyncssh.SSHServer):
    """Let one user in, and remember the connection so that it can be cut."""

    def __init__(self, user: str, password: str, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._expected = (user, password)
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self._conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == self._expected


@contextmanager
def serve_sftp(host: str, user: str, password: str, root: Path) -> Iterator[tuple[int, str]]:
    """Serve `root` to one user until the block ends; yields the port and the host key as clients pin it."""
    logging.getLogger("asyncssh").setLevel(logging.CRITICAL)
    key = asyncssh.generate_private_key("ssh-ed25519")
    connections: set[asyncssh.SSHServerConnection] = set()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=f"sftp-{user}", daemon=True)
    thread.start()

    async def start() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            host,
            0,
            server_factory=partial(_OneUser, user, password, connections),
            server_host_keys=[key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root).encode()),
            allow_scp=False,
        )

    async def stop(acceptor: asyncssh.SSHAcceptor) -> None:
        acceptor.close()
        for connection in list(connections):
            connection.abort()
        await acceptor.wait_closed()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_default_executor()

    acceptor = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        text = key.export_public_key("openssh").decode().split()
        yield acceptor.get_port(), " ".join(text[:2])
    finally:
        asyncio.run_coroutine_threadsafe(stop(acceptor), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
