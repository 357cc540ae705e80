"""A figure of the report: what was measured, what it must be, and whether it is."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One line of the report. `holds` is None where no bound is set: the figure informs."""

    name: str
    value: float | None
    shown: str
    bound: str = ""
    holds: bool | None = None
    notes: list[str] = field(default_factory=list)


def percent(part: float, whole: float, digits: int = 2) -> str:
    """Show a share; a whole of nothing has none."""
    return f"{100 * part / whole:.{digits}f} %" if whole else "none"


def ratio(part: float, whole: float) -> float | None:
    """Return a share, None of nothing."""
    return part / whole if whole else None
