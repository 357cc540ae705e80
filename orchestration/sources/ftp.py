"""An FTP or FTPS folder: ftplib with verified TLS, the TLS session reused, byte-exact names, whole files or none.

One connection, no retries (remote.py has them). Measured against ProFTPD 1.3.8 and vsftpd 3.0.3; both refuse data
connections that do not resume the control connection's TLS session, which plain ftplib never does.
"""

import contextlib
import ftplib
import re
import socket
import ssl
from collections.abc import Generator
from datetime import UTC, datetime

from pydantic import SecretStr

from orchestration.sources.contract import NotPublished, Refused, SourceError, Throttled, Unreachable
from orchestration.sources.fileserver import (
    LONGEST_LISTING_BYTES,
    Listing,
    RemoteFile,
    RemoteSettings,
    TooLarge,
    decode_name,
    is_hostile,
    printable,
    refuse_hostile,
    spellings,
)

_NOT_UNDERSTOOD = {"500", "501", "502", "504"}
_NO_SUCH_FILE = {"450", "550", "553"}
_CROWDED = re.compile(r"(?i)(too many|maximum).{0,40}(connect|client|user|session)")
_FORBIDDEN = re.compile(r"(?i)permission|denied|not permitted|not authori[sz]ed")
_CHUNK_BYTES = 64 * 1024


class _Session(ftplib.FTP_TLS):
    """ftplib's client with TLS from the first byte where asked, and the TLS session reused on data connections."""

    def __init__(self, context: ssl.SSLContext, timeout: float, *, implicit: bool) -> None:
        # Latin-1 maps bytes to characters one to one, so names pass through exactly as the server wrote them.
        super().__init__(context=context, timeout=timeout, encoding="latin-1")
        self._implicit = implicit

    def open(self, host: str, port: int, timeout: float) -> None:
        self.host, self.port = host, port
        sock = socket.create_connection((host, port), timeout)
        try:
            self.sock = self.context.wrap_socket(sock, server_hostname=host) if self._implicit else sock
        except BaseException:
            sock.close()
            raise
        self.af = self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        data, size = super(ftplib.FTP_TLS, self).ntransfercmd(cmd, rest)  # FTP_TLS's own would start a new session
        if not isinstance(self.sock, ssl.SSLSocket):
            return data, size
        try:
            return self.context.wrap_socket(data, server_hostname=self.host, session=self.sock.session), size
        except BaseException:
            data.close()
            raise


