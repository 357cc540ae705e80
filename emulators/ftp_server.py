"""A read-only FTP server for one user, in a thread; with a certificate it insists on explicit TLS.

pyftpdlib from PyPI: it does not insist on TLS session reuse as servers in the field do, so it proves less about a
client than a reference server would.
"""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

with warnings.catch_warnings():  # pyftpdlib still stands on asyncore, which Python calls deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

READ_ONLY = "elr"


@contextmanager
def serve_ftp(host: str, user: str, password: str, root: Path, certificate: Path | None = None) -> Iterator[int]:
    """Serve `root` to one user until the block ends; yields the port."""
    logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)
    authorizer = DummyAuthorizer()
    authorizer.add_user(user, password, str(root), perm=READ_ONLY)
    settings: dict[str, object] = {"authorizer": authorizer, "tcp_no_delay": True, "auth_failed_timeout": 0.1}
    if certificate is not None:
        settings |= {"certfile": str(certificate), "tls_control_required": True, "tls_data_required": True}
    handler = type("Handler", (TLS_FTPHandler if certificate else FTPHandler,), settings)
    server = FTPServer((host, 0), handler, ioloop=IOLoop())
    server.max_cons = 64
    stopping = threading.Event()

    def run() -> None:
        while not stopping.is_set():
            server.ioloop.loop(timeout=0.05, blocking=False)
        server.close_all()
        server.ioloop.close()

    thread = threading.Thread(target=run, name=f"ftp-{user}", daemon=True)
    thread.start()
    try:
        yield server.address[1]
    finally:
        stopping.set()
        thread.join(5)
