"""Vendor profiles: what a product line of EHRs takes and refuses, as data with source and date.

Held by tests/unit/test_resource_types.py.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from integration.configuration.vendors import PROFILES

# A parameter's value: a text, or several that the server joins with "or" (a list of _include is
# repeated instead).
Search = dict[str, str | list[str]]


class Quirk(BaseModel):
    """A habit that `doctor` tells of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    says: str


class Profile(BaseModel):
    """One vendor. What the CapabilityStatement also says, it decides; `wrong` lists where it is not
    to be believed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vendor: str
    title: str
    source: str
    date: date
    detect: tuple[str, ...] = ()  # parts of CapabilityStatement.software.name or publisher
    searches: dict[str, tuple[Search, ...]]
    page_size: int | None = None
    offset_paging: bool = (
        False  # knows `_offset` and `_total=accurate`: all further pages in one batch
    )
    batch: bool | None = None  # None: as the CapabilityStatement says
    client_ids: bool = False  # a PUT of an id that we choose creates
    write: tuple[str, ...] = ()  # types that may be created, where there is no CapabilityStatement
    update: tuple[str, ...] = ()
    conditional_create: bool = False
    since: dict[
        str, str
    ] = {}  # by type the date parameter that tells of changes where there is no _lastUpdated
    site_params: tuple[
        str, ...
    ] = ()  # what every search needs and only the site knows (its `search_params`)
    unadvertised: tuple[
        str, ...
    ] = ()  # `Type` or `Type.parameter` that works although the CapabilityStatement is silent
    lists_administrations: bool = True  # MedicationAdministration can be searched without a patient
    lists_patients: bool = True
    headers: dict[str, str] = {}
    token_headers: dict[str, str] = {}  # {client_id} is filled in
    # By element, as a site's own `status_words`: what this vendor means with a status.
    status_words: dict[str, dict[str, str]] = {}
    # Extensions that it wants on a Subscription: to tell of deletions, and for the secret it signs
    # notifications with.
    tells_of_deletions_by: str | None = None
    signs_with: str | None = None
    quirks: tuple[Quirk, ...] = ()


@cache
def profile(vendor: str) -> Profile:
    """The profile of that name, laid over the one it extends."""
    return Profile.model_validate(_read(vendor))


def words_of(vendor: str) -> Mapping[str, Mapping[str, str]]:
    """What a configured vendor means with its statuses; nothing where the server is to say who it
    is."""
    return {} if vendor == "auto" else profile(vendor).status_words


def detected(software: str) -> Profile:
    """The profile whose marks are in the name that a server gives itself, else the generic one."""
    for vendor in PROFILES:
        if any(mark.lower() in software.lower() for mark in profile(vendor).detect):
            return profile(vendor)
    return profile("generic")


def _read(vendor: str) -> Mapping[str, Any]:
    own = yaml.safe_load(
        (files(__package__) / "profiles" / f"{vendor}.yaml").read_text(encoding="utf-8")
    )
    below = own.pop("extends", None)
    if below is None:
        return own
    base = _read(below)
    searches = {**base["searches"], **own.get("searches", {})}
    return {**base, **own, "searches": {kind: asked for kind, asked in searches.items() if asked}}
