"""Real file servers for the tests: ProFTPD, vsftpd and OpenSSH, unpacked by bootstrap.sh, and a test PKI.

A pytest plugin. Every server runs as an unprivileged user on 127.0.3.1, once per session, and dies with pytest.
Without the servers the tests that want them skip; with FOOTFALL_REQUIRE_SERVERS=1 (CI) they fail.
"""

import contextlib
import getpass
import grp
import logging
import os
import pwd
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import stamina
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

HOST = "127.0.3.1"
USER = "counter"
PASSWORD = "mesquite-Arbor-41"
PASSWORD_HASH = (
    "$6$footfalltests$dAqsWuvIs9pxtHguinFBSPB/iI4QwNBKGu9U8f5cn2GXZLreYMxh0PBfzD6ye5TsQYy9dR3crNH5ox6whcRby/"
)
WRITTEN_AT = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
PREFIX = Path(os.environ.get("FOOTFALL_SERVERS") or Path(__file__).parents[2] / ".servers")
# OpenSSH wants an unlocked account and, as root, a user `sshd`; `games` exists on every Debian and owns nothing.
UNPRIVILEGED = "games" if os.geteuid() == 0 else getpass.getuser()


@dataclass(frozen=True)
class Pki:
    """A certificate authority of our own, a server certificate for HOST, and an authority that nobody uses."""

    ca_file: Path
    certificate_file: Path
    key_file: Path
    other_ca_file: Path


@dataclass(frozen=True)
class FileServer:
    """A running server: `files` is the folder that its users see as `remote_folder`."""

    files: Path
    ports: dict[str, int]
    remote_folder: str = "."
    user: str = ""
    host_keys: dict[str, str] = field(default_factory=dict[str, str])  # key type → public key line
    key_file: Path | None = None
    log: Path | None = None  # of ProFTPD: a line for each USER and PASS, with the reply's code


def program(name: str) -> Path:
    """Return an unpacked server's program; skip, or fail where servers are required, when it is not there."""
    path = PREFIX / "root/usr/sbin" / name
    if not path.exists():
        message = f"no {name} under {PREFIX}: run tests/servers/bootstrap.sh {PREFIX} as root on Debian"
        if os.environ.get("FOOTFALL_REQUIRE_SERVERS") == "1":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return path


def free_port() -> int:
    """Return a port of HOST that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def give(path: Path) -> Path:
    """Hand a file or folder to the user that the servers run as."""
    account = pwd.getpwnam(UNPRIVILEGED)
    os.chown(path, account.pw_uid, account.pw_gid)
    return path


@contextlib.contextmanager
def running(arguments: list[str | Path], ports: list[int], log: Path, seconds: float = 15.0) -> Generator[None]:
    """Run a server, without privileges, until the block ends; it is killed if we are.

    Ready when it accepts on all its ports. Raises RuntimeError with the log's end when it exits before.
    """
    libraries = [*PREFIX.glob("root/usr/lib/*-linux-*"), *PREFIX.glob("root/lib/*-linux-*")]
    drop = ["--reuid", UNPRIVILEGED, "--regid", str(pwd.getpwnam(UNPRIVILEGED).pw_gid), "--clear-groups"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["setpriv", *(drop if os.geteuid() == 0 else []), "--pdeathsig", "KILL", *map(str, arguments)],
            env={**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries))},
            stdin=output,  # where vsftpd says why it stopped, taking it for a connection
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
        )
    try:
        deadline = time.monotonic() + seconds
        for port in ports:
            while not _accepts(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    told = log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"{arguments[0]} is not up (exit {process.returncode}): {told}")
                process.poll()
                time.sleep(0.02)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), 0.2):
        return True
    return False


@pytest.fixture(scope="session")
def server_root() -> Iterator[Path]:
    """A directory that the servers' user can reach (pytest's own are for the test's user alone)."""
    with tempfile.TemporaryDirectory(prefix="footfall-servers-") as created:
        root = Path(created)
        root.chmod(0o755)
        yield root


