"""Where one feed is served and how to log in: the value that servers hand to whoever writes feeds.toml."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Endpoint:
    """One feed's server. `host_key` is `ssh-ed25519 AAAA…` as a client pins it; `ca_file` is for TLS."""

    protocol: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    password_file: Path
    folder: str
    ca_file: Path | None = None
    host_key: str = ""
