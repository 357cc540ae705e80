"""Files that come late, revised or again: what the next publication corrects, why, and what it leaves alone.

One small chain through the whole way, a publication after every event; the tests look at what each of them said.
"""

import os
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from orchestration.home import Home, open_home
from orchestration.publish.published import Publication, publish
from orchestration.publish.verify import content_hashes
from orchestration.settings import Settings
from orchestration.steps import import_files, rebuild_raw, retract
from orchestration.transform import transform
from tests.conftest import BRANCHES, COUNTERS, HOURS, SPECIAL_DAYS

MONDAY = date(2026, 3, 2)
DAYS = [MONDAY + timedelta(days=number) for number in range(4)]
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
DOORS = {"d1": "ONE", "d2": "ONE", "d3": "TWO"}
MARTS = {"traffic": "branch_traffic_daily", "conversion": "branch_conversion_daily"}
MEASURED = "entry_count, exit_count, expected_minutes, received_minutes, coverage_ratio, status"
Rows = list[tuple[Any, ...]]


@dataclass
class Edition:
    """One publication, and what its daily marts held when it was new."""

    publication: Publication
    columns: dict[str, str]
    said: dict[str, Rows]


@dataclass
class Story:
    """The chain and its publications, by what happened before each."""

    home: Home
    editions: dict[str, Edition] = field(default_factory=dict)
    late: str = ""
    revised: str = ""

    def publish(self, event: str) -> None:
        transform(self.home)
        publication = publish(
            self.home.settings.warehouse, self.home.settings.home, NOON + timedelta(hours=len(self.editions))
        )
        with duckdb.connect(str(publication.database), read_only=True) as connection:
            columns = {
                name: ", ".join(
                    column
                    for (column,) in connection.execute(
                        "select column_name from information_schema.columns "
                        "where table_schema = 'marts' and table_name = ? order by ordinal_position",
                        [f"fct_{mart}"],
                    ).fetchall()
                )
                for name, mart in MARTS.items()
            }
            said = {
                name: connection.execute(f"select {columns[name]} from marts.fct_{mart} order by all").fetchall()
                for name, mart in MARTS.items()
            }
        self.editions[event] = Edition(publication, columns, said)

    def ask(self, question: str) -> Rows:
        with duckdb.connect(str(self.home.settings.published), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(question).fetchall()

    def restated(self, event: str, columns: str) -> Rows:
        at = self.editions[event].publication.published_at
        return self.ask(
            f"select branch_code, business_date, {columns} from marts.fct_branch_restatement "
            f"where published_at = '{at}' and cause <> 'history_changed' order by all"
        )

    def hand_in(self, feed: str, name: str, text: str, delivered_at: datetime) -> str:
        """Import a file of that time; return its delivery."""
        path = self.home.settings.home / "hand" / f"{delivered_at:%d%H%M}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (delivered_at.timestamp(),) * 2)
        known = {item.delivery_id for item in self.home.ledger.of_days(feed, DAYS)}
        result = import_files(self.home, self.home.catalogue[feed], [path])
        assert result.kept == 1
        assert result.unreadable == 0
        (fresh,) = {item.delivery_id for item in self.home.ledger.of_days(feed, DAYS)} - known
        return fresh

    def count(self, door: str, day: date, people: int, days_after: int = 1) -> str:
        """Hand in a counter's day: so many people in each of its two open hours."""
        rows = "".join(f"{door},{day} {hour:02}:00:00,{people},1\n" for hour in range(24) if hour in (9, 10))
        at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC) + timedelta(days=days_after)
        text = f"serial,local_time,in,out\n{rows}"
        return self.hand_in("footfallcam_daily", f"{door}_{day:%Y%m%d}.csv", text, at)

    def sell(self, day: date, one: int, two: int, hour: int = 4) -> str:
        """Hand in the tills' day: so many transactions at 9 o'clock."""
        rows = "".join(
            f"{code},{day:%d-%m-%Y} 09:30,{count},{count}.50\n" for code, count in (("ONE", one), ("TWO", two))
        )
        at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC) + timedelta(days=1)
        text = f"StoreCode,DateTime,TotalTransactionQty,TotalTransactionValue\n{rows}"
        return self.hand_in("sales", f"sales_{day:%Y%m%d}.csv", text, at)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    reference = tmp_path_factory.mktemp("restated") / "home" / "reference"
    reference.mkdir(parents=True)
    branches = "".join(f"{code},Shop,GB,,Leeds,Europe/London,GBP,,in,,\n" for code in ("ONE", "TWO"))
    doors = "".join(f"footfallcam,{door},,{code},entrance,,,,,,\n" for door, code in DOORS.items())
    hours = "".join(f"{code},{weekday},09:00,11:00,,\n" for code in ("ONE", "TWO") for weekday in range(1, 8))
    for name, text in (
        ("branches.csv", BRANCHES + branches),
        ("counters.csv", COUNTERS + doors),
        ("opening_hours.csv", HOURS + hours),
        ("special_days.csv", SPECIAL_DAYS),
        ("feeds.toml", "[feeds.footfallcam_daily]\ngrain_minutes = 60\n[feeds.sales]\n"),
    ):
        (reference / name).write_text(text)
    story = Story(open_home(Settings(home=reference.parent)))
    for day in DAYS:
        story.sell(day, 4, 6)
        for door in DOORS:
            if (door, day) != ("d2", DAYS[1]):
                story.count(door, day, 10)
    story.publish("first")
    story.late = story.count("d2", DAYS[1], 20, days_after=3)
    story.publish("late file")
    story.revised = story.count("d3", DAYS[2], 30, days_after=4)
    story.publish("revised file")
    story.sell(DAYS[1], 5, 6, hour=5)
    story.publish("revised sales")
    retract(story.home, story.home.catalogue["footfallcam_daily"], story.late, "file of another shop")
    story.publish("retracted file")
    return story