def folder_with(server: FileServer, name: str, files: dict[bytes, bytes]) -> Path:
    """Make a folder on a server with these files, last written at WRITTEN_AT."""
    folder = server.files / name
    folder.mkdir()
    for raw, content in files.items():
        path = folder / os.fsdecode(raw)
        path.write_bytes(content)
        os.utime(path, (WRITTEN_AT.timestamp(), WRITTEN_AT.timestamp()))
    return folder


@pytest.fixture
def nothing_leaks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test that asks for this may put the servers' password into any log, at any level."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "paramiko")
    yield
    assert PASSWORD not in caplog.text


@pytest.fixture
def no_waiting() -> Iterator[None]:
    """Retry as often as in production, at once."""
    stamina.set_testing(True, attempts=3, cap=True)
    yield
    stamina.set_testing(False)


@pytest.fixture(scope="session")
def pki(server_root: Path) -> Pki:
    """Certificates for FTPS, MQTT, HTTPS and the like, valid for HOST and localhost."""
    folder = server_root / "pki"
    folder.mkdir()
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    issued = authority.issue_cert("localhost", HOST, key_type=trustme.KeyType.RSA)
    made = Pki(folder / "ca.pem", folder / "server.pem", folder / "server.key", folder / "other-ca.pem")
    authority.cert_pem.write_to_path(str(made.ca_file))
    made.certificate_file.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(made.key_file))
    trustme.CA().cert_pem.write_to_path(str(made.other_ca_file))
    made.key_file.chmod(0o600)
    give(made.key_file)
    return made


def ssh_key(path: Path, kind: str = "ed25519", *, passphrase: str = "") -> str:
    """Write a new private key for OpenSSH and return its public line; `path`.pub has it too."""
    key = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else rsa.generate_private_key(65537, 2048)
    sealed = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, sealed))
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    path.with_name(path.name + ".pub").write_text(public + "\n")
    return public


def _folder(root: Path, name: str) -> Path:
    folder = root / name
    (folder / "files").mkdir(parents=True)
    give(folder / "files")
    return give(folder)


@pytest.fixture(scope="session")
def proftpd(server_root: Path, pki: Pki) -> Iterator[FileServer]:
    """ProFTPD for USER and PASSWORD on ports 'ftps', 'implicit', 'ftp' (plain) and 'sftp'; demands TLS reuse."""
    binary, folder = program("proftpd"), _folder(server_root, "proftpd")
    account = pwd.getpwnam(UNPRIVILEGED)
    ports = {name: free_port() for name in ("ftps", "implicit", "ftp", "sftp")}
    users = folder / "users"
    users.write_text(f"{USER}:{PASSWORD_HASH}:{account.pw_uid}:{account.pw_gid}::{folder}/files:/bin/sh\n")
    users.chmod(0o600)
    give(users)
    host_keys = {kind: ssh_key(folder / f"host_{kind}", kind) for kind in ("ed25519", "rsa")}
    for kind in host_keys:
        give(folder / f"host_{kind}")
    logins = f"AuthOrder mod_auth_file.c\nAuthUserFile {users}\nRequireValidShell off\nMaxLoginAttempts 3\n"
    logins += f"WtmpLog off\nTransferLog none\nExtendedLog {folder}/attempts AUTH told\n"
    tls = (
        f"TLSEngine on\nTLSRequired on\nTLSProtocol TLSv1.2 TLSv1.3\nTLSRSACertificateFile {pki.certificate_file}\n"
        f"TLSRSACertificateKeyFile {pki.key_file}\n"
    )
    configuration = folder / "proftpd.conf"
    configuration.write_text(
        f"ModulePath {PREFIX}/root/usr/lib/proftpd\nLoadModule mod_tls.c\nLoadModule mod_sftp.c\n"
        f"ServerType standalone\nDefaultAddress {HOST}\nSocketBindTight on\nUseIPv6 off\n"
        f"User {UNPRIVILEGED}\nGroup {grp.getgrgid(account.pw_gid).gr_name}\n"
        f'AuthPAM off\nLogFormat told "%r %s"\nUseLastlog off\nUseReverseDNS off\n'
        f"ControlsEngine off\nDelayEngine off\n"
        f"PidFile {folder}/pid\nScoreboardFile {folder}/scoreboard\nSystemLog {folder}/log\n"
        f"Port {ports['ftps']}\n{logins}{tls}"
        f"<VirtualHost {HOST}>\nPort {ports['implicit']}\n{logins}{tls}TLSOptions UseImplicitSSL\n</VirtualHost>\n"
        f"<VirtualHost {HOST}>\nPort {ports['ftp']}\n{logins}</VirtualHost>\n"
        f"<VirtualHost {HOST}>\nPort {ports['sftp']}\n{logins}SFTPEngine on\nSFTPAuthMethods password\n"
        f"SFTPHostKey {folder}/host_ed25519\nSFTPHostKey {folder}/host_rsa\n</VirtualHost>\n"
    )
    arguments = [binary, "-n", "-q", "-c", configuration]
    with running(arguments, list(ports.values()), folder / "output"):
        yield FileServer(folder / "files", ports, user=USER, host_keys=host_keys, log=folder / "attempts")


