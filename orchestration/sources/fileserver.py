"""What file servers share: the `[feeds.<name>.remote]` table, what a listing says of a file, which names are safe.

Values and rules only, no network: ftp.py, sftp.py and folder.py are the clients, remote.py opens them.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from orchestration.sources.contract import Refused

LONGEST_NAME_BYTES = 255  # ext4, XFS, NTFS: a longer name cannot be anybody's file
LONGEST_LISTING_BYTES = 64 * 2**20  # 9,000 files are about 1 MB; more is a broken or hostile server
NETWORK = frozenset({"ftp", "ftps", "sftp"})
DEFAULT_PORTS = {"ftp": 21, "ftps": 21, "sftp": 22, "folder": 0}
IMPLICIT_TLS_PORT = 990
_SPOKEN_BY = {  # fields that mean something to some protocols only; anywhere else they are a misunderstanding
    **dict.fromkeys(("host", "port", "user", "password_env", "password_file", "timeout_seconds"), NETWORK),
    **dict.fromkeys(("ca_file", "tls", "tls_max_version"), frozenset({"ftps"})),
    "passive": frozenset({"ftp", "ftps"}),
    **dict.fromkeys(("key_file", "known_hosts", "host_key"), frozenset({"sftp"})),
}
_HOST_KEY = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?|(ssh|ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}( .*)?")


class HostileName(Refused):
    """A file name that is never asked for (see `is_hostile`). Only this file is concerned; a person must look."""

    reason = "hostile_name"


class TooLarge(Refused):
    """A file of more than `max_file_bytes`. Only this file is concerned; a person must raise the limit or look."""

    reason = "too_large"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A regular file as a listing shows it: its exact name, bytes, and the server's clock (UTC; None = not told)."""

    name: str
    size: int
    modified_at: datetime | None


Listing = list[RemoteFile]


class Folder(Protocol):
    """One folder of one file server, open between `__enter__` and `__exit__`.

    Raises `Unreachable`, `Throttled` (both retried already) or `Refused`; `read` also `NotPublished`, `HostileName`
    and `TooLarge`, which concern that file alone.
    """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def list(self) -> Listing:
        """List the regular files of this folder, not of folders in it."""
        ...

    def read(self, name: str) -> bytes:
        """Read a whole file by the exact name that `list` gave. Part of a file is never returned."""
        ...


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _printable(value: object) -> object:
    if isinstance(value, str) and _has_control_character(value):
        raise ValueError("holds a control character")
    return value


Text = Annotated[str, BeforeValidator(_printable)]


