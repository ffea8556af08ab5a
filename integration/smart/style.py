"""smart_style_url: the EHR's colors, so that the page sits well in its frame. Colors only, from
the EHR's own servers only.

Held by tests/contract/test_launch.py.
"""

import re
import time
from urllib.parse import urlsplit

from integration.ehr.transport.discovery import json_object, plain_request
from integration.errors import FerroclaimError
from integration.smart.server import Client

COLOR = re.compile(r"^#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")
# Of the style's keys (SMART App Launch 2.2, "smart_style_url") those that a page of ours has a
# place for.
PLACES = {
    "color_background": "--ground",
    "color_modal_background": "--paper",
    "color_text": "--ink",
    "color_accent": "--accent",
    "color_error": "--alarm",
    "color_success": "--ready",
}
KEPT_SECONDS = 3600
_kept: dict[str, tuple[float, str]] = {}


def css(client: Client, url: str) -> str:
    """Custom properties for our stylesheet; nothing where the style is not to be had: the page does
    without."""
    kept = _kept.get(url)
    if kept is None or kept[0] < time.monotonic():
        if len(_kept) > 100:
            _kept.clear()
        kept = (time.monotonic() + KEPT_SECONDS, _fetched(client, url))
        _kept[url] = kept
    return kept[1]


def _fetched(client: Client, url: str) -> str:
    if not _of_the_ehr(client, url):
        return ""
    try:
        response = plain_request(client.site, "GET", url, headers={"Accept": "application/json"})
    except FerroclaimError:
        return ""
    said = json_object(response) if response.status == 200 and len(response.body) < 65536 else None
    values = [(place, said.get(key)) for key, place in PLACES.items()] if said else []
    lines = [
        f"{place}: {value};"
        for place, value in values
        if isinstance(value, str) and COLOR.match(value)
    ]
    return (
        f"@media (prefers-color-scheme: light) {{ :root {{ {' '.join(lines)} }} }}\n"
        if lines
        else ""
    )


def _of_the_ehr(client: Client, url: str) -> bool:
    """Of the FHIR server's origin, or of one in whose frames we stand."""
    origins = [client.site.base_url, *client.app.frame_ancestors]
    return urlsplit(url)[:2] in [urlsplit(origin)[:2] for origin in origins]
