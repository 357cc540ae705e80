"""What a pulled feed's table may say, which addresses may be asked, and what proves who asks. Values only."""

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from orchestration.sources.contract import Refused
from orchestration.sources.fileserver import printable
from orchestration.sources.http.masking import HIDDEN, masked

_NAMED_ELSEWHERE = ("password", "token", "access_token", "secret", "api_key")


class HttpSettings(BaseModel):
    """What every pulled feed's table may say; a vendor's settings extend it.

    Secrets are named, never written here: `password_env` is an environment variable, `password_file` a file.
    `ca_file` holds the certificates to trust instead of the public ones (a device's own certificate, for instance;
    with `check_hostname = false` it is then a pin). `allow_plain_http` lists networks or host names without TLS.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    user: str = ""
    password_env: str = ""
    password_file: str = ""
    ca_file: Path | None = None
    check_hostname: bool = True
    allow_plain_http: tuple[str, ...] = ()
    connect_timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    timeout_seconds: float = Field(default=30.0, gt=0, le=600)
    max_body_bytes: int = Field(default=64 * 2**20, gt=0)
    concurrency: int = Field(default=4, ge=1, le=64)  # questions at one time to one origin
    max_connections: int = Field(default=32, ge=1, le=256)  # to all origins together

    @model_validator(mode="before")
    @classmethod
    def _no_secret_here(cls, table: Any) -> Any:
        if isinstance(table, dict):
            for key in _NAMED_ELSEWHERE:
                if key in table:
                    raise ValueError(f"{key} does not stand here: name an environment variable or a file that holds it")
        return table  # pyright: ignore[reportUnknownVariableType] - untrusted until the fields are validated

    @field_validator("allow_plain_http")
    @classmethod
    def _networks(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            if "/" in entry:
                ipaddress.ip_network(entry)
        return entries

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.password_env and self.password_file:
            raise ValueError("give password_env or password_file, not both")
        if not self.check_hostname and self.ca_file is None:
            raise ValueError("check_hostname = false needs ca_file, the certificate that is trusted")
        return self

    @property
    def names_a_password(self) -> bool:
        """Say whether the caller must resolve a secret."""
        return bool(self.password_env or self.password_file)

    def resolved(self, home: Path) -> Self:
        """Return a copy whose relative `ca_file` starts from `home`."""
        return self.model_copy(update={"ca_file": home / self.ca_file.expanduser()}) if self.ca_file else self

    def checked_address(self, url: str) -> str:
        """Return the address without a final slash. Raises Refused unless it is https, or http to an allowed host."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            parts, host = None, ""
        if parts is None or not host or "@" in parts.netloc or parts.query or parts.fragment or not url.isprintable():
            raise Refused(f"{masked(url)}: an address is https://host[:port][/path], without user, password or query")
        if parts.scheme == "https" or (parts.scheme == "http" and self._may_be_plain(host)):
            return url.rstrip("/")
        raise Refused(f"{masked(url)}: only https, or http to a host that allow_plain_http names, is ever asked")

    def _may_be_plain(self, host: str) -> bool:
        if host in self.allow_plain_http:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False  # a name is allowed by name only: what it resolves to is somebody else's to say
        return any(address in ipaddress.ip_network(entry) for entry in self.allow_plain_http if "/" in entry)


@dataclass(frozen=True, slots=True)
class Credential:
    """What proves who asks: headers and query parameters. `secrets` are the texts that no message may hold."""

    headers: Mapping[str, SecretStr] = field(default_factory=dict[str, SecretStr])
    params: Mapping[str, SecretStr] = field(default_factory=dict[str, SecretStr])
    secrets: tuple[SecretStr, ...] = ()

    @classmethod
    def basic(cls, user: str, password: SecretStr | None) -> Self:
        """Make HTTP Basic from a user and a password. Raises Refused when there is no password."""
        if not password or not password.get_secret_value():
            raise Refused(f"user {user!r} has no password: name one with password_env or password_file")
        encoded = base64.b64encode(f"{user}:{password.get_secret_value()}".encode()).decode()
        return cls({"Authorization": SecretStr(f"Basic {encoded}")}, secrets=(SecretStr(encoded), password))

    @classmethod
    def token(cls, token: SecretStr, header: str = "Authorization") -> Self:
        """Make `Authorization: Bearer …`, or a header of another name that holds the bare token."""
        text = token.get_secret_value()
        if not text or not (text.isascii() and text.isprintable()):
            raise Refused("the token is empty or holds a character that no header can")
        return cls({header: SecretStr(f"Bearer {text}" if header == "Authorization" else text)}, secrets=(token,))

    @classmethod
    def parameter(cls, name: str, token: SecretStr) -> Self:
        """Make a query parameter that holds the token, for vendors who ask for that."""
        return cls(params={name: token}, secrets=(token,))

    def scrubbed(self, text: object) -> str:
        """Make what a server said fit for a message: one bounded line without our secrets."""
        said = str(text)
        for secret in self.secrets:
            said = said.replace(secret.get_secret_value(), HIDDEN)
        return printable(said)
