"""What an emulated sensor knows and suffers: true minutes per logic, a clock, resets, and faults. No protocol here.

Minutes are UTC and true; a wrong clock moves what the sensor writes, as it does in a shop.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

Minutes = Mapping[datetime, tuple[int, int]]
MINUTE = timedelta(minutes=1)


def utc_now() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


@dataclass
class EmulatedLogic:
    """One counting line. `minutes`: (forward, backward) by the UTC minute they happened in; every minute is there."""

    id: int
    minutes: Minutes = field(repr=False)
    name: str = "Door"
    info: str = "XLT_LINE_IN_OUT_COUNT"
    counter_names: tuple[str, str] = ("fw", "bw")


@dataclass
class EmulatedSensor:
    """One sensor. Everything is mutable while it is served.

    `fault` is one of: "", html, html_403, empty, unknown, truncated, unauthorized, throttled, not_ok.
    `lost`: minutes without a record. `resets`: when the cumulative counters fell to zero. `firmwares`: (since,
    version). `time_format`: answers in that format whatever was asked. `scene`: the context its counters are under.
    """

    serial: str
    logics: list[EmulatedLogic]
    generation: int = 5
    scene: str = "singlesensor"
    zone: str = "UTC"
    zone_abbreviation: str = "UTC"
    zone_offset: timedelta = timedelta()
    now: Callable[[], datetime] = utc_now
    clock_ahead: timedelta = timedelta()
    booted_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    firmwares: list[tuple[datetime, str]] = field(
        default_factory=lambda: [(datetime(2020, 1, 1, tzinfo=UTC), "5.6.2-ea67af9807")]
    )
    resets: list[datetime] = field(default_factory=list)
    lost: set[datetime] = field(default_factory=set, repr=False)
    time_format: str = ""
    includes_end: bool = False
    fault: str = ""
    delay_seconds: float = 0.0
    fault_where: str = ""
    token_uses: int = 1_000_000
    frames_stand_still: bool = False
    dropped_packages: int = 0
    state: str = "OK"

    @property
    def clock(self) -> datetime:
        """What the sensor takes for the time, UTC."""
        return self.now() + self.clock_ahead

    @property
    def firmware(self) -> str:
        """The firmware that runs now."""
        return [version for since, version in self.firmwares if since <= self.now()][-1]

    @property
    def uptime_seconds(self) -> float:
        """Seconds since the last boot."""
        return (self.now() - self.booted_at).total_seconds()

    @property
    def frames(self) -> int:
        """Frames since the last boot, at 12.5 a second."""
        return 1_000_000 if self.frames_stand_still else int(self.uptime_seconds * 12.5)

    def records(self, begin: datetime, end: datetime) -> list[datetime]:
        """List the true minutes whose records the sensor dates within [begin, end) and holds, closed minutes only."""
        shift = self.clock_ahead // MINUTE * MINUTE
        known = sorted({minute for logic in self.logics for minute in logic.minutes})
        return [
            minute
            for minute in known
            if begin <= minute + shift < end and minute not in self.lost and minute + MINUTE <= self.now()
        ]

    def stamped(self, minute: datetime) -> datetime:
        """Return the time that the sensor writes for a true minute."""
        return minute + self.clock_ahead // MINUTE * MINUTE

    def cumulative(self, logic: EmulatedLogic) -> tuple[int, int]:
        """Count since the last reset, up to now."""
        now = self.now()
        since = max((at for at in self.resets if at <= now), default=datetime.min.replace(tzinfo=UTC))
        passed = [counts for minute, counts in logic.minutes.items() if since <= minute and minute + MINUTE <= now]
        return sum(fw for fw, _ in passed), sum(bw for _, bw in passed)
