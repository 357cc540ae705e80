"""Firmware 3 and 4: XML documents and the JSON live call, element names as in public captures of software 4.3.1."""

import json
from datetime import timedelta
from xml.sax.saxutils import escape, quoteattr

from emulators.xovis.firmware5 import offset_text
from emulators.xovis.sensors import MINUTE, EmulatedSensor

OCCUPANCY = 3


def _time(sensor: EmulatedSensor) -> str:
    local = (sensor.clock + sensor.zone_offset).replace(tzinfo=None)
    return local.isoformat(timespec="seconds") + offset_text(sensor.zone_offset)


def _status(sensor: EmulatedSensor) -> str:
    return "ERROR" if sensor.fault == "not_ok" else "OK"


def count_data(sensor: EmulatedSensor) -> bytes:
    """Write `/api/count-data`: cumulative counts; two prefixes for one namespace, as captured."""
    lines = "".join(
        f'<ns2:line name={quoteattr(logic.name)} id="{logic.id}" sensor-type="SINGLE_SENSOR">'
        f"<fw-count>{forward}</fw-count><bw-count>{backward}</bw-count></ns2:line>"
        for logic in sensor.logics
        for forward, backward in [sensor.cumulative(logic)]
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ns2:count-data xmlns:ns2="http://www.xovis.com/count-data" xmlns:ns3="http://www.xovis.com/count-data">'
        f"<ns2:count-items><ns2:lines>{lines}</ns2:lines></ns2:count-items>"
        f"<ns2:sensor-time>{_time(sensor)}</ns2:sensor-time>"
        f"<ns2:request-status><ns3:status>{_status(sensor)}</ns3:status></ns2:request-status></ns2:count-data>"
    ).encode()


def live_json(sensor: EmulatedSensor) -> bytes:
    """Write `/api/data/live?format=json`: lines and one zone."""

    def element(key: int, name: str, kind: str, **values: int) -> dict[str, object]:
        said = [{"value": value, "label": label} for label, value in values.items()]
        live_data = {"time": _time(sensor), "value": said}
        head = {"element-id": key, "element-name": name, "sensor-type": "SINGLE_SENSOR", "data-type": kind}
        return {**head, "live-data": live_data}

    counts = [(logic, *sensor.cumulative(logic)) for logic in sensor.logics]
    elements = [element(logic.id, logic.name, "LINE", fw=forward, bw=backward) for logic, forward, backward in counts]
    zone = element(90, "Zone_01", "ZONE", count=OCCUPANCY)
    body = {
        "sensor-time": {"timezone": sensor.zone, "time": _time(sensor)},
        "status": {"code": _status(sensor)},
        "content": {"element": [*elements, zone]},
    }
    return json.dumps(body).encode()


def alive(sensor: EmulatedSensor) -> bytes:
    """Write `/api/info/alive`."""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        '<response xmlns:ns2="http://www.xovis.com/common-types" xmlns:ns3="http://www.xovis.com/count-data">'
        f"<sensor-time>{_time(sensor)}</sensor-time>"
        f"<request-status><ns2:status>{_status(sensor)}</ns2:status></request-status></response>"
    ).encode()


def sensor_status(sensor: EmulatedSensor) -> bytes:
    """Write `/api/info/sensor-status`; uptime in milliseconds."""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        '<ns2:sensor-status xmlns:ns2="http://www.xovis.com/sensor-status" xmlns="http://www.xovis.com/sensor-status">'
        f"<ns2:request-status><status>{_status(sensor)}</status></ns2:request-status>"
        f"<ns2:sensor-time>{_time(sensor)}</ns2:sensor-time>"
        f"<ns2:uptime>{int(sensor.uptime_seconds * 1000)}</ns2:uptime>"
        f'<ns2:versions><version type="HW">5</version>'
        f'<version type="SW">{escape(sensor.firmware)}</version></ns2:versions>'
        f"<ns2:sensor><ns2:serial-number>{sensor.serial}</ns2:serial-number><ns2:name>S01</ns2:name>"
        '<ns2:device-type class="COUNTER_2_S">PC2S</ns2:device-type></ns2:sensor>'
        "<ns2:illumination><sufficientIllumination>true</sufficientIllumination></ns2:illumination>"
        "<ns2:configuration><hash>4928</hash><last-modified>2020-05-05T12:22:10+02:00</last-modified></ns2:configuration>"
        f"<ns2:operation><mode>tracking</mode><framenumber>{sensor.frames}</framenumber>"
        f'<timezone offset="+0000">{sensor.zone}</timezone></ns2:operation>'
        "<ns2:ntp-status><active>true</active><is-critical>false</is-critical></ns2:ntp-status>"
        "<ns2:remotes><remote><server>support:443</server><established>true</established></remote></ns2:remotes>"
        "</ns2:sensor-status>"
    ).encode()


def persistence(sensor: EmulatedSensor) -> bytes:
    """Write `/api/info/persistence`: what is stored per line."""
    last = (sensor.clock - MINUTE).replace(second=0, microsecond=0)
    first = last - timedelta(days=9)
    lines = "".join(
        f"<count-line><name>{escape(logic.name)}</name><id>{logic.id}</id>"
        f"<first-entry>{first.isoformat()}</first-entry><last-entry>{last.isoformat()}</last-entry>"
        "<entry-count>9</entry-count></count-line>"
        for logic in sensor.logics
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        '<persistence-info xmlns:ns2="http://www.xovis.com/common-types" xmlns="http://www.xovis.com/common">'
        f"<sensor-time>{_time(sensor)}</sensor-time>"
        f"<request-status><ns2:status>{_status(sensor)}</ns2:status></request-status>"
        f"<count-line-storage><capacity>100</capacity><count-lines>{lines}</count-lines></count-line-storage>"
        "</persistence-info>"
    ).encode()


def status(sensor: EmulatedSensor) -> bytes:
    """Write `/api/info/status` as from software 3.5.3 on."""
    at = (sensor.clock - MINUTE).isoformat(timespec="seconds")
    return (
        '<?xml version="1.0" encoding="UTF-8"?><status>'
        f"<sensor-time>{_time(sensor)}</sensor-time><request-status><status>{_status(sensor)}</status></request-status>"
        f'<data-push-agents><push-agent id="1"><last-successful>{at}</last-successful></push-agent></data-push-agents>'
        "</status>"
    ).encode()


DOCUMENTS = {
    "count-data": count_data,
    "info/alive": alive,
    "info/sensor-status": sensor_status,
    "info/persistence": persistence,
    "info/status": status,
}
