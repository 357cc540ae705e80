"""Asking the portal's export for one business day after the other, by the URLs that were pasted.

Seen in practice (one public consumer): GET, parameters `infoJson` and `access_token`, JSON with rows under `Data`. How
rows are read is export_reading.py's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial

from orchestration.sources.contract import Asked, Channel, Failure, Payload, Refused, SourceError, Unreadable
from orchestration.sources.footfallcam.days import business_days
from orchestration.sources.footfallcam.device import Echoed
from orchestration.sources.footfallcam.export_url import TOKEN, ExportUrl, read_urls
from orchestration.sources.footfallcam.settings import SOURCE, ExportSettings
from orchestration.sources.footfallcam.tokens import holds
from orchestration.sources.footfallcam.values import error_in
from orchestration.sources.http import Answer, Credential, HttpClient, Retry, Site, read_json


@dataclass(frozen=True, slots=True)
class ExportFetch:
    """A fetch of all pasted URLs of one feed."""

    feed: str
    settings: ExportSettings
    asked: Asked
    retry: Retry

    def __call__(self) -> Iterator[Payload | Failure]:
        """Yield a payload per URL and business day. Raises Refused when no URL is let in, or one is none."""
        pasted = self.asked.secret(self.settings.url_env, self.settings.url_file)
        urls = read_urls(pasted, self.settings.date_pattern) if pasted else []
        if not urls:
            raise Refused("the pasted export URL, named in the feed's table, is empty")
        client = HttpClient(self.settings.resolved(self.asked.home), self.retry)
        sites = [client.site(url.base_url, Credential.parameter(TOKEN, url.token)) for url in urls]
        days = list(business_days(self.settings, self.asked))
        refused: dict[str, Refused] = {}
        jobs = (
            partial(self._ask, url, site, day, refused) for day in days for url, site in zip(urls, sites, strict=True)
        )
        for found in client.completed(jobs):
            if found is not None:
                yield found
        if refused and len(refused) == len(urls):
            raise next(iter(refused.values()))
        for scope, error in refused.items():
            yield Failure(self.feed, error.reason, str(error), scope)

    async def _ask(
        self, url: ExportUrl, site: Site, day: date, refused: dict[str, Refused]
    ) -> Payload | Failure | None:
        if url.scope in refused:
            return None
        try:
            answer = await site.ask(url.path, url.for_day(day))
            _refuse_errors(answer)
            if holds(answer.content, url.token):
                raise Echoed(f"{answer.name}: the answer repeats the token, so it is not kept")
        except Refused as error:
            refused.setdefault(url.scope, error)
            return None
        except SourceError as error:
            return Failure(self.feed, error.reason, str(error), url.scope, business_date=day)
        is_report = self.settings.is_branch_report
        return Payload(
            feed=self.feed,
            source=SOURCE,
            name=answer.name,
            content=answer.content,
            received_at=self.asked.now(),
            channel=Channel.API,
            # a report of sites is no counter's delivery: it must not vouch for counters, nor blame them
            device_id=url.scope if is_report else "",
            line_id="" if is_report else url.scope,
            business_date=day,
        )


def _refuse_errors(answer: Answer) -> None:
    """Raise Refused for status 200 with `error` and `message` (those keys were seen at the vendor's token address)."""
    if answer.status == 404:
        raise Refused(f"{answer.name}: HTTP 404, the pasted URL is not an address of the export")
    try:
        said = error_in(read_json(answer.content))
    except Unreadable:
        return  # kept as it came; parsing says what is wrong
    if said:
        raise Refused(f"{answer.name}: {said}")
