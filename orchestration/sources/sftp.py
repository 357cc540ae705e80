"""An SFTP folder: paramiko over our own socket, only to a server whose key is known, byte-exact names.

One connection, no retries (remote.py has them), no agent, no keys or hosts from anybody's home directory.
Measured against OpenSSH 9.2 and ProFTPD mod_sftp.
"""

# paramiko ships no types; what it returns is given its type where it enters this module.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportMissingParameterType=false

import contextlib
import logging
import socket
import stat
import struct
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import paramiko
from paramiko.sftp import CMD_DATA, CMD_NAME, CMD_READ, SFTP_EOF, int64
from paramiko.ssh_exception import IncompatiblePeer
from pydantic import SecretStr

from orchestration.sources.contract import NotPublished, Refused, SourceError, Unreachable
from orchestration.sources.fileserver import (
    LONGEST_LISTING_BYTES,
    Listing,
    RemoteFile,
    RemoteSettings,
    TooLarge,
    decode_name,
    printable,
    refuse_hostile,
    spellings,
)
from orchestration.sources.hostkeys import HostKeys

# paramiko logs every lost connection with a traceback as well as raising it; we raise, and say it once.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)

_WEAK = {
    "ciphers": ["3des-cbc"],
    "macs": ["hmac-md5", "hmac-md5-96", "hmac-sha1-96"],
}
_KEY_CLASSES = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
_CHUNK_BYTES = 32 * 1024  # the largest read that every server answers in full
_READS_AT_ONCE = 64
_BROKEN = (paramiko.SSHException, paramiko.SFTPError, EOFError, OSError, ValueError, struct.error)


class _NamedMessage(paramiko.Message):
    """A reply whose texts may be in any encoding. paramiko's own loses the whole listing to one Latin-1 name."""

    def get_text(self) -> str:
        return decode_name(self.get_string())


class _Client(paramiko.SFTPClient):
    """paramiko's client, tolerant of encodings and not of endless listings."""

    listed_bytes = 0

    def _request(self, t: int, *args: object) -> tuple[int, paramiko.Message]:
        kind, message = super()._request(t, *args)  # pyright: ignore[reportAttributeAccessIssue] - untyped mixin
        if kind != CMD_NAME:
            return kind, message
        names: bytes = message.get_remainder()
        self.listed_bytes += len(names)
        if self.listed_bytes > LONGEST_LISTING_BYTES:
            raise TooLarge(f"a listing of more than {LONGEST_LISTING_BYTES} bytes")
        return kind, _NamedMessage(names)

    def read_ahead(self, handle: bytes, offset: int, chunks: int) -> bytes:
        """Ask for so many chunks in one round trip; return what came without a gap, nothing at the end of the file.

        paramiko's own prefetch does this in a thread, which spins for ever after a lost connection.
        """
        replies = _Replies()
        offsets = range(offset, offset + chunks * _CHUNK_BYTES, _CHUNK_BYTES)
        ask = self._async_request  # pyright: ignore[reportAttributeAccessIssue] - untyped mixin
        numbers: list[int] = [ask(replies, CMD_READ, handle, int64(start), _CHUNK_BYTES) for start in offsets]
        self._finish_responses(replies)  # pyright: ignore[reportAttributeAccessIssue] - untyped mixin
        content = bytearray()
        for number in numbers:
            content += replies.chunks.get(number, b"")
            if len(content) % _CHUNK_BYTES or number not in replies.chunks:
                break
        return bytes(content)


class _Replies:
    """Collects the answers to reads, in whatever order they come. The methods' names are paramiko's."""

    def __init__(self) -> None:
        self.chunks: dict[int, bytes] = {}
        self._failure: OSError | None = None

    def _async_response(self, t: int, msg: paramiko.Message, num: int) -> None:
        if t == CMD_DATA:
            self.chunks[num] = msg.get_string()
        elif (code := msg.get_int()) != SFTP_EOF:
            self._failure = OSError(f"status {code}: {printable(decode_name(msg.get_string()))}")

    def _check_exception(self) -> None:
        if self._failure:
            raise self._failure