def changed(story: Story, before: str, after: str, mart: str) -> set[tuple[Any, ...]]:
    """Return the branch-days whose measured values differ between two publications, as they were published."""
    values = MEASURED if mart == "traffic" else "transaction_count, sales_amount, visitor_count"
    found: list[set[tuple[Any, ...]]] = []
    for event in (before, after):
        with duckdb.connect(str(story.editions[event].publication.database), read_only=True) as connection:
            rows = connection.execute(
                f"select branch_code, business_date, {values} from marts.fct_{MARTS[mart]}"
            ).fetchall()
        found.append(set(rows))
    return {row[:2] for row in found[0] ^ found[1]}


def test_every_publication_is_given_back_bit_for_bit(story: Story) -> None:
    for event, edition in story.editions.items():
        for name, mart in MARTS.items():
            at = edition.publication.published_at
            said = story.ask(f"select {edition.columns[name]} from {mart}_as_of('{at}') order by all")
            assert said == edition.said[name], f"{name} as of {event}"
            assert len(said) == 8


def test_a_late_file_corrects_its_branch_day_and_nothing_else_that_was_measured(story: Story) -> None:
    assert changed(story, "first", "late file", "traffic") == {("ONE", DAYS[1])}
    assert changed(story, "first", "late file", "conversion") == {("ONE", DAYS[1])}
    said = "entry_count_old, entry_count_new, status_old, status_new, cause, delivery_ids, file_names"
    ((branch, day, *told),) = story.restated("late file", said)
    assert (branch, day) == ("ONE", DAYS[1])
    assert told == [20, 60, "partial", "complete", "late_delivery", [story.late], [f"d2_{DAYS[1]:%Y%m%d}.csv"]]


def test_a_revised_file_names_both_itself_and_what_it_replaced(story: Story) -> None:
    assert changed(story, "late file", "revised file", "traffic") == {("TWO", DAYS[2])}
    ((branch, day, old, new, cause, ids),) = story.restated(
        "revised file", "entry_count_old, entry_count_new, cause, delivery_ids"
    )
    assert (branch, day, old, new, cause) == ("TWO", DAYS[2], 20, 60, "revised_delivery")
    assert len(ids) == 2
    assert story.revised in ids


def test_sales_restate_conversion_alone(story: Story) -> None:
    assert changed(story, "revised file", "revised sales", "traffic") == set()
    assert changed(story, "revised file", "revised sales", "conversion") == {("ONE", DAYS[1])}
    said = "revision, conversion_revision, transaction_count_old, transaction_count_new, entry_count_new, cause, feeds"
    assert story.restated("revised sales", said) == [("ONE", DAYS[1], 2, 3, 4, 5, 60, "revised_delivery", ["sales"])]


def test_a_retracted_file_takes_back_what_it_said(story: Story) -> None:
    assert changed(story, "revised sales", "retracted file", "traffic") == {("ONE", DAYS[1])}
    said = "entry_count_old, entry_count_new, status_new, cause, delivery_ids"
    assert story.restated("retracted file", said) == [
        ("ONE", DAYS[1], 60, 20, "partial", "retracted_delivery", [story.late])
    ]
    status = f"select status, reason from marts.fct_delivery where delivery_id = '{story.late}'"
    assert story.ask(status) == [("retracted", "file of another shop")]


def test_what_else_was_restated_is_estimates_alone(story: Story) -> None:
    moved = "entry_count_old is distinct from entry_count_new or status_old <> status_new or transaction_count_old <> "
    moved += "transaction_count_new"
    assert story.ask(f"from marts.fct_branch_restatement where cause = 'history_changed' and ({moved})") == []


def test_landing_alone_gives_the_same_marts_retraction_included(story: Story) -> None:
    settings = story.home.settings
    before = content_hashes(settings.warehouse)
    story.home.ledger.engine.dispose()
    for file in settings.home.glob("ledger.sqlite*"):
        file.unlink()
    home = open_home(settings)
    rebuild_raw(home)
    transform(home)
    assert content_hashes(settings.warehouse) == before
    home.ledger.engine.dispose()
