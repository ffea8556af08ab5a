"""`ferroclaim doctor`: what will and will not work at a site, why, and what to do about it.

Held by tests/contract/test_ehr_doctor.py.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from integration.codes.folder import ages_of
from integration.configuration.resource_types import EVERY_LINE, WHAT_FOR
from integration.configuration.site import Site
from integration.ehr.capability import Capability
from integration.ehr.client import EhrClient
from integration.ehr.fhir.answers import Json
from integration.ehr.profile import detected
from integration.ehr.reading.patient import read_patient
from integration.ehr.transport.auth import ClientCredentials, Tokens, backend_scopes
from integration.ehr.transport.discovery import SmartConfiguration
from integration.ehr.transport.keys import Keyring, algorithm_of
from integration.ehr.writing.forms import form_for
from integration.errors import ConfigurationError, EhrError, FerroclaimError
from mappings.datafiles.error import DataFileError

Level = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class DoctorFinding:
    level: Level
    what: str
    why: str = ""
    fix: str = ""


@dataclass(frozen=True)
class DoctorReport:
    """`works`: nothing stands in the way of reading a patient."""

    site: str
    profile: str
    software: str
    findings: tuple[DoctorFinding, ...]

    @property
    def works(self) -> bool:
        return all(finding.level != "problem" for finding in self.findings)

    def also(self, findings: Iterable[DoctorFinding]) -> "DoctorReport":
        return replace(self, findings=(*self.findings, *findings))

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "works": self.works}


def examine(site: Site, patient_id: str | None = None) -> DoctorReport:
    """Asks the server; reads one patient too, where one is named. Never raises what the server or
    the network did."""
    findings: list[DoctorFinding] = []
    try:
        with EhrClient(site, tokens=Tokens()) as client:
            findings += _authorization(client)
            capability = client.capability
            findings += _software(site, client.said, patient_id)
            findings += _settings(site, capability)
            findings += [*_reading(capability), *_changes(capability), *_writing(site, capability)]
            findings += [
                DoctorFinding("note", quirk.says, f"{capability.profile.title}, {quirk.id}")
                for quirk in capability.profile.quirks
            ]
            if patient_id is not None:
                findings += _patient(client, patient_id)
            vendor, software = capability.profile.vendor, capability.software
    except FerroclaimError as error:
        findings.append(_failure("The site cannot be used", error))
        vendor, software = site.vendor, ""
    return DoctorReport(site.name, vendor, software, (*findings, *_tables(site)))


def _tables(site: Site) -> Iterator[DoctorFinding]:
    try:
        ages = ages_of(site.code_dir, datetime.now(UTC).date())
    except DataFileError as mistake:
        yield DoctorFinding(
            "problem",
            "The site's code tables can't be used",
            f"{mistake}.",
            "Run `ferroclaim codes check`",
        )
        return
    if old := [row.says for row in ages if row.stale]:
        yield DoctorFinding(
            "note",
            "Newer code tables have normally been published by now",
            "\n".join(old),
            "Import them with `ferroclaim codes import`",
        )


def _software(
    site: Site, statement: Json | None, patient_id: str | None
) -> Iterator[DoctorFinding]:
    """Without /metadata only a patient who is read shows that a FHIR server is there."""
    if statement is None:
        yield DoctorFinding(
            "problem" if patient_id is None else "note",
            "/metadata tells nothing of the server",
            "The vendor profile alone decides what is asked, and nothing shows that base_url is the"
            " address of a FHIR server.",
            "Check base_url and `vendor`, and name a patient with --patient",
        )
        return
    version = str(statement.get("fhirVersion", "unknown"))
    if not version.startswith("4."):
        yield DoctorFinding(
            "problem",
            f"The server speaks FHIR {version}",
            "ferroclaim reads R4.",
            "Use the R4 address as base_url",
        )
    name = str((statement.get("software") or {}).get("name", ""))
    seems = detected(f"{name} {statement.get('publisher', '')}").vendor
    if site.vendor not in ("auto", seems) and seems != "generic":
        yield DoctorFinding(
            "note",
            f"vendor = {site.vendor}, but the server seems to be {seems}",
            f"It calls itself {name}.",
            "Correct `vendor`",
        )


def _authorization(client: EhrClient) -> Iterator[DoctorFinding]:
    auth = client.transport.auth
    if client.site.only_people_read:
        yield DoctorFinding(
            "note",
            "Only people may read this site",
            "Charts are read and written when somebody opens them; nothing is searched or refreshed"
            " in between, and claims cannot be written.",
            "Add [auth] for more",
        )
        return
    if not isinstance(auth, ClientCredentials):
        yield DoctorFinding("note", "No authorization", "auth.method is none, as for a sandbox.")
        return
    configuration = auth.configuration()
    if client.site.auth.key_file:
        key = Keyring.load(client.site.auth.key_file).signing(client.site.auth.key_id)
        if configuration.algorithms and algorithm_of(key) not in configuration.algorithms:
            listed = ", ".join(sorted(configuration.algorithms))
            yield DoctorFinding(
                "problem",
                f"The key signs with {algorithm_of(key)}",
                f"The server accepts {listed}.",
                "Make another key with `ferroclaim keys new`",
            )
    method = client.site.auth.method
    if configuration.auth_methods and method not in configuration.auth_methods:
        listed = ", ".join(sorted(configuration.auth_methods))
        yield DoctorFinding(
            "note",
            f"The server does not list {method}",
            f"It lists {listed}.",
            "Try one of those if signing in fails",
        )
    yield from _scopes(client.site, configuration)
    auth.headers()
    yield DoctorFinding("ok", "Signed in", f"A token was given by {client.site.auth.method}.")
    if unknown := sorted(auth.keys.refused):
        yield DoctorFinding(
            "note",
            "The server does not know our newest key",
            f"It did not take {', '.join(unknown)}, and gave a token for an older one.",
            "Let it fetch the JWKS, or give it the file, before you retire a key",
        )


def _scopes(site: Site, configuration: SmartConfiguration) -> Iterator[DoctorFinding]:
    if site.auth.scopes is not None:
        return
    asked = {
        scope.removeprefix("system/").split(".")[0] for scope in backend_scopes(configuration, site)
    }
    for kind in EVERY_LINE:
        if kind not in asked:
            yield DoctorFinding(
                "problem",
                f"The server lists no scope to read {kind}",
                f"{_why(kind)} cannot be read.",
                "Name the scopes in auth.scopes if it grants them anyway",
            )


def _settings(site: Site, capability: Capability) -> Iterator[DoctorFinding]:
    for name in capability.profile.site_params:
        if name not in site.search_params:
            yield DoctorFinding(
                "problem",
                f"search_params lacks {name}",
                f"{capability.profile.title} requires it with every search.",
                f"Set search_params.{name}",
            )
    if site.time_zone is None:
        yield DoctorFinding(
            "note",
            "No time zone",
            "A dose near midnight may have no certain date of service.",
            "Set time_zone",
        )
    if not site.places:
        yield DoctorFinding(
            "note",
            "No places",
            "The place of service is known only where Locations are coded.",
            "Set places",
        )
    if site.billing_provider is None:
        yield DoctorFinding(
            "note", "No billing provider", "Claim files cannot be written.", "Set billing_provider"
        )


def _reading(capability: Capability) -> Iterator[DoctorFinding]:
    for kind, reason in WHAT_FOR.items():
        if kind in capability.searched:
            continue
        if kind == "MedicationAdministration":
            yield DoctorFinding(
                "note",
                "No MedicationAdministration",
                "Completed orders and coded procedures stand in for it; their lines are never"
                " ready on their own.",
                "A person releases them",
            )
        else:
            yield DoctorFinding(
                "problem" if kind in EVERY_LINE else "note",
                f"{kind} cannot be searched",
                f"It tells of {reason}.",
            )
    how = "in one batch" if capability.batch else "in parallel searches"
    yield DoctorFinding("ok", f"A patient is read {how}")


def _changes(capability: Capability) -> Iterator[DoctorFinding]:
    by = {
        kind: capability.since_param(kind)
        for kind in ("MedicationAdministration", "Observation", "Condition", "Coverage")
    }
    blind = [kind for kind, parameter in by.items() if parameter is None]
    other = [
        f"{kind} by {parameter}"
        for kind, parameter in by.items()
        if parameter not in (None, "_lastUpdated")
    ]
    if blind:
        yield DoctorFinding(
            "note",
            f"Changes of {', '.join(blind)} cannot be asked for",
            "The server has no _lastUpdated for them.",
            "Known patients are read again instead",
        )
    if other:
        yield DoctorFinding(
            "note",
            f"Changes are found for {', '.join(other)}",
            "Entries made late for an earlier date are missed until their patient is read again.",
        )
    if not capability.offers("Subscription", "create") or "Subscription" not in capability.types:
        yield DoctorFinding(
            "note",
            "No subscriptions",
            "The server does not offer them in FHIR.",
            "Use the sweep, or the vendor's own notifications",
        )


def _writing(site: Site, capability: Capability) -> Iterator[DoctorFinding]:
    try:
        form = form_for(capability, site.write_back)
    except ConfigurationError as error:
        yield _failure("Gaps cannot be written back as configured", error)
        return
    if form is None:
        yield DoctorFinding(
            "note",
            "Gaps are not written into the chart",
            "The server does not let us create any of the forms.",
            "They are in the worklist and on the chart page",
        )
        return
    kind = form.kind
    conditional = capability.conditional_create(kind)
    without_id = "conditional create" if conditional else "a search before each create"
    guard = "an id of our own" if capability.own_ids(kind) else without_id
    yield DoctorFinding("ok", f"Gaps are written as {kind}", f"None is written twice: {guard}.")
    if not capability.updates(kind) and not form.once_per_state:
        yield DoctorFinding(
            "problem",
            f"A {kind} cannot be updated",
            "It would stay open forever.",
            "Set write_back to another form",
        )


def _patient(client: EhrClient, patient_id: str) -> Iterator[DoctorFinding]:
    try:
        pull = read_patient(client, patient_id)
    except EhrError as error:
        yield _failure("The patient cannot be read", error)
        return
    yield DoctorFinding(
        "ok",
        f"A patient was read in {pull.requests} request{'s' if pull.requests > 1 else ''}",
        f"{len(pull.resources)} resources.",
    )
    for kind in sorted(pull.unread):
        problem = next(p["problem"] for p in pull.problems if p["resource"] == kind)
        is_odd = pull.odd is not None and problem.startswith(pull.odd.problem)
        yield DoctorFinding(
            "problem",
            f"{kind} cannot be read",
            f"{_why(kind)}: {problem}",
            pull.odd.fix if pull.odd and is_odd else _ASK,
        )


_ASK = "Ask for the scope, or see the vendor's documentation"


def _why(kind: str) -> str:
    reason = WHAT_FOR.get(kind, kind)
    return reason[0].upper() + reason[1:]


def _failure(what: str, error: FerroclaimError) -> DoctorFinding:
    if isinstance(error, EhrError):
        return DoctorFinding("problem", what, error.problem, error.fix)
    return DoctorFinding("problem", what, str(error))
