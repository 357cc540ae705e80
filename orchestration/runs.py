"""What the CLI starts: the same Dagster assets and jobs as the UI's, run in this process on the same instance.

Dagster's history is one, whoever started the work. Each function makes only the job it runs; the results come back as
values (defs/outcome.py). Importing this module imports Dagster: commands that only read do not.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from orchestration.catalogue import ConfigurationError
from orchestration.defs.feeds import feed_assets, raw_key
from orchestration.defs.instance import prepare
from orchestration.defs.jobs import (
    PUBLISH,
    TRANSFORM,
    by_source,
    ingest_job,
    ingest_name,
    publish_job,
    rebuild_job,
    transform_job,
)
from orchestration.defs.manifest import load_project
from orchestration.defs.outcome import failures, listening
from orchestration.defs.processes import own_mark
from orchestration.defs.published import is_behind, published_asset
from orchestration.defs.warehouse import DBT_BUILD, warehouse_assets
from orchestration.home import Home, Ingested, open_home
from orchestration.publish.published import Publication
from orchestration.settings import Settings
from orchestration.sources.contract import Connector, Window
from orchestration.transform import Transformed

_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}  # the event log has everything; the terminal is the CLI's


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one Dagster run did. `error` is empty on success, else one line per failed step, without a stack trace."""

    job: str
    run_id: str
    success: bool
    error: str
    seconds: float
    ingested: list[Ingested]
    transformed: Transformed | None
    publication: Publication | None


def run_ingest(settings: Settings, feeds: list[str] | None = None, window: Window | None = None) -> RunReport:
    """Fetch, land and parse these feeds (all of them by default), for these business days or whatever is new."""
    with _runner(settings) as runner:
        return runner.bring(runner.home.catalogue.chosen(feeds), _days(window))


def run_import(settings: Settings, feed: str, paths: Sequence[Path]) -> RunReport:
    """Land and parse files in hand; nobody is asked."""
    with _runner(settings) as runner:
        return runner.bring([runner.home.catalogue[feed]], {"paths": [str(path.absolute()) for path in paths]})


def run_replay(settings: Settings, feeds: list[str] | None = None, window: Window | None = None) -> RunReport:
    """Parse again from landing: these business days, or everything."""
    with _runner(settings) as runner:
        return runner.bring(runner.home.catalogue.chosen(feeds), {"replay": True, **_days(window)})


def run_retract(settings: Settings, feed: str, delivery_id: str, reason: str, *, undo: bool = False) -> RunReport:
    """Withdraw a delivery, or let it stand again, and parse its days without or with it."""
    with _runner(settings) as runner:
        config = {"retract": delivery_id, "reason": reason, "undo": undo}
        return runner.bring([runner.home.catalogue[feed]], config)


def run_transform(settings: Settings, window: Window | None = None, *, full: bool = False) -> RunReport:
    """Rebuild the touched business days in the warehouse, besides those of the window, or all of them."""
    with _runner(settings) as runner:
        return runner.transform({**_days(window), "full": full})


def run_publish(settings: Settings) -> RunReport:
    """Publish the warehouse as it is."""
    with _runner(settings) as runner:
        return runner.publish()


def run_cycle(settings: Settings) -> list[RunReport]:
    """Bring in what is due, each source in a run of its own; transform; publish unless nothing is new."""
    with _runner(settings) as runner:
        reports = [runner.bring(group, {}) for group in by_source(runner.home.catalogue.connectors.values()).values()]
        return [*reports, *runner.refresh()]


def run_rebuild(settings: Settings) -> list[RunReport]:
    """Make raw/ and the warehouse again from landing, and publish."""
    with _runner(settings) as runner:
        job = rebuild_job(lambda: runner.home, runner.home.catalogue.feeds)
        replayed = runner.run(job, {})
        return [replayed, *(runner.refresh() if replayed.success else [])]


@contextmanager
def _runner(settings: Settings) -> Iterator["_Runner"]:
    home = open_home(settings)
    with dg.DagsterInstance.from_config(str(prepare(settings))) as instance:
        yield _Runner(home, instance)


@dataclass(frozen=True, slots=True)
class _Runner:
    """Runs jobs in this process, one after the other, on one opened home and one Dagster instance."""

    home: Home
    instance: dg.DagsterInstance

    def bring(self, connectors: Sequence[Connector], config: Mapping[str, object]) -> RunReport:
        if not connectors:
            raise ConfigurationError("reference/feeds.toml has no feed yet: nothing can be brought in")
        name = ingest_name(connector.feed.source for connector in connectors)
        assets = [asset for connector in connectors for asset in feed_assets(lambda: self.home, connector)]
        job = dg.Definitions(assets, jobs=[ingest_job(name, connectors)]).resolve_job_def(name)
        return self.run(job, {"__".join(raw_key(connector.feed.name).path): config for connector in connectors})

    def transform(self, config: Mapping[str, object]) -> RunReport:
        project = load_project(self.home.settings)
        assets = warehouse_assets(lambda: self.home, project, self.home.catalogue.feeds)
        job = dg.Definitions(assets, jobs=[transform_job(assets)]).resolve_job_def(TRANSFORM)
        return self.run(job, {DBT_BUILD: config})

    def publish(self) -> RunReport:
        job = dg.Definitions([published_asset(self.home.settings, [])], jobs=[publish_job()]).resolve_job_def(PUBLISH)
        return self.run(job, {})

    def refresh(self) -> list[RunReport]:
        transformed = self.transform({})
        return [transformed, *([self.publish()] if transformed.success and is_behind(self.home.settings) else [])]

    def run(self, job: dg.JobDefinition, ops: Mapping[str, Mapping[str, object]]) -> RunReport:
        started = time.monotonic()
        given = {name: {"config": dict(config)} for name, config in ops.items()}
        with listening() as heard:
            result = job.execute_in_process(
                {"loggers": _QUIET, "ops": given}, self.instance, raise_on_error=False, tags=own_mark()
            )
        return RunReport(
            job=job.name,
            run_id=result.run_id,
            success=result.success,
            error="\n".join(failures(result.all_events)),
            seconds=time.monotonic() - started,
            ingested=[item for item in heard if isinstance(item, Ingested)],
            transformed=next((item for item in heard if isinstance(item, Transformed)), None),
            publication=next((item for item in heard if isinstance(item, Publication)), None),
        )


def _days(window: Window | None) -> dict[str, object]:
    return {"first_day": window.first.isoformat(), "last_day": window.last.isoformat()} if window else {}
