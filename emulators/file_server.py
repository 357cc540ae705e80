"""The vendors' file servers on loopback: SFTP for daily counts, explicit FTPS for sales, plain FTP for exports.

Serves a world's uploads wave by wave from real directories, with fresh passwords and keys for every run. The
protocols themselves live in ftp_server.py and sftp_server.py.
"""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from emulators.endpoint import Endpoint
from emulators.ftp_server import serve_ftp
from emulators.sftp_server import serve_sftp
from emulators.shipments import DAILY, EXPORT, FOLDERS, SALES
from emulators.uploads import Upload
from emulators.world import World

HOST = "127.0.0.1"


@dataclass
class Servers:
    """Running servers: an endpoint per feed, and the uploads that are still to come."""

    world: World
    root: Path
    endpoints: Mapping[str, Endpoint]
    wave: int = 0

    def advance(self, wave: int) -> list[Upload]:
        """Let the uploads of all waves up to `wave` arrive that have not yet; return those new ones."""
        arrived = [upload for upload in self.world.uploads if self.wave < upload.wave <= wave]
        for upload in arrived:
            put(upload, self.root)
        self.wave = max(self.wave, wave)
        return arrived

    def directory(self, feed: str) -> Path:
        """Return the directory behind a feed's folder."""
        return directory_of(self.root, feed, FOLDERS[feed])


def directory_of(root: Path, feed: str, folder: str) -> Path:
    """Return where a folder of a feed's server lies on disk."""
    return root / "served" / feed / folder.strip("/")


def put(upload: Upload, root: Path) -> None:
    """Put one upload in its place at once, as a rename does, with the sender's modification time."""
    staging = root / "arriving"
    staging.write_bytes(upload.content)
    seconds = upload.modified_at.timestamp()
    os.utime(staging, (seconds, seconds))
    # Joined as text: a hostile name must stay one name, whatever pathlib would make of it.
    staging.replace(os.path.join(directory_of(root, upload.feed, upload.folder), upload.name))  # noqa: PTH118


@contextmanager
def serve(world: World, root: Path, wave: int = 1) -> Iterator[Servers]:
    """Serve a world's uploads up to `wave` from `root` until the block ends."""
    for feed, folder in FOLDERS.items():
        directory_of(root, feed, folder).mkdir(parents=True, exist_ok=True)
    keys = root / "secrets"
    keys.mkdir(mode=0o700, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(root / "ca.pem"))
    certificate = keys / "server.pem"
    authority.issue_cert(HOST, "localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    certificate.chmod(0o600)
    passwords = {feed: secrets.token_urlsafe(18) for feed in FOLDERS}
    for feed, password in passwords.items():
        path = keys / f"{feed}.password"
        path.touch(mode=0o600)
        path.write_text(password + "\n", encoding="utf-8")

    def endpoint(protocol: str, feed: str, port: int, **details: object) -> Endpoint:
        return Endpoint(
            protocol, HOST, port, feed, passwords[feed], keys / f"{feed}.password", FOLDERS[feed], **details  # type: ignore[arg-type]
        )  # fmt: skip

    with ExitStack() as stack:
        at = {feed: root / "served" / feed for feed in FOLDERS}
        sftp_port, host_key = stack.enter_context(serve_sftp(HOST, DAILY, passwords[DAILY], at[DAILY]))
        ftps_port = stack.enter_context(serve_ftp(HOST, SALES, passwords[SALES], at[SALES], certificate))
        ftp_port = stack.enter_context(serve_ftp(HOST, EXPORT, passwords[EXPORT], at[EXPORT]))
        servers = Servers(
            world,
            root,
            {
                DAILY: endpoint("sftp", DAILY, sftp_port, host_key=host_key),
                SALES: endpoint("ftps", SALES, ftps_port, ca_file=root / "ca.pem"),
                EXPORT: endpoint("ftp", EXPORT, ftp_port),
            },
        )
        servers.advance(wave)
        yield servers
