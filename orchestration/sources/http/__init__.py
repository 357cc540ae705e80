"""What vendors' HTTP interfaces share: settings, one client with one retry policy, and secrets that stay put.

A credential belongs to one origin and is never sent anywhere else: redirects and links are not followed, and plain
http is refused unless the feed's table allows that host. What an answer means is the vendor module's business.
"""

from orchestration.sources.http.answers import Answer, Faulty, NoConnection, TooLarge, Unexpected, mismatch, read_json
from orchestration.sources.http.client import RETRY, HttpClient, Retry, Site
from orchestration.sources.http.masking import masked
from orchestration.sources.http.settings import Credential, HttpSettings

__all__ = [
    "RETRY",
    "Answer",
    "Credential",
    "Faulty",
    "HttpClient",
    "HttpSettings",
    "NoConnection",
    "Retry",
    "Site",
    "TooLarge",
    "Unexpected",
    "masked",
    "mismatch",
    "read_json",
]
