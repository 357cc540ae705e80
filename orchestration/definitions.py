"""The code location: what Dagster shows and runs, derived from the feeds of one home and from dbt's project."""

import dagster as dg

from orchestration.catalogue import Catalogue, load_catalogue
from orchestration.defs.feeds import feed_assets
from orchestration.defs.jobs import (
    INGEST,
    by_source,
    ingest_job,
    ingest_name,
    publish_job,
    rebuild_job,
    refresh_job,
    schedules,
    transform_job,
    usual_zone,
)
from orchestration.defs.lineage import marts
from orchestration.defs.manifest import load_project
from orchestration.defs.published import published_asset
from orchestration.defs.sensors import abandoned_runs, inbox_sensor, remote_sensors, run_failure, touched_sensor
from orchestration.defs.warehouse import warehouse_assets
from orchestration.home import Home, open_home
from orchestration.inventory import Inventory, load_inventory
from orchestration.settings import Settings


@dg.definitions
def defs() -> dg.Definitions:
    """Read by `dagster dev -w workspace.yaml`, with FOOTFALL_HOME from the environment."""
    return define(Settings())


def define(settings: Settings) -> dg.Definitions:
    """Describe a home to Dagster; one without feeds.toml has no feeds yet. Raises ConfigurationError."""

    def opened() -> Home:
        return open_home(settings)

    catalogue, inventory = _configured(settings)
    connectors = list(catalogue.connectors.values())
    project = load_project(settings)
    models = warehouse_assets(opened, project, catalogue.feeds)
    jobs = [ingest_job(ingest_name([source]), group) for source, group in by_source(connectors).items()]
    downstream = [transform_job(models), publish_job(), refresh_job(models)]
    whole = [ingest_job(INGEST, connectors), rebuild_job(opened, catalogue.feeds)] if connectors else []
    sensors = [
        inbox_sensor(opened, connectors, jobs),
        *remote_sensors(opened, connectors),
        touched_sensor(opened, downstream),
    ]
    return dg.Definitions(
        assets=[
            *(asset for connector in connectors for asset in feed_assets(opened, connector)),
            *models,
            published_asset(settings, marts(project)),
        ],
        jobs=[*jobs, *whole, *downstream],
        schedules=schedules(connectors, usual_zone(inventory)),
        sensors=[*(sensors if connectors else []), abandoned_runs, run_failure],
        executor=dg.in_process_executor,
    )


def _configured(settings: Settings) -> tuple[Catalogue, Inventory | None]:
    if not (settings.reference / "feeds.toml").exists():
        told = f"{settings.reference} has no feeds.toml, so no feed is shown: run `footfall init {settings.home}`"
        dg.get_dagster_logger("footfall").warning(told)
        return Catalogue({}), None
    return load_catalogue(settings.reference), load_inventory(settings.reference)
