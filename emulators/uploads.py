"""One file put on a server: the value that worlds are shipped as."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Upload:
    """A file as the sender leaves it in a feed's folder, in which wave, with its modification time (UTC)."""

    feed: str
    folder: str
    name: str
    content: bytes = field(repr=False)
    modified_at: datetime
    wave: int
