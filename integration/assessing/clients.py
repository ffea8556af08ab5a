"""What is known of the sites, once for the pages, CDS Hooks and the worker: policies, what servers
can do, the service's own clients.

Held by tests/contract/test_clients.py.
"""

import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from integration.configuration.settings import Settings
from integration.configuration.site import Site
from integration.ehr.capability import Capability
from integration.ehr.client import EhrClient
from integration.errors import ConfigurationError, OnlyPeopleRead
from integration.operating import metrics
from mappings import codes
from mappings.assessment import PatientAssessment
from mappings.codes import CodeTables, freshness
from mappings.codes.rows import OwnRows
from mappings.datafiles import loading
from mappings.datafiles.error import DataFileError
from mappings.decisions import Decision
from mappings.policy import choosing
from mappings.policy.choosing import PolicySet

CAPABILITY_SECONDS = 600.0  # an EHR's upgrade is noticed within ten minutes

_lock = threading.Lock()
_policies: dict[Path, tuple[dict[str, str], CodeTables | None, PolicySet]] = {}
_capabilities: dict[tuple[str, str], tuple[float, Capability]] = {}


def prepare() -> None:
    """Reads the rules, and the forms of what is kept, before threads share them: two threads that
    meet a type first at the same moment crash the process (msgspec 0.22, seen 2026-11-29)."""
    codes.built_in()
    choosing.built_in()
    freshness.freshness()
    msgspec.json.Decoder(PatientAssessment)
    msgspec.json.Decoder(OwnRows)
    msgspec.json.Decoder(Decision)


def policies_for(site: Site) -> PolicySet:
    """The built-in policies with the site's own, which may be about a code of its own tables,
    as the files are now. ConfigurationError where one of them has a mistake."""
    if site.policy_dir is None:
        return choosing.built_in()
    tables = site.facts().codes
    try:
        texts = {str(path): loading.text_of(path) for path in choosing.files_in(site.policy_dir)}
        with _lock:
            kept = _policies.get(site.policy_dir)
            if kept is None or kept[0] != texts or kept[1] is not tables:
                with codes.using(tables):
                    found = choosing.with_own(texts)
                kept = _policies[site.policy_dir] = texts, tables, found
            return kept[2]
    except DataFileError as mistake:
        raise ConfigurationError(
            f"Site {site.name}: {mistake}. Correct it; `ferroclaim policy check` says when it is"
            " right."
        ) from None


def client_for(site: Site, **parts: Any) -> EhrClient:
    """A client that knows what the site's server can do, if anybody asked a moment ago, and tells
    it to the next one."""
    return EhrClient(
        site,
        capability=_known(site),
        learned=lambda capability: _remember(site, capability),
        **parts,
    )


def _known(site: Site) -> Capability | None:
    with _lock:
        kept = _capabilities.get((site.name, site.base_url))
    return kept[1] if kept and kept[0] > time.monotonic() else None


def _remember(site: Site, capability: Capability) -> None:
    with _lock:
        _capabilities[site.name, site.base_url] = time.monotonic() + CAPABILITY_SECONDS, capability


def forget() -> None:
    """Asks every server and policy folder anew."""
    with _lock:
        _capabilities.clear()
        _policies.clear()


class Clients:
    """The service's own clients, kept between jobs. Threads share them. PATIENT: as of a
    `Transport`."""

    def __init__(self, settings: Settings, *, patient: bool = True) -> None:
        self._settings, self._patient = settings, patient
        self._lock = threading.Lock()
        self._kept: dict[str, EhrClient] = {}

    def of(self, name: str) -> tuple[EhrClient, PolicySet]:
        """The client of a site, and its policies; OnlyPeopleRead where the service has no access of
        its own."""
        site = self._settings.site(name)
        if site.only_people_read:
            raise OnlyPeopleRead(name)
        policies = policies_for(site)
        with self._lock:
            client = self._kept.get(name)
            if client is None or not client.goes_by(_known(site)):
                client = self._kept[name] = client_for(
                    site, observer=metrics.observer(name), patient=self._patient
                )
        return client, policies

    def close(self) -> None:
        with self._lock:
            for client in self._kept.values():
                client.close()
            self._kept.clear()
