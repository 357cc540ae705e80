"""Six kinds of shop that the chain is built from: zone, week, doors, tills. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass

Week = Mapping[int, tuple[tuple[int, int], ...]]


def _week(days: str, *spans: str) -> dict[int, tuple[tuple[int, int], ...]]:
    """Spell hours out: `_week("12345", "09:00-21:00")`, Monday is 1."""
    parsed = []
    for span in spans:
        opens, closes = (60 * int(text[:2]) + int(text[3:]) for text in span.split("-"))
        parsed.append((opens, closes))
    return {int(day): tuple(parsed) for day in days}


@dataclass(frozen=True)
class Template:
    """A kind of shop. `week` without rows is open round the clock; a weekday without rows is closed."""

    code: str
    name: str
    country: str
    region: str
    city: str
    zone: str
    currency: str
    floor_area_m2: int
    visitor_basis: str
    source: str
    entrances: int
    week: Week
    visitors_per_hour: int
    buys: float
    average_cents: int
    has_bucketed_till: bool = False
    has_reversed: bool = False
    closes_earlier_by: int = 0
    inner_share: float = 0.4


TEMPLATES = (
    Template(
        "0101", "Athens Ermou", "GR", "Attica", "Athens", "Europe/Athens", "EUR", 850, "", "footfallcam", 3,
        _week("12345", "09:00-21:00") | _week("6", "09:00-20:00"), 170, 0.22, 3200, closes_earlier_by=60,
    ),
    Template(
        "0102", "Athens Gazi", "GR", "Attica", "Athens", "Europe/Athens", "EUR", 240, "in", "footfallcam", 1,
        _week("1234", "12:00-22:30") | _week("567", "12:00-26:00"), 70, 0.31, 1800, has_bucketed_till=True,
    ),
    Template(
        "0201", "Wien Neubau", "AT", "Wien", "Wien", "Europe/Vienna", "EUR", 420, "out", "xovis", 2,
        _week("12345", "09:00-12:30", "13:30-18:30") | _week("6", "09:00-17:00"), 90, 0.27, 4100, has_reversed=True,
    ),
    Template(
        "0301", "London Station", "GB", "England", "London", "Europe/London", "GBP", 160, "average", "footfallcam", 4,
        {}, 150, 0.18, 900, has_reversed=True,
    ),
    Template(
        "0042", "Mumbai Bandra", "IN", "Maharashtra", "Mumbai", "Asia/Kolkata", "INR", 610, "", "footfallcam", 2,
        _week("1234567", "10:30-22:00"), 120, 0.25, 145000, has_bucketed_till=True,
    ),
    Template(
        "0007", "New York SoHo", "US", "NY", "New York", "America/New_York", "USD", 530, "in", "footfallcam", 2,
        _week("123456", "10:00-21:00") | _week("7", "11:00-19:00"), 110, 0.24, 5400,
    ),
)  # fmt: skip

# Shops whose counters are asked over their vendors' interfaces; see interface_chain.py.
XOVIS_SHOP, BESPOT_SHOP, FOOTFALLCAM_SHOP = INTERFACE_TEMPLATES = (
    Template(
        "0401", "Wien Mitte", "AT", "Wien", "Wien", "Europe/Vienna", "EUR", 700, "", "xovis", 2,
        _week("1234567", "09:00-20:00"), 130, 0.24, 3900,
    ),
    Template(
        "0501", "Athens Kypseli", "GR", "Attica", "Athens", "Europe/Athens", "EUR", 120, "in", "bespot", 1,
        _week("1234567", "09:30-21:30"), 45, 0.35, 1500,
    ),
    Template(
        "0601", "Graz Hauptplatz", "AT", "Steiermark", "Graz", "Europe/Vienna", "EUR", 380, "average", "footfallcam", 2,
        _week("1234567", "08:00-19:00"), 100, 0.21, 2700,
    ),
)  # fmt: skip