@pytest.fixture(scope="session")
def vsftpd(server_root: Path, pki: Pki) -> Iterator[FileServer]:
    """vsftpd, anonymous, on port 'ftps': knows no MLSD, demands TLS and TLS session reuse."""
    binary, folder = program("vsftpd"), _folder(server_root, "vsftpd")
    port = free_port()
    configuration = folder / "vsftpd.conf"
    configuration.write_text(
        f"listen=YES\nbackground=NO\nlisten_address={HOST}\nlisten_port={port}\nrun_as_launching_user=YES\n"
        f"ftp_username={UNPRIVILEGED}\nanonymous_enable=YES\nanon_root={folder}/files\nseccomp_sandbox=NO\nxferlog_enable=NO\n"
        f"ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\nforce_anon_data_ssl=YES\n"
        f"require_ssl_reuse=YES\n"
        f"rsa_cert_file={pki.certificate_file}\nrsa_private_key_file={pki.key_file}\n"
    )
    give(configuration)
    with running([binary, configuration], [port], folder / "output"):
        yield FileServer(folder / "files", {"ftps": port})


@contextlib.contextmanager
def running_sshd(folder: Path, more: str = "") -> Generator[FileServer]:
    """Run OpenSSH's sshd with these lines added to its configuration."""
    port = free_port()
    host_keys = {kind: ssh_key(folder / f"host_{kind}", kind) for kind in ("ed25519", "rsa")}
    for kind in host_keys:
        give(folder / f"host_{kind}")
    ssh_key(folder / "user")
    configuration = folder / "sshd_config"
    configuration.write_text(
        f"ListenAddress {HOST}\nPort {port}\nHostKey {folder}/host_ed25519\nHostKey {folder}/host_rsa\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/user.pub\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
        f"KbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\nMaxStartups 100\nLogLevel VERBOSE\n{more}"
    )
    log = folder / "output"
    with running([program("sshd"), "-D", "-e", "-f", configuration], [port], log):
        files = folder / "files"
        yield FileServer(files, {"sftp": port}, str(files), UNPRIVILEGED, host_keys, folder / "user", log)


@pytest.fixture(scope="session")
def sshd(server_root: Path) -> Iterator[FileServer]:
    """OpenSSH's sshd on port 'sftp', key authentication only; the folder is given by its full path."""
    with running_sshd(_folder(server_root, "sshd")) as server:
        yield server


@pytest.fixture
def weak_sshd(server_root: Path) -> Iterator[FileServer]:
    """An sshd that can only do what nobody should do any more."""
    with running_sshd(_folder(server_root, "weak-sshd"), "Ciphers 3des-cbc\nMACs hmac-md5\n") as server:
        yield server
