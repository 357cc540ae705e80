"""Addresses without their secrets, in our own texts and in what the HTTP libraries log."""

import json
import logging
import re
from typing import Any, cast
from urllib.parse import quote, unquote_plus, urlsplit

HIDDEN = "***"
_SECRET = r"token|passw|passphrase|pwd|secret|api_?-?key|^key$|^auth|signature|credential|session"  # noqa: S105
_SECRET_NAME = re.compile(_SECRET, re.IGNORECASE)
_UNREADABLE = "(an address that cannot be read)"


def masked(url: str) -> str:
    """Return an address whose user, password and secret parameters read `***`, also inside a parameter that is JSON."""
    try:
        parts = urlsplit(str(url))
        _ = parts.port
    except ValueError:
        return _UNREADABLE
    user, at, host = parts.netloc.rpartition("@")
    return parts._replace(
        netloc=f"{HIDDEN if user else ''}{at}{host}",
        query=_masked_query(parts.query),
        fragment=_masked_query(parts.fragment),
    ).geturl()


def _masked_query(query: str) -> str:
    return "&".join(_masked_pair(pair) for pair in query.split("&"))


def _masked_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    if _SECRET_NAME.search(unquote_plus(name)):
        return f"{name}{equals}{HIDDEN}" if equals else pair
    said = unquote_plus(value)
    if not said.lstrip().startswith(("{", "[", "%")) and not re.search(r"://|[{&;]", said):
        return pair
    try:
        hidden = json.dumps(_hidden(json.loads(said)), separators=(",", ":"))
    except (ValueError, RecursionError):  # not JSON after all: hide it whole if it could hold a secret
        return f"{name}{equals}{HIDDEN}" if re.search(_SECRET.replace("^", r"\b"), said, re.IGNORECASE) else pair
    return f"{name}{equals}{quote(hidden, safe='*')}"


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {key: HIDDEN if _SECRET_NAME.search(key) else _hidden(item) for key, item in pairs}
    return [_hidden(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


class _MaskAddresses(logging.Filter):
    """httpx logs every address it asks, at level INFO."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(masked(str(arg)) if "://" in str(arg) else arg for arg in record.args)
        return True


class _Silence(logging.Filter):
    """httpcore logs headers as they arrive, at level DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        del record
        return False


_FILTERS = {
    "httpx": _MaskAddresses(),
    **dict.fromkeys(("httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy"), _Silence()),
}


def mask_logs() -> None:
    """Keep secrets out of the HTTP libraries' own logs, whatever level somebody sets."""
    for name, chosen in _FILTERS.items():
        logging.getLogger(name).addFilter(chosen)  # adding it twice is adding it once
