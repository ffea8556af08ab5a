"""The clients of all sites, kept between jobs, with what was learned of each server."""

import threading
import time

from integration.assessing.patient import policies_of
from integration.configuration.settings import Settings
from integration.ehr.client import EhrClient
from integration.operating import metrics
from mappings.policy.choosing import PolicySet

GOOD_FOR_SECONDS = 3600.0  # an EHR's upgrade, a changed policy file: noticed within the hour


class Clients:
    """Threads share them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, EhrClient, PolicySet]] = {}

    def of(self, site: str) -> tuple[EhrClient, PolicySet]:
        """The client of a site, and its policies."""
        with self._lock:
            made, client, policies = self._kept.get(site, (0.0, None, None))
            if client is None or policies is None or time.monotonic() - made > GOOD_FOR_SECONDS:
                configured = self._settings.site(site)
                client, policies = (
                    EhrClient(configured, observer=metrics.observer(site)),
                    policies_of(configured),
                )
                self._kept[site] = (time.monotonic(), client, policies)
            return client, policies

    def close(self) -> None:
        with self._lock:
            for _, client, _ in self._kept.values():
                client.close()
            self._kept.clear()
