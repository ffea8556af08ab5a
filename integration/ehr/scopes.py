"""The SMART scopes that we ask for, in one table: for the service, for people, and for the docs.

Letters are those of SMART App Launch 2 (create, read, update, delete, search). In its first form a
scope is `.read` (rs), `.write` (cud) or `.*`.

Held by tests/unit/test_scopes.py.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from integration.configuration.site import Site

Context = Literal["system", "user"]
When = Literal["always", "written", "claims", "subscribed"]
_LETTERS = "cruds"
_V1 = {"read": "rs", "write": "cud", "*": _LETTERS}
_SCOPE = re.compile(r"(system|user|patient)/([A-Za-z]+|\*)\.([a-z]+|\*)")
# In which form a gap may be written, where the site leaves it to us.
AUTO_FORMS = ("DetectedIssue", "Task", "Communication")
FORMS = (*AUTO_FORMS, "DocumentReference")


@dataclass(frozen=True)
class Need:
    """What is done with one type of resource. `service` and `person`: what each writes with.

    `when` it is written, or read at all where it is only read: `written`: a gap in this form, or
    beside one; `claims`: claims leave; `subscribed`: the EHR is asked to tell of changes.
    """

    kind: str
    why: str
    reads: tuple[Context, ...] = ("system", "user")
    read: str = "rs"
    service: str = ""
    person: str = ""
    when: When = "always"

    def written_with(self, context: Context) -> str:
        return self.service if context == "system" else self.person


NEEDS = (
    Need("AllergyIntolerance", "intolerance of oral iron; recorded on the chart page", person="c"),
    Need("CarePlan", "dialysis, chemotherapy"),
    Need("Claim", "prior authorizations asked for"),
    Need("ClaimResponse", "prior authorizations given"),
    Need("Communication", "the gaps, where they stand so", service="cu", person="cu",
         when="written"),
    Need("Condition", "diagnoses"),
    Need("Coverage", "payers"),
    Need("DetectedIssue", "the gaps", service="cu", person="cu", when="written"),
    Need("Device", "ferroclaim, as the author of what it writes", reads=(), service="cu",
         person="cu", when="written"),
    Need("DiagnosticReport", "laboratory results"),
    Need("DocumentReference", "that a note exists; the gaps, where they stand so", service="cu",
         person="cu", when="written"),
    Need("Encounter", "setting and diagnoses of the visit"),
    Need("Location", "place of service"),
    Need("Medication", "the drug of a dose"),
    Need("MedicationAdministration", "the doses; the discarded amount is recorded on the chart"
         " page", person="u"),
    Need("MedicationDispense", "the drug that was handed out"),
    Need("MedicationRequest", "the order of a dose"),
    Need("MedicationStatement", "oral iron; its trial is recorded on the chart page", person="c"),
    Need("Observation", "laboratory results, weight"),
    Need("Organization", "payers, places"),
    Need("Patient", "age, sex, coverage number"),
    Need("Practitioner", "who stands on a claim", reads=("system",), read="r", when="claims"),
    Need("PractitionerRole", "who stands on a claim", reads=("system",), read="r", when="claims"),
    Need("Procedure", "dialysis, coded doses"),
    Need("Provenance", "who wrote a gap", reads=(), service="c", person="c", when="written"),
    Need("RelatedPerson", "the subscriber of a plan", reads=("system",), read="r", when="claims"),
    Need("ServiceRequest", "tests ordered on the chart page", reads=(), person="c"),
    Need("Subscription", "notifications", reads=("system",), service="cud", when="subscribed"),
    Need("Task", "the gaps, where they stand so", service="cu", person="cu", when="written"),
)  # fmt: skip


def wanted(context: Context, site: Site) -> list[tuple[str, str]]:
    """(type, letters) of what CONTEXT needs at SITE: reading and writing apart, since a server may
    give the one without the other."""
    forms = forms_of(site.write_back)
    found = []
    for need in NEEDS:
        applies = _applies(need, site, forms)
        if context in need.reads and (applies or need.when == "written"):
            found.append((need.kind, need.read))
        if applies and need.written_with(context):
            found.append((need.kind, need.written_with(context)))
    return found


def forms_of(write_back: str) -> tuple[str, ...]:
    """The forms in which a site's gaps may be written."""
    return {"auto": AUTO_FORMS, "worklist": ()}.get(write_back, (write_back,))


def _applies(need: Need, site: Site, forms: Sequence[str]) -> bool:
    if need.when == "written":
        return need.kind in forms if need.kind in FORMS else bool(forms)
    if need.when == "claims":
        return bool(site.receivers or site.billing_provider or site.billing_providers)
    return need.when == "always" or site.subscriptions.form != "none"


def asked(context: Context, site: Site, listed: Iterable[str], version: int) -> list[str]:
    """The scopes to ask for, in the form of VERSION (1 or 2); of a server that lists scopes of this
    context, LISTED, only such as it lists."""
    offered = _offered(context, listed)
    scopes = [
        scope
        for kind, letters in wanted(context, site)
        for scope in _fitting(context, kind, letters, offered, version)
    ]
    return sorted(set(scopes))


def version_of(capabilities: frozenset[str], listed: Iterable[str]) -> int:
    """2 where the server says `permission-v2`, or says nothing and lists such scopes; else 1
    (Q43)."""
    if capabilities & {"permission-v1", "permission-v2"}:
        return 2 if "permission-v2" in capabilities else 1
    second = (".rs", ".r", ".cruds", ".crus")
    return 2 if any(scope.endswith(second) for scope in listed) else 1


def permits(granted: Iterable[str], kind: str, letter: str) -> bool:
    """Whether a token with the scopes GRANTED may do it; where none of them is about resources, the
    server did not say."""
    about = [found for scope in granted if (found := _SCOPE.fullmatch(scope.partition("?")[0]))]
    return not about or any(
        found[2] in (kind, "*") and letter in _letters(found[3]) for found in about
    )


def _offered(context: Context, listed: Iterable[str]) -> Mapping[str, list[str]] | None:
    """The scopes of each type; None where none of CONTEXT is listed."""
    found: dict[str, list[str]] = {}
    for scope in sorted(listed):
        if (parts := _SCOPE.fullmatch(scope)) and parts[1] == context:
            found.setdefault(parts[2], []).append(scope)
    return found or None


def _fitting(
    context: Context,
    kind: str,
    letters: str,
    offered: Mapping[str, list[str]] | None,
    version: int,
) -> Iterator[str]:
    """The listed scopes that give LETTERS with the least beside them, or as many as there are."""
    named = [_named(context, kind, letters, version)]
    if offered is None or any(
        set(letters) <= set(_letters(_action(scope))) for scope in offered.get("*", ())
    ):
        yield from named
        return
    there = {scope: set(_letters(_action(scope))) for scope in offered.get(kind, ())}
    parts = [scope for scope, given in there.items() if given <= set(letters)]
    whole = [scope for scope, given in there.items() if given >= set(letters)]
    if set(named) & set(there):
        yield from named
    elif set().union(*(there[scope] for scope in parts)) == set(letters) or not whole:
        yield from parts
    else:
        yield min(whole, key=lambda scope: (len(there[scope]), scope))


def _named(context: Context, kind: str, letters: str, version: int) -> str:
    if version == 1:
        action = "read" if set(letters) <= set(_V1["read"]) else "write"
        return f"{context}/{kind}.{action}"
    return f"{context}/{kind}.{letters}"


def _action(scope: str) -> str:
    return scope.rpartition(".")[2]


def _letters(action: str) -> str:
    return _V1.get(action, action)