class SftpConnection:
    """A logged-in session that reads one folder."""

    def __init__(self, settings: RemoteSettings, password: SecretStr | None) -> None:
        self._settings = settings
        self._secret = password or SecretStr("")
        host_keys = HostKeys(settings)
        own_key = self._own_key(settings.key_file) if settings.key_file else None
        with self._translated("connecting"):
            # paramiko never sets TCP_NODELAY, and then opens 100 files a second instead of 700
            sock = socket.create_connection(settings.address, settings.timeout_seconds)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._transport = paramiko.Transport(sock, disabled_algorithms=_WEAK)
        try:
            self._client = self._log_in(host_keys, own_key)
        except BaseException:
            self.close()
            raise

    def _log_in(self, host_keys: HostKeys, own_key: paramiko.PKey | None) -> _Client:
        transport, settings = self._transport, self._settings
        transport.banner_timeout = transport.handshake_timeout = settings.timeout_seconds
        transport.auth_timeout = transport.channel_timeout = settings.timeout_seconds
        with self._translated("connecting"):
            if host_keys.algorithms:
                transport.get_security_options().key_types = host_keys.algorithms
            transport.start_client(timeout=settings.timeout_seconds)
            host_keys.check(transport.get_remote_server_key())
        with self._translated("logging in"):
            if own_key:
                transport.auth_publickey(settings.user, own_key)
            else:
                transport.auth_password(settings.user, self._secret.get_secret_value())
            if not transport.is_authenticated():
                raise Refused(f"{settings.label}: the server wants more than one proof of who we are")
        with self._translated("starting SFTP"):
            channel = transport.open_session(timeout=settings.timeout_seconds)
            channel.settimeout(settings.timeout_seconds)
            channel.invoke_subsystem("sftp")
            return _Client(channel)

    def list(self) -> Listing:
        """List the regular files of this folder."""
        with self._translated("listing"):
            try:
                self._client.listed_bytes = 0
                entries = self._client.listdir_attr(self._settings.folder)
            except FileNotFoundError:
                raise Refused(f"{self._settings.label}: there is no such folder") from None
        return [
            RemoteFile(entry.filename, entry.st_size or 0, _utc(entry.st_mtime))
            for entry in entries
            if _is_regular(entry.st_mode, entry.longname)
        ]

    def read(self, name: str) -> bytes:
        """Read a whole file by the exact name that `list` gave."""
        refuse_hostile(name)
        folder = b"" if self._settings.folder == "." else self._settings.folder.rstrip("/").encode() + b"/"
        with self._translated("reading"):
            for raw in spellings(name):
                with contextlib.suppress(FileNotFoundError):
                    return self._read_path(folder + raw, name)
        raise NotPublished(f"{self._settings.label}: {printable(name)} is not there")

    def _read_path(self, path: bytes, name: str) -> bytes:
        content, longest = bytearray(), self._settings.max_file_bytes
        with self._client.open(path, "rb") as opened:
            handle: bytes = opened.handle  # pyright: ignore[reportAssignmentType] - inferred from paramiko's server side
            told: int | None = opened.stat().st_size
            if told is not None and told > longest:
                raise TooLarge(f"{self._settings.label}: {printable(name)} has {told} bytes, more than {longest}")
            wanted = longest + 1 if told is None else told
            while len(content) < wanted:
                missing = -(-(wanted - len(content)) // _CHUNK_BYTES)
                got = self._client.read_ahead(handle, len(content), min(missing, _READS_AT_ONCE))
                if not got:
                    break
                content += got
        if len(content) > longest:
            raise TooLarge(f"{self._settings.label}: {printable(name)} has more than {longest} bytes")
        if told is not None and len(content) < told:
            raise Unreachable(f"{self._settings.label}: {printable(name)} ended after {len(content)} of {told} bytes")
        return bytes(content)

    def close(self) -> None:
        """Hang up, without waiting for an answer."""
        self._transport.close()

    def _own_key(self, path: Path) -> paramiko.PKey:
        passphrase = self._secret.get_secret_value() or None
        for key_class in _KEY_CLASSES:
            try:
                return key_class.from_private_key_file(str(path), passphrase)
            except OSError as error:
                raise Refused(f"{self._settings.label}: key_file {path}: {error.strerror}") from None
            except paramiko.PasswordRequiredException:
                raise Refused(f"{self._settings.label}: key_file {path} needs its passphrase") from None
            except (paramiko.SSHException, ValueError, TypeError):
                continue
        raise Refused(f"{self._settings.label}: key_file {path} is no private key, or the passphrase is wrong")

    @contextlib.contextmanager
    def _translated(self, doing: str) -> Generator[None]:
        """Turn what the network, SSH and the server say into the house's errors, by what the caller does next."""
        try:
            yield
        except (SourceError, FileNotFoundError):
            raise
        except IncompatiblePeer as error:
            raise Refused(self._message(doing, error)) from None
        except paramiko.AuthenticationException as error:
            if "timeout" in str(error) or "EOF" in str(error):  # not an answer to our password
                raise Unreachable(self._message(doing, error)) from None
            raise Refused(self._message(doing, error)) from None
        except PermissionError as error:
            raise Refused(self._message(doing, error)) from None
        except _BROKEN as error:
            alive = hasattr(self, "_transport") and self._transport.is_active()
            if doing == "reading" and alive and isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise NotPublished(self._message(doing, error)) from None  # "Failure": locked, still being written
            raise Unreachable(self._message(doing, error)) from None

    def _message(self, doing: str, said: Exception) -> str:
        text = printable(str(said) or type(said).__name__, self._secret.get_secret_value())
        return f"{self._settings.label}: {doing}: {text}"


def _is_regular(mode: int | None, longname: str) -> bool:
    # some servers tell no mode, a few not even an `ls` line: better a folder taken for a file than files not seen
    return stat.S_ISREG(mode) if mode is not None else longname[:1] not in {"d", "l"}


def _utc(told: int | None) -> datetime | None:
    return None if told is None else datetime.fromtimestamp(told, UTC)