class RemoteSettings(BaseModel):
    """Where a feed's files are: the `[feeds.<name>.remote]` table of reference/feeds.toml.

    Secrets are named, never written here: `password_env` is an environment variable, `password_file` a file. With
    `key_file` the password is the key's passphrase. Paths may be relative to FOOTFALL_HOME (`resolved`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    protocol: Literal["ftp", "ftps", "sftp", "folder"]
    host: Text = ""
    port: int | None = Field(default=None, ge=1, le=65535)
    user: Text = ""
    password_env: Text = ""
    password_file: Path | None = None
    folder: Text = Field(default=".", min_length=1)
    ca_file: Path | None = None
    tls: Literal["explicit", "implicit"] = "explicit"
    # ProFTPD 1.3.8 breaks resumed TLS 1.3 data connections (after 4-154 transfers); 1.2 made 8,005 of 8,005.
    tls_max_version: Literal["1.2", "1.3"] = "1.2"
    passive: bool = True
    key_file: Path | None = None
    known_hosts: Path | None = None
    host_key: Annotated[tuple[Text, ...], BeforeValidator(_one_or_more)] = ()
    timeout_seconds: float = Field(default=30.0, gt=0, le=600)
    settle_seconds: float = Field(default=1.0, ge=0, le=3600)
    max_file_bytes: int = Field(default=256 * 2**20, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _no_secret_here(cls, table: Any) -> Any:
        if isinstance(table, dict) and "password" in table:
            raise ValueError("the password does not stand here: name it with password_env or password_file")
        return table  # pyright: ignore[reportUnknownVariableType] - untrusted until the fields are validated

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for field in sorted(self.model_fields_set & _SPOKEN_BY.keys()):
            if self.protocol not in _SPOKEN_BY[field]:
                raise ValueError(f"{field} means nothing with protocol '{self.protocol}'; leave it out")
        if self.password_env and self.password_file:
            raise ValueError("give password_env or password_file, not both")
        if self.protocol == "folder":
            if "folder" not in self.model_fields_set:
                raise ValueError("protocol 'folder' needs folder, the directory to read")
            return self
        if not re.fullmatch(r"[^\s/@\[\]]+", self.host):
            raise ValueError(f"protocol '{self.protocol}' needs host, a name or address without port or user")
        if self.protocol == "sftp":
            self._check_sftp()
        elif self.names_a_password != bool(self.user):
            raise ValueError("give user together with password_env or password_file, or neither for anonymous")
        return self

    def _check_sftp(self) -> None:
        if not self.user:
            raise ValueError("protocol 'sftp' needs user")
        if not (self.key_file or self.names_a_password):
            raise ValueError("protocol 'sftp' needs key_file, or password_env, or password_file")
        if bool(self.known_hosts) == bool(self.host_key):
            raise ValueError("protocol 'sftp' needs known_hosts or host_key (one of them): the server must be known")
        if not all(_HOST_KEY.fullmatch(key) for key in self.host_key):
            raise ValueError("host_key is 'SHA256:…' (ssh-keygen -lf) or a public key line, 'ssh-ed25519 AAAA…'")

    @property
    def names_a_password(self) -> bool:
        """Say whether the caller must resolve a secret."""
        return bool(self.password_env or self.password_file)

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port, the protocol's own port where none is set."""
        implicit = self.protocol == "ftps" and self.tls == "implicit"
        return self.host, self.port or (IMPLICIT_TLS_PORT if implicit else DEFAULT_PORTS[self.protocol])

    @property
    def label(self) -> str:
        """Name the folder in messages; it holds no secret."""
        if self.protocol == "folder":
            return self.folder
        host, port = self.address
        path = "" if self.folder == "." else self.folder.lstrip("/")
        return f"{self.protocol}://{host}:{port}/{path}"

    def resolved(self, home: Path) -> Self:
        """Return a copy whose relative local paths start from `home`."""
        paths = {name: getattr(self, name) for name in ("password_file", "ca_file", "key_file", "known_hosts")}
        local: dict[str, object] = {name: home / path for name, path in paths.items() if path is not None}
        if self.protocol == "folder":
            local["folder"] = str(home / self.folder)
        return self.model_copy(update=local)


def is_hostile(name: str) -> str | None:
    """Say why a name is never asked for: control_character, path_separator, dot_name, too_long; None if it is fine.

    Blanks at either end are legal. A backslash is a separator where a file may end up on Windows.
    """
    if _has_control_character(name):
        return "control_character"
    if "/" in name or "\\" in name:
        return "path_separator"
    if name in {"", ".", ".."}:
        return "dot_name"
    if min(len(raw) for raw in spellings(name)) > LONGEST_NAME_BYTES:
        return "too_long"
    return None


def refuse_hostile(name: str) -> None:
    """Raise `HostileName` unless the name may be asked for."""
    reason = is_hostile(name)
    if reason:
        raise HostileName(f"{reason}: {printable(name)}")


def temporary(name: str) -> bool:
    """Say whether uploaders use such a name for a file that is still being written."""
    lowered = name.lower()
    return lowered.startswith((".", "~")) or lowered.endswith(
        (".part", ".tmp", ".filepart", ".crdownload", ".uploading", "~")
    )


def decode_name(raw: bytes) -> str:
    """Decode a name as a server sent it: UTF-8, else Latin-1 (which maps every byte)."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def spellings(name: str) -> tuple[bytes, ...]:
    """Return the bytes that `decode_name` may have read this name from, the likeliest first."""
    utf8 = name.encode("utf-8", "replace")
    if name.isascii():
        return (utf8,)
    try:
        return utf8, name.encode("latin-1")
    except UnicodeEncodeError:
        return (utf8,)


def printable(text: object, secret: str = "", longest: int = 200) -> str:
    """Make what a server said fit for a message: one line, no control characters, bounded, without our secret."""
    said = str(text)
    if secret:
        said = said.replace(secret, "***")
    said = "".join("?" if _has_control_character(character) else character for character in said)
    return said if len(said) <= longest else said[:longest] + "…"


def _has_control_character(text: str) -> bool:
    # Cs: half a surrogate pair, which no ledger or terminal can write; Zl, Zp: line and paragraph separators.
    return any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text)
