"""What happens in the demo: vendors upload and are asked, twice, and after each time the system does its full cycle.

The second wave brings what is late, corrected and sent again. Its Xovis exports come as such things do: by hand, into
the inbox. All else comes over SFTP, FTPS, FTP and the vendors' interfaces from servers on this machine. Whoever asks
lives in the world's time: otherwise every emulated clock would be wrong and every answer late.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from emulators.file_server import Servers, serve
from emulators.interfaces import Interfaces, serve_interfaces
from emulators.pulls import Moment
from emulators.shipments import EXPORT
from emulators.world import WAVES, World, build_world
from orchestration import runs, steps
from orchestration.catalogue import load_catalogue
from orchestration.commands.demo_compare import Verdict, compare_with_truth
from orchestration.commands.screen import err
from orchestration.commands.watching import watching
from orchestration.publish.published import Publication
from orchestration.publish.read import open_published
from orchestration.runs import RunReport
from orchestration.settings import Settings
from orchestration.sources.contract import Failure, Window

LAST_DAY = date(2026, 4, 5)  # the week before holds Europe's clock change
LATEST_WAVE = timedelta(days=10)  # the second wave ends within this time after the last day


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of the story and how long it took."""

    name: str
    seconds: float


@dataclass(slots=True)
class Story:
    """What was lived through. `errors` is empty unless a run failed; then the story stopped there."""

    world: World
    interfaces: Interfaces | None = None
    failures: list[Failure] = field(default_factory=list)  # those that the world meant to happen
    steps: list[Step] = field(default_factory=list)
    publications: list[Publication] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)  # one a wave
    errors: list[str] = field(default_factory=list)


class _Stopped(Exception):
    """A run failed."""


def live_through(settings: Settings, *, seed: int, days: int) -> Story:
    """Build the world, serve it, and run the cycle after each wave."""
    started = time.perf_counter()
    last_day = min(LAST_DAY, datetime.now(UTC).date() - LATEST_WAVE)
    story = Story(build_world(seed, days, last_day, interfaces=True))
    _note(story, "build the emulated chain", started)
    window = Window(story.world.first_day, story.world.last_day)
    started = time.perf_counter()
    vendors = settings.home / "vendors"
    vendors.mkdir()
    with (
        serve(story.world, vendors, wave=1) as servers,
        serve_interfaces(story.world, vendors) as interfaces,
        _living_in(interfaces.clock),
    ):
        story.world.write_reference(settings.reference, servers.endpoints, interfaces.addresses, interfaces.tables)
        story.interfaces = interfaces
        _note(story, "start the vendors' servers", started)
        try:
            for wave in WAVES:
                servers.advance(wave)
                if wave > 1:
                    _hand_over(servers, settings, wave)
                for moments in story.world.pulls.by_occasion(wave):
                    _ask(story, settings, interfaces, moments)
                interfaces.clock.now = max(interfaces.clock.now, story.world.uploaded_at(wave))
                _cycle(story, settings, list(servers.endpoints), window, f"wave {wave}")
                _compare(story, settings, wave)
        except _Stopped:
            pass
    return story


@contextmanager
def _living_in(clock: Callable[[], datetime]) -> Iterator[None]:
    """Let the steps take the world's clock for theirs."""
    real, steps.utc_now = steps.utc_now, clock
    try:
        yield
    finally:
        steps.utc_now = real


def _ask(story: Story, settings: Settings, interfaces: Interfaces, moments: Sequence[Moment]) -> None:
    """Ask the interfaces at these moments; whoever stays silent must be one of those that the world silenced."""
    started, first = time.perf_counter(), story.world.first_day
    for moment in moments:
        interfaces.advance(moment)
        days = [first + timedelta(days=index) for index in moment.indexes]
        with watching():
            report = runs.run_ingest(settings, list(moment.feeds), Window(days[0], days[-1]) if days else None)
        silent = Counter(
            (item.feed, item.device_id, item.reason) for item in story.world.pulls.silences if item.moment is moment
        )
        found = Counter((failure.feed, failure.device_id, failure.reason) for failure in _failures(report))
        story.errors += [
            f"{feed}: {device} {'failed' if sign else 'should have failed'}: {reason}"
            for sign, more in ((True, found - silent), (False, silent - found))
            for feed, device, reason in more
        ]
        story.failures += _failures(report)
        _check(story, report, [])
    times = f", {len(moments)} times" if len(moments) > 1 else ""
    what = f"ask {len(moments[0].feeds)} interfaces at {moments[0].at:%Y-%m-%d %H:%M}{times}"
    _note(story, f"wave {moments[0].wave}: {what}", started)


def _note(story: Story, name: str, started: float) -> None:
    story.steps.append(Step(name, time.perf_counter() - started))
    err().print(f"  {name}  {story.steps[-1].seconds:.1f} s", style="dim", markup=False)


def _compare(story: Story, settings: Settings, wave: int) -> None:
    started = time.perf_counter()
    with closing(open_published(settings.home)) as connection:
        feeds = load_catalogue(settings.reference).feeds
        story.verdicts.append(compare_with_truth(connection, settings.warehouse, story.world, wave, feeds))
    _note(story, f"wave {wave}: compare with the truth", started)


def _hand_over(servers: Servers, settings: Settings, wave: int) -> None:
    """Move the later wave's exports from the FTP server to the inbox, as if saved from a browser."""
    inbox = settings.home / "inbox" / EXPORT
    inbox.mkdir(parents=True, exist_ok=True)
    for upload in servers.world.uploads:
        if upload.feed == EXPORT and upload.wave == wave:
            (servers.directory(EXPORT) / upload.name).rename(inbox / upload.name)


def _cycle(story: Story, settings: Settings, feeds: Sequence[str], window: Window, wave: str) -> None:
    """Do one cycle over the world's days, as `footfall run` does for the days that are due now."""
    for feed in feeds:
        started = time.perf_counter()
        with watching():
            report = runs.run_ingest(settings, [feed], window)
        _note(story, f"{wave}: ingest {feed}", started)
        _check(story, report, _failures(report))
    started = time.perf_counter()
    with watching():
        report = runs.run_transform(settings, None)
    _note(story, f"{wave}: transform", started)
    _check(story, report, [])
    started = time.perf_counter()
    with watching():
        report = runs.run_publish(settings)
    _note(story, f"{wave}: publish", started)
    _check(story, report, [])
    if report.publication is not None:
        story.publications.append(report.publication)


def _failures(report: RunReport) -> list[Failure]:
    """List what could not be had; names that are no deliveries are none."""
    return [f for item in report.ingested for f in item.failures if not f.reason.startswith("ignored_")]


def _check(story: Story, report: RunReport, failures: Sequence[Failure]) -> None:
    """Stop at a run that failed: what follows would only hide it."""
    story.errors += [f"{failure.feed}: {failure.reason}: {failure.message}" for failure in failures[:5]]
    if not report.success:
        story.errors.append(f"{report.job} failed (run {report.run_id}): {report.error}")
    if story.errors:
        raise _Stopped
