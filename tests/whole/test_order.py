"""Any order, any repetition, any split of the same deliveries: the same marts, by hash."""

import itertools
import os
import shutil
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from orchestration.home import open_home
from orchestration.publish.verify import content_hashes, overall_hash
from orchestration.steps import import_files
from orchestration.transform import transform
from tests.whole.world_home import make_home, small_world

WORLD = small_world()
UPLOADS = [upload for upload in WORLD.uploads if WORLD.faults is not None and "/" not in upload.name]
NAMES = ("footfallcam_daily", "sales", "xovis_export")


def marts(root: Path, pieces: list[list]) -> str:
    """Import the pieces one after the other, the marts rebuilt after each, and hash what stands at the end."""
    for path in root.iterdir():
        if path.name != "dbt":  # what dbt parsed stays: parsing is a third of an example, and says nothing of order
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    home = open_home(make_home(root, WORLD))
    for number, piece in enumerate(pieces):
        for feed in NAMES:
            paths = []
            for place, upload in enumerate(piece):
                if upload.feed != feed or home.catalogue[feed].profile.named(upload.name) is None:
                    continue
                path = root / "hand" / str(number) / str(place) / upload.name
                path.parent.mkdir(parents=True)
                path.write_bytes(upload.content)
                os.utime(path, (upload.modified_at.timestamp(),) * 2)
                paths.append(path)
            if paths:
                import_files(home, home.catalogue[feed], paths)
        transform(home)
    home.ledger.engine.dispose()
    return overall_hash(content_hashes(root / "warehouse.duckdb"))


EXPECTED: dict[str, str] = {}


@given(order=st.randoms(use_true_random=False), cuts=st.lists(st.floats(0, 1), max_size=2), repeats=st.integers(0, 20))
@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes seconds: shrinking would take hours
    suppress_health_check=[HealthCheck.too_slow],
)
def test_any_order_repetition_and_split_of_the_deliveries_gives_the_same_marts(tmp_path_factory, order, cuts, repeats):
    root = tmp_path_factory.getbasetemp() / "order"
    root.mkdir(exist_ok=True)
    if not EXPECTED:
        EXPECTED["hash"] = marts(root, [UPLOADS])
    sent = [*UPLOADS, *(order.choice(UPLOADS) for _ in range(repeats))]
    order.shuffle(sent)
    places = [0, *sorted(round(cut * len(sent)) for cut in cuts), len(sent)]
    pieces = [sent[start:end] for start, end in itertools.pairwise(places)]
    assert marts(root, pieces) == EXPECTED["hash"]
