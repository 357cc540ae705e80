"""FootfallCam's pull interfaces: the counter's own API, the portal's export URL, and the account's Cube.

Four feeds share one connector: `footfallcam_device`, `footfallcam_export_api`, `footfallcam_cube` and
`footfallcam_sites`. What is documented, seen in practice or inferred is said where it is used; all in one place in
docs/footfallcam.md.
"""

from collections.abc import Mapping

from orchestration.sources.contract import Connector
from orchestration.sources.footfallcam.settings import SETTINGS


def open_feed(name: str, table: Mapping[str, object]) -> Connector | None:
    """Offer a connector for the four feed names, and for any table that names one of them as its `interface`."""
    interface = str(table.get("interface", name))
    if interface not in SETTINGS:
        return None
    # the connector brings the parsers and Arrow, which nobody needs who has no feed of these
    from orchestration.sources.footfallcam.connector import FootfallCamConnector  # noqa: PLC0415

    own = {key: value for key, value in table.items() if key != "interface"}
    return FootfallCamConnector(name, interface, SETTINGS[interface].model_validate(own))
