"""Logins, certificates and secrets: who is asked with which password, and that none is ever written down."""

import hashlib
import logging
import ssl
from datetime import date
from urllib.parse import urlsplit

import pytest
import zstandard

from emulators.http_server import Authority
from tests.sources.xovis.conftest import PASSWORD, reasons, sensor, written_under

SATURDAY, MONDAY = date(2026, 3, 28), date(2026, 3, 30)
FEED = {"xovis_history": "restates_days = 2"}


def test_a_token_is_taken_once_and_renewed_when_it_expires(make_chain) -> None:
    chain = make_chain({"1": sensor(1)}, FEED)
    chain.ingest("xovis_history")
    assert chain.fleet.logins == 1
    again = make_chain({"1": sensor(1, token_uses=2)}, {"xovis_history": "restates_days = 2"})
    assert reasons(again.ingest("xovis_history", SATURDAY, MONDAY)) == []
    assert again.fleet.logins == 2


def test_basic_login_asks_for_no_token(make_chain) -> None:
    chain = make_chain({"1": sensor(1)}, {"xovis_history": 'restates_days = 2\nlogin = "basic"'})
    assert reasons(chain.ingest("xovis_history")) == []
    assert chain.fleet.logins == 0


def test_another_sensor_at_the_address_gets_no_password_and_gives_no_counts(make_chain) -> None:
    stranger = sensor(9)
    chain = make_chain({"1": stranger}, FEED)
    stranger.serial = "02:00:5E:00:00:77"
    result = chain.ingest("xovis_history")
    assert reasons(result) == ["other_device"]
    assert not any(seen.has_credential for seen in chain.server.requests)


def test_a_password_never_crosses_plain_http_unless_the_network_is_allowed(make_chain) -> None:
    chain = make_chain({"1": sensor(1)}, {"xovis_history": "restates_days = 1"})
    path = chain.settings.reference / "feeds.toml"
    path.write_text(path.read_text().replace("127.0.0.0/8", "10.0.0.0/8"))
    chain.__post_init__()
    assert reasons(chain.ingest("xovis_history")) == ["refused"]
    assert chain.server.requests == []


def test_an_address_with_a_password_or_an_unknown_interface_is_refused(make_chain) -> None:
    extra = "xovis,a,,S1,entrance,,,https://u:hunter2@10.0.0.1,,,\nxovis,b,,S1,entrance,,,10.0.0.1#occupancy,,,\n"
    chain = make_chain({}, FEED, extra_counters=extra)
    result = chain.ingest("xovis_history")
    assert reasons(result) == ["bad_address", "refused"]
    assert "hunter2" not in repr(result)


def test_one_sensor_may_have_a_password_of_its_own(make_chain, monkeypatch) -> None:
    door = sensor(1)
    own = f'restates_days = 0\n[feeds.xovis_history.sensors."{door.serial}"]\npassword_env = "DOOR_PASSWORD"'
    chain = make_chain({"1": door, "2": sensor(2)}, {"xovis_history": own})
    monkeypatch.setenv("DOOR_PASSWORD", PASSWORD)
    monkeypatch.setenv("XOVIS_PASSWORD", "another")
    result = chain.ingest("xovis_history")
    assert [(failure.device_id, failure.reason) for failure in result.failures] == [("02:00:5E:00:00:02", "refused")]
    assert result.kept == 1


@pytest.mark.parametrize("trust", ["ca_file", "fingerprint", "verify", "none"])
def test_a_sensor_is_trusted_by_authority_or_fingerprint_or_said_blindness(trust: str, make_chain, tmp_path) -> None:
    authority = Authority(tmp_path)
    chain = make_chain({"1": sensor(1)}, FEED, tls=authority)
    port = urlsplit(chain.server.url).port
    certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port)))
    line = {
        "ca_file": f'ca_file = "{authority.ca_file}"',
        "fingerprint": f'fingerprints = ["sha256:{hashlib.sha256(certificate).hexdigest()}"]',
        "verify": "verify = false",
        "none": f'fingerprints = ["{"0" * 64}"]',
    }[trust]
    (chain.settings.reference / "feeds.toml").write_text(
        f'[feeds.xovis_history]\nrestates_days = 2\npassword_env = "XOVIS_PASSWORD"\n{line}\n'
    )
    chain.__post_init__()
    result = chain.ingest("xovis_history")
    assert reasons(result) == (["refused"] if trust == "none" else [])
    warnings = chain.home.catalogue["xovis_history"].warnings  # type: ignore[attr-defined]
    assert bool(warnings) == (trust == "verify")
    if trust == "none":
        assert not any(seen.has_credential for seen in chain.server.requests)


def test_no_secret_is_written_anywhere(make_chain, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    chain = make_chain({"1": sensor(1), "2": sensor(2, fault="unauthorized", fault_where="history")}, FEED)
    result = chain.ingest("xovis_history")
    secrets = [PASSWORD, *(token for _, token in chain.fleet.tokens)]
    assert len(secrets) > 2
    for path, content in written_under(chain.settings.home):
        packed = content if path.suffix == ".zst" else zstandard.compress(b"")
        unpacked = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True).read()
        assert not any(secret.encode() in content + unpacked for secret in secrets), path
    assert not any(secret in caplog.text + repr(result) for secret in secrets)