class FtpConnection:
    """A logged-in session, standing in the feed's folder."""

    def __init__(self, settings: RemoteSettings, password: SecretStr | None) -> None:
        self._settings = settings
        self._secret = password or SecretStr("")
        self._has_mlsd = True
        encrypted = settings.protocol == "ftps"
        implicit = encrypted and settings.tls == "implicit"
        self._session = _Session(_tls(settings), settings.timeout_seconds, implicit=implicit)
        try:
            self._log_in(encrypted=encrypted, implicit=implicit)
        except BaseException:
            self.close()
            raise

    def _log_in(self, *, encrypted: bool, implicit: bool) -> None:
        session, settings = self._session, self._settings
        with self._translated("connecting"):
            session.open(*settings.address, settings.timeout_seconds)
            session.set_pasv(settings.passive)
        if encrypted and not implicit:
            with self._translated("starting TLS"):
                session.auth()
        with self._translated("logging in"):
            user, password = settings.user or "anonymous", self._secret.get_secret_value()
            session.login(_as_utf8(user), _as_utf8(password), secure=False)
        with self._translated("protecting data connections"):
            if encrypted:
                session.prot_p()
            with contextlib.suppress(ftplib.error_perm):
                session.sendcmd("OPTS UTF8 ON")  # IIS sends its own code page until asked
        with self._translated("opening the folder"):
            self._enter(settings.folder)
            session.voidcmd("TYPE I")

    def _enter(self, folder: str) -> None:
        if folder == ".":
            return
        *unlikely, likely = reversed(spellings(folder))
        try:
            self._session.cwd(likely.decode("latin-1"))
        except ftplib.error_perm:
            if not unlikely:
                raise
            self._session.cwd(unlikely[0].decode("latin-1"))

    def list(self) -> Listing:
        """List the regular files of this folder."""
        with self._translated("listing"):
            if self._has_mlsd:
                try:
                    return self._list_facts()
                except ftplib.error_perm as error:
                    if str(error)[:3] not in _NOT_UNDERSTOOD:
                        raise
                    self._has_mlsd = False  # vsftpd
            return self._list_names()

    def read(self, name: str) -> bytes:
        """Read a whole file by the exact name that `list` gave."""
        refuse_hostile(name)
        said = ""
        with self._translated("reading"):
            for raw in spellings(name):
                try:
                    return self._read_whole(raw.decode("latin-1"))
                except (ftplib.error_perm, ftplib.error_temp) as error:
                    # "denied" needs a person; gone, locked or busy (all of them 550 or 450) is asked for again later
                    if str(error)[:3] not in _NO_SUCH_FILE or _FORBIDDEN.search(str(error)):
                        raise
                    said = self._printable(error)
        raise NotPublished(f"{self._settings.label}: {printable(name)}: {said}")

    def close(self) -> None:
        """Hang up, without waiting for an answer."""
        with contextlib.suppress(*ftplib.all_errors):
            if self._session.sock is not None:
                self._session.putcmd("QUIT")  # unanswered: a dead server must not hold us
        with contextlib.suppress(*ftplib.all_errors):
            self._session.close()

    def _list_facts(self) -> Listing:
        files: Listing = []
        for line in _lines(self._retrieve("MLSD", LONGEST_LISTING_BYTES)[0]):
            told, _, raw = line.partition(b" ")
            pairs = (fact.partition("=") for fact in told.decode("latin-1").lower().split(";"))
            facts = {fact: value for fact, _, value in pairs}
            if facts.get("type") != "file":
                continue
            name = decode_name(raw)
            if facts.get("size", "").isdecimal():
                files.append(RemoteFile(name, int(facts["size"]), _utc(facts.get("modify", ""))))
            elif (asked := self._ask_about(raw)) is not None:
                files.append(asked)
        return files

    def _list_names(self) -> Listing:
        try:
            lines = _lines(self._retrieve("NLST", LONGEST_LISTING_BYTES)[0])
        except (ftplib.error_perm, ftplib.error_temp) as error:
            if "no files" in str(error).lower():
                return []
            raise
        return [file for file in map(self._ask_about, lines) if file is not None]

    def _ask_about(self, raw: bytes) -> RemoteFile | None:
        """Return one file's size and time; None for what is not a readable regular file, or is gone."""
        name = decode_name(raw)
        if is_hostile(name):
            return RemoteFile(name, 0, None)  # shown, so that it is reported, but never put into a command
        spelled = raw.decode("latin-1")
        try:
            told = self._session.sendcmd(f"SIZE {spelled}")[3:].strip()
        except ftplib.error_perm as error:
            if str(error)[:3] in _NOT_UNDERSTOOD:
                raise
            return None
        modified = ""
        with contextlib.suppress(ftplib.error_perm):
            modified = self._session.sendcmd(f"MDTM {spelled}")[3:].strip()
        return RemoteFile(name, int(told) if told.isdecimal() else 0, _utc(modified))

    def _read_whole(self, spelled: str) -> bytes:
        content, size = self._retrieve(f"RETR {spelled}", self._settings.max_file_bytes)
        if size is None:  # not announced: ask, since a relay that died looks like the end of the file
            with contextlib.suppress(ftplib.error_perm):
                size = self._session.size(spelled)
        if size is not None and len(content) < size:
            raise self._unreachable("reading", f"ended after {len(content)} of {size} bytes")
        return content

    def _retrieve(self, command: str, longest: int) -> tuple[bytes, int | None]:
        """Return all that a data connection brings, and the size announced before; the reply must say it is all."""
        content = bytearray()
        data, announced = self._session.ntransfercmd(command)
        with data:
            while chunk := data.recv(_CHUNK_BYTES):
                content += chunk
                if len(content) > longest:
                    raise TooLarge(f"{self._settings.label}: {printable(command)} brings more than {longest} bytes")
            if isinstance(data, ssl.SSLSocket):
                with contextlib.suppress(OSError, ValueError):  # many servers just hang up; the reply decides
                    data.unwrap()
        self._session.voidresp()
        return bytes(content), announced

    @contextlib.contextmanager
    def _translated(self, doing: str) -> Generator[None]:
        """Turn what the network, TLS and the server say into the house's errors, by what the caller does next."""
        try:
            yield
        except SourceError:
            raise
        except ssl.SSLCertVerificationError as error:
            raise self._refused(doing, f"certificate refused: {error.verify_message}") from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError) as error:
            raise self._unreachable(doing, error) from None
        except ssl.SSLError as error:
            # a handshake that fails fails again: wrong TLS mode or version, or the server dislikes our side
            raise (self._refused if doing != "reading" else self._unreachable)(doing, error) from None
        except ftplib.error_perm as error:
            if _CROWDED.search(str(error)):
                raise Throttled(self._message(doing, error)) from None
            raise self._refused(doing, error) from None
        except ValueError:  # the text would show the secret
            raise self._refused(doing, "a line break in user or password") from None
        except ftplib.all_errors as error:
            raise self._unreachable(doing, error) from None

    def _refused(self, doing: str, said: object) -> Refused:
        return Refused(self._message(doing, said))

    def _unreachable(self, doing: str, said: object) -> Unreachable:
        return Unreachable(self._message(doing, said))

    def _message(self, doing: str, said: object) -> str:
        return f"{self._settings.label}: {doing}: {self._printable(said)}"

    def _printable(self, said: object) -> str:
        if isinstance(said, ftplib.Error):
            said = decode_name(str(said).encode("latin-1", "replace"))
        return printable(str(said) or "the connection was closed", self._secret.get_secret_value())


def _tls(settings: RemoteSettings) -> ssl.SSLContext:
    if settings.protocol == "ftp":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used; loading the system's authorities takes 0.3 s
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:  # also what is not a PEM file
        raise Refused(f"{settings.label}: ca_file {settings.ca_file}: {error.strerror or error}") from None
    context.maximum_version = ssl.TLSVersion.TLSv1_3 if settings.tls_max_version == "1.3" else ssl.TLSVersion.TLSv1_2
    return context


def _as_utf8(text: str) -> str:
    return text.encode().decode("latin-1")  # what the session's encoding turns into UTF-8


def _lines(listing: bytes) -> list[bytes]:
    """Split a listing where the protocol ends a line, not where a file's name has a stray CR or LF in it."""
    return [line for line in listing.split(b"\r\n" if b"\r\n" in listing else b"\n") if line]


def _utc(told: str) -> datetime | None:
    """Read a time of RFC 3659 (always UTC), `YYYYMMDDHHMMSS[.fraction]`; None when it is anything else."""
    digits = told.partition(".")[0]
    if not re.fullmatch(r"\d{14}", digits, re.ASCII):
        return None
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
