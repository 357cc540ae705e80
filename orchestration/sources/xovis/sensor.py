"""One sensor during one fetch: whom it trusts, how it is logged in to, and what an answer that is no data means.

Only GET questions and the two documented logins exist here; nothing that resets, deletes or configures is ever asked.
"""

import asyncio
import hashlib
import ssl
from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from orchestration.sources.contract import Refused, SourceError, Unreachable, Unreadable
from orchestration.sources.http import Answer, Credential, HttpClient, Retry, Site, read_json
from orchestration.sources.xovis.address import Target, serial_in
from orchestration.sources.xovis.settings import XovisSettings
from orchestration.sources.xovis.values import as_object, text

_KEPT = (401, 403, 404)  # statuses that mean something here, and that the client hands over instead of raising


class NoData(SourceError):
    """An answer that is no data, with its own stable reason; the sensor's other answers may still be."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class OtherDevice(Refused):
    """Another sensor answers at this address: its people belong to another branch. A person must mend counters.csv."""

    reason = "other_device"


@dataclass(frozen=True, slots=True)
class Login:
    """How one sensor is logged in to; the password resolved."""

    user: str
    password: SecretStr | None
    kind: Literal["basic", "token", "none"]


class SensorClient(HttpClient):
    """The client with the three ways to trust a sensor's own certificate: ca_file, fingerprints, or anything."""

    settings: XovisSettings

    def __init__(self, settings: XovisSettings, retry: Retry) -> None:
        super().__init__(settings, retry)

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """The certificates to trust. With fingerprints it begins empty; `pin` adds each certificate that has one."""
        if self.settings.verify and not self.settings.fingerprints:
            return HttpClient.trust.func(self)  # type: ignore[attr-defined]
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trust.check_hostname = False
        if not self.settings.verify:
            trust.verify_mode = ssl.CERT_NONE
        else:
            trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return trust

    async def pin(self, base_url: str) -> None:
        """Look at the certificate shown at an address and trust it if its fingerprint is listed. Raises Refused."""
        parts = urlsplit(base_url)
        if not self.settings.fingerprints or parts.scheme != "https":
            return
        where, timeout = (parts.hostname or "", parts.port or 443), self.settings.connect_timeout_seconds
        try:
            shown = await asyncio.to_thread(ssl.get_server_certificate, where, timeout=timeout)
        except OSError as error:
            raise Unreachable(f"{where[0]}:{where[1]}: no certificate ({type(error).__name__})") from None
        found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()
        if found not in self.settings.fingerprints:
            raise Refused(f"{where[0]}:{where[1]}: its certificate has the fingerprint {found}, which is not listed")
        self.trust.load_verify_locations(cadata=shown)


class Sensor:
    """One sensor, to be asked by one job. Raises SourceError with a stable reason for whatever is no data."""

    def __init__(self, client: SensorClient, target: Target, login: Login) -> None:
        self._client = client
        self._login = login
        self.target = target
        self._open: Site | None = None
        self._public: Site | None = None

    @property
    def base_url(self) -> str:
        """Where it is."""
        return self.target.address.base_url

    async def prove(self) -> None:
        """Check before any password is sent that this is the sensor counters.csv means. Raises OtherDevice.

        Only where `device_id` begins with a serial number (a MAC); `device/info` needs no login (documented).
        """
        await self._client.pin(self.base_url)
        if not (self._client.settings.check_serial and self.target.serial and self.target.address.is_v5):
            return
        try:
            body = as_object(_json(await self.public("api/v5/device/info"))) or {}
        except NoData as error:
            if error.reason != "not_found":
                raise
            return  # a firmware that does not tell
        found = serial_in(text(body.get("serial")))
        if found and found != self.target.serial:
            said = text(body.get("serial"))[:40]
            raise OtherDevice(f"{self.base_url} is the sensor {said}, not {self.target.device_id}")

    async def public(self, path: str) -> bytes:
        """Ask what needs no login."""
        if self._public is None:
            self._public = self._client.site(self.base_url)
        return _data(await self._public.ask(path, handles=_KEPT))

    async def get(self, path: str, params: dict[str, str | int] | None = None, *, is_xml: bool = False) -> bytes:
        """Ask with the login; a token that has expired is renewed once."""
        for is_last in (False, True):
            if self._open is None:
                self._open = await self._logged_in()
            headers = {"Accept": "text/xml" if is_xml else "application/json"}
            answer = await self._open.ask(path, params, headers=headers, handles=_KEPT)
            if answer.status != 401 or self._login.kind != "token" or is_last:
                return _data(answer)
            self._open = None
        raise AssertionError("the second round returns or raises")

    async def _logged_in(self) -> Site:
        login = self._login
        if login.kind == "none":
            return self._client.site(self.base_url)
        basic = self._client.site(self.base_url, Credential.basic(login.user, login.password))
        if login.kind == "basic":
            return basic
        token = await self._token(basic)
        return self._client.site(self.base_url, Credential.token(SecretStr(token)))

    async def _token(self, basic: Site) -> str:
        """Log in: firmware 5 answers `{token, valid_for, max_unused_for}` (documented), older the bare token (seen)."""
        if not self.target.address.is_v5:
            content = _data(await basic.ask("api/auth/token", handles=_KEPT))
            return content.decode("utf-8", "replace").strip()
        content = _data(await basic.ask("api/v5/users/login", method="POST", handles=_KEPT))
        token = text((as_object(_json(content)) or {}).get("token"))
        if not token:
            raise NoData("no_token", f"{self.base_url}: the login's answer holds no token")
        return token


def _json(content: bytes) -> object:
    try:
        return read_json(content)
    except Unreadable as error:
        raise NoData(error.reason, str(error)) from error


def _data(answer: Answer) -> bytes:
    """Return the body of an answer that may be data. Raises Refused and NoData.

    403 with a web page means, on firmware 5, that the model or the privacy mode does not have the path (reported by
    one client's authors), so it refuses nobody's password.
    """
    is_page = answer.content[:512].lstrip().lower().startswith((b"<!doctype html", b"<html"))
    if answer.status == 401:
        raise Refused(f"{answer.name}: HTTP 401, user and password or token were not accepted")
    if answer.status == 403:
        if is_page:
            raise NoData("html_403", f"{answer.name}: HTTP 403 as a web page: not on this model, or by privacy mode")
        raise Refused(f"{answer.name}: HTTP 403, this user may not read it")
    if answer.status == 404:
        raise NoData("not_found", f"{answer.name}: HTTP 404")
    if is_page:
        raise NoData("html_answer", f"{answer.name}: a web page came instead of data")
    if not answer.content.strip():
        raise NoData("empty_body", f"{answer.name}: HTTP {answer.status} without content")
    return answer.content
