"""The URL that the portal's Copy button gives: taken apart once, then asked again for other days. Values only.

That `fromdate` and `todate` may be edited is documented; the address, `infoJson` and what it holds were seen in
practice (one public consumer). Everything but the two dates stays as it was pasted.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from orchestration.sources.contract import Refused
from orchestration.sources.footfallcam.values import text

INFO, TOKEN = "infoJson", "access_token"
_DATE = re.compile(r'("(?:fromdate|todate)"\s*:\s*")([^"]*)(")')
_PARTS = {  # of the portal's date and time formats
    "yyyy": "%Y", "YYYY": "%Y", "MMM": "%b", "MM": "%m", "dd": "%d", "DD": "%d",
    "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S", "tt": "%p",
}  # fmt: skip
_PART = re.compile("|".join(_PARTS))


@dataclass(frozen=True, slots=True)
class ExportUrl:
    """A pasted URL, its token apart. `scope` names what it exports, comparable and free of secrets."""

    base_url: str
    path: str
    params: tuple[tuple[str, str], ...]
    token: SecretStr
    info: str = field(repr=False)
    pattern: str
    scope: str

    def for_day(self, day: date) -> dict[str, str]:
        """Return the parameters that ask for one day, the token left out."""
        written = write_date(day, self.pattern)
        info = _DATE.sub(lambda match: match[1] + written + match[3], self.info)
        return {name: info if name == INFO else value for name, value in self.params}


def read_urls(pasted: SecretStr, date_pattern: str) -> list[ExportUrl]:
    """Read pasted URLs, one a line. Raises Refused, which never holds the text, for what is no such URL."""
    lines = [line.strip().strip("\"'") for line in pasted.get_secret_value().splitlines() if line.strip()]
    found: list[ExportUrl] = []
    for number, line in enumerate(lines, 1):
        where = f"the pasted export URL (line {number})" if len(lines) > 1 else "the pasted export URL"
        url = _read_url(line, date_pattern, where)
        if any(other.scope == url.scope for other in found):
            raise Refused(f"{where} exports the same as an earlier one: {url.scope}")
        found.append(url)
    return found


def _read_url(line: str, date_pattern: str, where: str) -> ExportUrl:
    try:
        parts = urlsplit(line)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise Refused(f"{where} cannot be read as an address with parameters") from None
    said = dict(pairs)
    if not parts.netloc or len(said) != len(pairs) or not said.get(TOKEN) or INFO not in said:
        raise Refused(f"{where} must have a host and exactly one {INFO} and one {TOKEN}")
    info = said[INFO]
    told = _object(info)
    if told is None or len(_DATE.findall(info)) != 2 or not {"fromdate", "todate"} <= told.keys():
        raise Refused(f"{where}: {INFO} is no JSON object with one fromdate and one todate")
    dates = [text(told[name]).strip() for name in ("fromdate", "todate")]
    pattern = date_pattern or _pattern(dates, text(told.get("dateformat")), where)
    if not all(_fits(pattern)(value) for value in dates):
        raise Refused(f"{where}: fromdate and todate are not written as {pattern}")
    return ExportUrl(
        base_url=f"{parts.scheme}://{parts.netloc}",
        path=parts.path,
        params=tuple((name, value) for name, value in pairs if name != TOKEN),
        token=SecretStr(said[TOKEN]),
        info=info,
        pattern=pattern,
        scope=_scope(told),
    )


def _object(info: str) -> dict[str, Any] | None:
    try:
        found = json.loads(info)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def _scope(told: dict[str, Any]) -> str:
    """Name what is exported: everything but the dates, in short."""
    what = {key: value for key, value in told.items() if key not in ("fromdate", "todate")}
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:8]
    ids = told.get("id")
    listed = [text(one) for one in cast("list[Any]", ids)] if isinstance(ids, list) else [text(ids)]
    names = "+".join(listed[:3]) + (f"+{len(listed) - 3} more" if len(listed) > 3 else "")
    return f"export {re.sub(r'[^A-Za-z0-9+ ._-]', '_', names)[:60]} {digest}"


def _pattern(dates: list[str], declared: str, where: str) -> str:
    """Find how the dates are written: as `dateformat` says where that fits, else by their shape if that is one only."""
    if declared and all(_fits(declared)(value) for value in dates):
        return declared
    separator = next((mark for mark in "/-." if mark in dates[0]), "")
    known = (f"yyyy{separator}MM{separator}dd", f"dd{separator}MM{separator}yyyy", f"MM{separator}dd{separator}yyyy")
    fitting = [pattern for pattern in known if all(_fits(pattern)(value) for value in dates)]
    if len(fitting) == 1:
        return fitting[0]
    problem = "can be read in two ways" if fitting else "are written in an unknown way"
    raise Refused(f"{where}: fromdate and todate {problem}; say how with date_pattern, such as dd/MM/yyyy")


def strptime_of(pattern: str) -> str:
    """Turn `dd/MM/yyyy` into `%d/%m/%Y`, and `HH:mm:ss` into `%H:%M:%S`."""
    return _PART.sub(lambda match: _PARTS[match.group()], pattern.replace("%", "%%"))


def write_date(day: date, pattern: str) -> str:
    """Write a date in a pattern such as `dd/MM/yyyy`."""
    return day.strftime(strptime_of(pattern))


def _fits(pattern: str) -> Callable[[str], bool]:
    def fits(value: str) -> bool:
        try:
            found = datetime.strptime(value, strptime_of(pattern)).date()  # noqa: DTZ007 - a calendar day
        except ValueError:
            return False
        return write_date(found, pattern) == value

    return fits


def row_formats(name: str) -> tuple[str, ...]:
    """List how the rows of an answer may write their times: as its request asked for (`dateformat`, `timeformat`)."""
    said = dict(parse_qsl(urlsplit(name).query, keep_blank_values=True))
    told = _object(said.get(INFO, "")) or {}
    declared = text(told.get("dateformat"))
    if not declared:
        return ()
    day, clock = strptime_of(declared), strptime_of(text(told.get("timeformat")) or "HH:mm:ss")
    return (f"{day} {clock}", f"{day} %H:%M", day)
