"""Xovis 3D sensors: pulling counts and health from firmware 5 (`/api/v5`) and from firmware 3 and 4 (`/api`, XML).

Five feeds share one connector: `xovis_history`, `xovis_live`, `xovis_status`, `xovis_legacy` and `xovis_document`.
Receiving pushes is not done here. What is documented, seen in practice or inferred is said where it is used; the
summary is docs/xovis.md.
"""

from collections.abc import Mapping

from orchestration.sources.contract import Connector
from orchestration.sources.xovis.settings import INTERFACES, XovisSettings


def open_feed(name: str, table: Mapping[str, object]) -> Connector | None:
    """Offer a connector for the five feed names, and for tables of other names whose `profile` is one of these."""
    own = dict(table)
    interface = str(own.pop("profile", name))
    if interface not in INTERFACES:
        return None
    # the connector brings the parsers and Arrow, which nobody needs who has no Xovis feed
    from orchestration.sources.xovis.connector import XovisConnector  # noqa: PLC0415

    return XovisConnector(name, interface, XovisSettings.model_validate(own))
