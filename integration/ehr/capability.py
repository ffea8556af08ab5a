"""What a server can do: its CapabilityStatement where it says so, its vendor's profile where it is
silent or wrong.

Held by tests/contract/test_ehr_doctor.py.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

from integration.configuration.resource_types import EVERY_LINE
from integration.configuration.site import Site
from integration.ehr.profile import Profile, detected, profile
from mappings.reading.fhir import elements


@dataclass(frozen=True)
class TypeCapability:
    """One entry of CapabilityStatement.rest.resource."""

    interactions: frozenset[str] = frozenset()
    search_params: frozenset[str] = frozenset()
    includes: frozenset[str] = frozenset()
    conditional_create: bool = False
    update_create: bool = False

    def with_(self, other: "TypeCapability") -> "TypeCapability":
        """Both together."""
        return TypeCapability(
            self.interactions | other.interactions,
            self.search_params | other.search_params,
            self.includes | other.includes,
            self.conditional_create or other.conditional_create,
            self.update_create or other.update_create,
        )


@dataclass(frozen=True)
class Capability:
    """`types` is empty where the server has said nothing."""

    profile: Profile
    software: str = ""
    fhir_version: str = ""
    types: dict[str, TypeCapability] = field(default_factory=dict)
    system: frozenset[str] = frozenset()

    @property
    def is_older_than_r4(self) -> bool:
        """DSTU1 to STU3: their elements mean something else under the same names."""
        return bool(_BEFORE_R4.match(self.fhir_version))

    def offers(self, kind: str, interaction: str = "search-type") -> bool:
        if not self.types or kind in self.profile.unadvertised:
            return True
        of_kind = self.types.get(kind)
        return of_kind is not None and (
            not of_kind.interactions or interaction in of_kind.interactions
        )

    @cached_property
    def searched(self) -> frozenset[str]:
        """What is searched here (Epic's Claim is not: it takes _id only). What every line needs is,
        where it is offered at all: a statement that lists no parameter for the patient is rather
        incomplete, and a refusal is told, while nothing asked would look like nothing there."""
        return frozenset(
            kind
            for kind in self.profile.searches
            if self.searches_by(kind, "patient")
            or self.searches_by(kind, "subject")
            or (kind in EVERY_LINE and self.offers(kind))
        )

    def searches_by(self, kind: str, parameter: str) -> bool:
        return self.offers(kind) and self.takes(kind, parameter)

    def takes(self, kind: str, parameter: str) -> bool:
        """Whether a search of KIND knows PARAMETER (modifiers aside)."""
        name = parameter.split(":", maxsplit=1)[0]
        known = self.types[kind].search_params if kind in self.types else frozenset()
        return not known or name in known or f"{kind}.{name}" in self.profile.unadvertised

    def includes(self, kind: str, wanted: str) -> bool:
        listed = self.types[kind].includes if kind in self.types else frozenset()
        return wanted in listed or "*" in listed

    @property
    def batch(self) -> bool:
        return self.profile.batch if self.profile.batch is not None else "batch" in self.system

    @property
    def transaction(self) -> bool:
        return "transaction" in self.system

    def creates(self, kind: str) -> bool:
        return (
            "create" in self.types[kind].interactions
            if kind in self.types
            else self._told(kind, self.profile.write)
        )

    def updates(self, kind: str) -> bool:
        return (
            "update" in self.types[kind].interactions
            if kind in self.types
            else self._told(kind, self.profile.update)
        )

    def conditional_create(self, kind: str) -> bool:
        return self.of(kind).conditional_create or self.profile.conditional_create

    def own_ids(self, kind: str) -> bool:
        """Whether a PUT of an id that we choose creates the resource."""
        return self.of(kind).update_create or self.profile.client_ids

    def since_param(self, kind: str) -> str | None:
        """What a search for recent changes of KIND goes by; None: the server cannot be asked that
        (Q15)."""
        if kind in self.types and "_lastUpdated" in self.types[kind].search_params:
            return "_lastUpdated"
        return self.profile.since.get(kind)

    def _told(self, kind: str, by_profile: tuple[str, ...]) -> bool:
        """The profile's word counts only while the server has said nothing."""
        return not self.types and kind in by_profile

    def of(self, kind: str) -> TypeCapability:
        return self.types.get(kind, TypeCapability())


_BEFORE_R4 = re.compile(r"[0-3]\.")
# What HAPI says of a publisher that nobody set.
_NO_PUBLISHER = "Not provided"


def read_statement(site: Site, statement: dict[str, Any] | None) -> Capability:
    """STATEMENT is what /metadata answered, or None where it answered nothing of use."""
    said = statement or {}
    statement = (
        statement if statement and statement.get("resourceType") == "CapabilityStatement" else {}
    )
    names = (elements.mapping(statement.get("software")).get("name"), statement.get("publisher"))
    software = " ".join(str(name) for name in names if name and name != _NO_PUBLISHER)
    rest = _servers(statement)
    return Capability(
        detected(software) if site.vendor == "auto" else profile(site.vendor),
        software,
        str(said.get("fhirVersion") or ""),
        _types(rest),
        frozenset(chain.from_iterable(_codes(side.get("interaction")) for side in rest)),
    )


def _types(rest: list[dict[str, Any]]) -> dict[str, TypeCapability]:
    """What is said of a type more than once, as servers with several profiles of one do, is said
    together."""
    types: dict[str, TypeCapability] = {}
    for resource in chain.from_iterable(_dicts(side.get("resource")) for side in rest):
        if isinstance(kind := resource.get("type"), str):
            said = _type(resource)
            types[kind] = types[kind].with_(said) if kind in types else said
    return types


def _type(resource: dict[str, Any]) -> TypeCapability:
    return TypeCapability(
        frozenset(_codes(resource.get("interaction"))),
        frozenset(_texts(p.get("name") for p in _dicts(resource.get("searchParam")))),
        frozenset(elements.texts(resource.get("searchInclude"))),
        resource.get("conditionalCreate") is True,
        resource.get("updateCreate") is True,
    )


def _servers(statement: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        side for side in _dicts(statement.get("rest")) if side.get("mode", "server") == "server"
    ]


def _codes(interactions: object) -> list[str]:
    return _texts(i.get("code") for i in _dicts(interactions))


def _texts(values: Iterable[object]) -> list[str]:
    return [value for value in values if isinstance(value, str) and value]


def _dicts(value: object) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []
