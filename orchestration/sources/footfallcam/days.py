"""Which business days the feeds of the vendor's servers ask for: days that are over wherever a counter stands."""

from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from orchestration.sources.contract import Asked
from orchestration.sources.footfallcam.settings import FeedSettings


def business_days(settings: FeedSettings, asked: Asked) -> Iterator[date]:
    """List the days of the window, else the last `restates_days`; today only with `include_today`."""
    zones = {settings.row_timezone} if settings.row_timezone else {device.timezone or "UTC" for device in asked.devices}
    todays = [asked.now().astimezone(ZoneInfo(zone)).date() for zone in zones or {"UTC"}]
    newest = max(todays) if settings.include_today else min(todays) - timedelta(days=1)
    first = asked.window.first if asked.window else newest - timedelta(days=max(0, settings.restates_days - 1))
    last = min(asked.window.last, newest) if asked.window else newest
    for step in range((last - first).days + 1):
        yield first + timedelta(days=step)
