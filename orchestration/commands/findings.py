"""The value that doctor's checks give back: what was looked at, how it is, and what to do."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of doctor's table. `remedy` is empty where nothing is to be done."""

    check: str
    state: State
    said: str
    remedy: str = ""
