"""Three hundred sensors, some dead, slow or no sensors: the others are done on time, and nothing is changed."""

import re
import time
from collections import Counter
from datetime import UTC, date, datetime

from tests.sources.xovis.conftest import NOW, between, people, sensor

MONDAY = date(2026, 3, 30)
ALLOWED = re.compile(
    r"GET /sensors/\d+/api/(v5/(device/(info|state|id)|time(/state)?|config/state|singlesensor/(status"
    r"|data/(history/(logics|status)|live/logics|push/agents/status)))|count-data|data/live"
    r"|info/(alive|sensor-status|persistence|status))"
    r"|POST /sensors/\d+/api/v5/users/login"
)


def test_three_hundred_sensors_are_done_although_some_are_not_there(make_chain) -> None:
    minutes = people(MONDAY, 1)
    sensors = {str(number): sensor(number, minutes) for number in range(1, 271)}
    for number in range(1, 11):
        sensors[str(number)].delay_seconds = 0.6
    for number in range(11, 16):
        sensors[str(number)].fault = "html"
    dead = "".join(f"xovis,dead-{n},,S1,entrance,,,http://127.0.0.1:9/{n},,,\n" for n in range(30))
    chain = make_chain(sensors, {"xovis_history": "restates_days = 0"}, extra_counters=dead)
    started = time.monotonic()
    result = chain.ingest("xovis_history")
    assert time.monotonic() - started < 40
    assert Counter(failure.reason for failure in result.failures) == {"unreachable": 30, "html_answer": 5}
    assert len({failure.device_id for failure in result.failures}) == 35
    assert result.kept == 265
    begin = datetime(2026, 3, 29, 21, 0, tzinfo=UTC)
    truth = between(minutes, begin, NOW.replace(second=0))
    expected = (265, 265 * sum(fw for fw, _ in truth.values()), 265 * len(truth))
    columns = "count(distinct device_id), cast(sum(value) as bigint), count(*)"
    assert chain.rows("xovis_history", columns, "counted_as = 'entry'") == [expected]


def test_nothing_but_the_documented_questions_is_ever_asked(make_chain) -> None:
    sensors = {"1": sensor(1), "2": sensor(2, generation=4)}
    feeds = {"xovis_history": "", "xovis_live": "", "xovis_status": "", "xovis_legacy": ""}
    chain = make_chain(sensors, feeds, {"2": "#legacy"})
    for feed in feeds:
        chain.ingest(feed)
    asked = {f"{seen.method} {seen.path}" for seen in chain.server.requests}
    assert len(asked) > 15
    assert not [question for question in asked if not ALLOWED.fullmatch(question)]
    assert all(seen.path.endswith("login") or seen.method == "GET" for seen in chain.server.requests)
