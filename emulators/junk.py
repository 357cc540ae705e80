"""What else lies about on file servers: temporary uploads and names made to hurt. None of it is a delivery."""

from datetime import timedelta

from emulators.faults import Fault, FaultPlan
from emulators.files import write_counts
from emulators.shipments import DAILY, FOLDERS, SALES
from emulators.uploads import Upload

HOSTILE_NAMES = {
    DAILY: (
        "..%2f..%2freference%2fbranches.csv",
        "x" * 251 + ".csv",
        "counts\r\n2026.csv",
        "bell\x07\x1b[31m\tred.csv",
        "-rf *;$(touch pwned)'\".csv",
        "\u202evsc.stnuoc",
    ),
    # A line end in a name splits a listing line in two: clients see `notes` and a line that is none.
    SALES: ("notes\r\n226 done",),
}


def junk_uploads(plan: FaultPlan) -> list[Upload]:
    """Lay a half-written temporary file and hostile names beside the real files, and note them as faults."""
    daily = [shipment for shipment in plan.shipments if shipment.feed == DAILY and shipment.content == "counts"]
    if not daily:
        return []
    model = daily[len(daily) // 2]
    half = write_counts(model).content[: 1000 * 17]
    name = model.name + ".part"
    uploads = [Upload(DAILY, FOLDERS[DAILY], name, half, model.modified_at - timedelta(minutes=5), 1)]
    plan.faults.append(Fault("temporary_upload", DAILY, name, "never picked up"))
    for feed, names in HOSTILE_NAMES.items():
        for hostile in names:
            uploads.append(Upload(feed, FOLDERS[feed], hostile, b"not for you\n", model.modified_at, 1))
            plan.faults.append(Fault("hostile_name", feed, hostile, "not a delivery; nothing written outside landing"))
    return uploads
