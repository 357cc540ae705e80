"""Which SSH host keys a server may show: pinned in the feed's settings, or listed in a known_hosts file.

Nobody is trusted on first use, and nothing is ever written to the file.
"""

# paramiko ships no types; what it returns is given its type where it enters this module.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import base64
import struct
from pathlib import Path

import paramiko
from paramiko.hostkeys import HostKeyEntry
from paramiko.pkey import UnknownKeyType

from orchestration.sources.contract import Refused
from orchestration.sources.fileserver import RemoteSettings


class HostKeys:
    """The keys that this server may show: pinned in the settings, or from a known_hosts file."""

    def __init__(self, settings: RemoteSettings) -> None:
        self._label = settings.label
        self._prints = {key.rstrip("=") for key in settings.host_key if key.startswith("SHA256:")}
        lines = [key for key in settings.host_key if not key.startswith("SHA256:")]
        keys = [_public_key(line, settings.label) for line in lines]
        if settings.known_hosts:
            keys = _known(settings.known_hosts, settings)
        self._prints |= {key.fingerprint for key in keys}
        # With whole keys only their types are negotiated; a fingerprint does not tell its type.
        self.algorithms: tuple[str, ...] = ()
        if keys and len(self._prints) == len({key.fingerprint for key in keys}):
            types = sorted({str(key.get_name()) for key in keys})
            rsa = ("rsa-sha2-512", "rsa-sha2-256")
            self.algorithms = tuple(one for name in types for one in (rsa if name == "ssh-rsa" else (name,)))

    def check(self, shown: paramiko.PKey) -> None:
        """Raise `Refused` unless this is the server we know. Comes before any credential is sent."""
        if shown.fingerprint not in self._prints:
            known = ", ".join(sorted(self._prints))
            raise Refused(f"{self._label}: the server shows {shown.get_name()} {shown.fingerprint}; known is {known}")


def _public_key(line: str, label: str) -> paramiko.PKey:
    kind, encoded = line.split()[:2]
    try:
        return paramiko.PKey.from_type_string(kind, base64.b64decode(encoded, validate=True))
    except (paramiko.SSHException, UnknownKeyType, ValueError, struct.error):
        raise Refused(f"{label}: host_key '{line}' is no public key") from None


def _known(path: Path, settings: RemoteSettings) -> list[paramiko.PKey]:
    host, port = settings.address
    name = host if port == 22 else f"[{host}]:{port}"
    keys: dict[str, paramiko.PKey] = {}
    revoked: set[str] = set()
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        raise Refused(f"{settings.label}: known_hosts {path}: {error.strerror}") from None
    for line in lines:
        marker, _, rest = line.strip().partition(" ")
        if not marker or marker.startswith("#") or marker == "@cert-authority":
            continue
        try:
            entry = HostKeyEntry.from_line(rest.strip() if marker == "@revoked" else line.strip())
        except (paramiko.SSHException, ValueError, struct.error):
            continue  # a damaged line vouches for nobody
        if entry is None or not any(_is_host(name, listed) for listed in entry.hostnames):
            continue
        if marker == "@revoked":
            revoked.add(entry.key.fingerprint)
        else:
            keys[entry.key.fingerprint] = entry.key
    accepted = [key for print_, key in keys.items() if print_ not in revoked]
    if not accepted:
        raise Refused(f"{settings.label}: unknown host key: {path} has none for {name}")
    return accepted


def _is_host(name: str, listed: str) -> bool:
    return listed == name or (listed.startswith("|1|") and paramiko.HostKeys.hash_host(name, listed) == listed)
