"""The one reading of everything: a few elements of each resource, of the rest only that it is JSON.

Only what is provably none of ours is passed over; whatever is odd goes to the careful reader, whose
answers are those of an assessment.
"""

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from integration.assessing.files import CUT_OFF, MANIFEST, is_fhir
from integration.assessing.unpacking import DAMAGED, NotRead
from integration.bulk.surveying import names
from integration.bulk.surveying.index import Facts, Index
from integration.bulk.surveying.sources import Range, lines
from mappings.reading import Collection, NotJson, of_line
from mappings.reading.fhir import elements
from mappings.reading.fhir.collection import SHARED, SUBJECT, Contents
from mappings.reading.fhir.decoding import decode
from mappings.reading.fhir.elements import Resource
from mappings.reading.sifting.screening import NAMING, Aim, Screen, Verdict
from mappings.reading.unopened.resources import is_plain
from mappings.site import Site

Part = Raw | UnsetType


class _Reference(Struct, gc=False):
    reference: str | None = None


class _Head(Struct, rename={"kind": "resourceType"}):
    """Whose it is, under the three names that FHIR has for it, and what names a drug."""

    kind: str
    id: str
    subject: _Reference | None = None
    patient: _Reference | None = None
    beneficiary: _Reference | None = None
    link: Part = UNSET
    medicationCodeableConcept: Part = UNSET  # noqa: N815 - as FHIR writes it
    medicationReference: Part = UNSET  # noqa: N815
    medication: Part = UNSET
    contained: Part = UNSET


_heads = msgspec.json.Decoder(_Head)
# Read whole: what they say decides about administrations of others, or who is whom.
_WHOLE = frozenset({"Medication"})
_OPENED = frozenset({"Bundle", "Parameters", "OperationOutcome"})
_ADMINISTRATION = "MedicationAdministration"


class Surveyor:
    """For one site; keep it for many ranges, it remembers the medications it has seen."""

    def __init__(self, site: Site) -> None:
        self._screen = Screen(site)

    def survey(self, range_: Range) -> tuple[Index, Facts]:
        reading = _Reading(self._screen, range_)
        reading.read()
        return reading.index, reading.facts


class _Reading:
    def __init__(self, screen: Screen, range_: Range) -> None:
        self._screen, self._range = screen, range_
        self.index, self.facts = Index(), Facts()
        self._ours: set[int] = set()
        self._counts = dict.fromkeys(names.KINDS, 0)

    def read(self) -> None:
        try:
            for place, line in lines(self._range):
                self.facts.lines += 1
                if not (is_plain(line) and self._take_plainly(place, line)):
                    self._take_carefully(place, line)
        except NotRead as problem:
            self._note(self._range.file, str(problem))
        except DAMAGED:
            self._note(self._range.file, CUT_OFF)
        self.facts.ours = sorted(self._ours)
        self.facts.counts = {kind: count for kind, count in self._counts.items() if count}

    def _take_plainly(self, place: int, line: bytes) -> bool:
        """A resource in the form that nearly all have; False, and nothing is done, otherwise."""
        try:
            head = _heads.decode(line)
        except (msgspec.DecodeError, RecursionError):
            return False
        kind = head.kind
        code = names.CODES.get(kind)
        if not code:
            self._counts[""] += 1
            self.facts.taken += 1
            return kind not in _OPENED
        if not head.id or kind in _WHOLE or head.link is not UNSET:
            return False
        if kind in SHARED:
            owner = names.handle_of_id(head.id) if kind == "Patient" else 0
        else:
            whose: _Reference | None = getattr(head, SUBJECT[kind])
            if whose is None or not whose.reference or "/" not in whose.reference:
                return False
            owner = names.handle(whose.reference)
        self._counts[kind] += 1
        self.facts.taken += 1
        self.index.add(place, code, names.key(kind, head.id), owner)
        if kind == _ADMINISTRATION:
            self._judge_head(head, line, owner)
        return True

    def _judge_head(self, head: _Head, line: bytes, owner: int) -> None:
        parts: list[Part] = [getattr(head, name) for name in NAMING]
        words = tuple(b"" if part is UNSET else bytes(part) for part in parts)

        def naming() -> Resource:
            said = zip(NAMING, words, strict=True)
            return {name: decode(word) for name, word in said if word}

        verdict = self._screen.kept(words, naming)
        if verdict is None:
            verdict = self._screen.administration(decode(line))
        self._judged(verdict, owner)

    def _judged(self, verdict: Verdict, owner: int) -> None:
        if verdict == "ours":
            self._ours.add(owner)
        elif isinstance(verdict, Aim):
            aim = _aim(verdict.reference)
            if aim is None:
                self._ours.add(owner)
            else:
                self.index.aim(owner, *aim)

    def _take_carefully(self, place: int, line: bytes) -> None:
        where = self._where()
        try:
            if line.strip():
                self._open(place, line, where)
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as problem:
            self._note(where, f"could not be read ({type(problem).__name__})")

    def _open(self, place: int, line: bytes, where: str) -> None:
        row = of_line(line)
        if isinstance(row, dict) and row.keys() >= MANIFEST:
            return
        if isinstance(row, NotJson) or not is_fhir(row):
            self._note(where, self._why(row))
            return
        self.facts.taken += 1
        collection = Collection()
        collection.add(row, where)
        self._add(place, collection.contents())

    def _where(self) -> str:
        if self._range.form == "document":
            return self._range.file
        return f"line \0{self.facts.lines}\0 of {self._range.file}"

    def _why(self, row: object) -> str:
        whole = self._range.form == "document"
        if isinstance(row, NotJson):
            return f"is not JSON: {row}" if whole else f"not JSON: {row}"
        return "is JSON, but not a FHIR Bundle or resource" if whole else "not a FHIR resource"

    def _add(self, place: int, contents: Contents) -> None:
        for rows in contents.resources.values():
            for resource in rows:
                self._add_resource(place, resource, contents)
        for address, key in contents.addresses.items():
            kind, _, identity = key.partition("/")
            if kind == "Patient":
                self.facts.same.append((names.handle(address), names.handle_of_id(identity)))
            # Under its address, too, a resource may be asked for.
            self.index.add(place, names.CODES[kind], names.name(address), 0)
            if kind != "Medication" and address.startswith("urn:"):
                self.facts.medications.append((names.exactly(address), 0))
        self.facts.bases += contents.bases
        self.facts.deletions += contents.deletions
        self.facts.pages += contents.pages
        for problem in contents.problems:
            self._note(problem.resource, problem.problem)

    def _add_resource(self, place: int, resource: Resource, contents: Contents) -> None:
        kind, identity = resource["resourceType"], resource["id"]
        key, owner = f"{kind}/{identity}", 0
        self._counts[kind] += 1
        if kind == "Patient":
            owner = names.handle_of_id(identity)
            self._linked(owner, resource)
        elif kind in SUBJECT:
            owner = self._owner(key, resource)
        self.index.add(place, names.CODES[kind], names.key(kind, identity), owner)
        if kind == _ADMINISTRATION and owner:
            self._judged(self._screen.administration(resource), owner)
        elif kind == "Medication":
            self._medication(key, resource, contents)

    def _owner(self, key: str, resource: Resource) -> int:
        """Of whom it is; 0, and named, where it says nothing that could be a patient."""
        element = SUBJECT[resource["resourceType"]]
        said = resource.get(element)
        reference = elements.text(said.get("reference") if isinstance(said, dict) else said)
        if reference and not reference.startswith("#"):
            if "/" not in reference and ":" not in reference:
                self._note(key, f"{element} does not name a patient")
            return names.handle(reference)
        self._note(key, f"{element} does not name a patient")
        return 0

    def _linked(self, owner: int, patient: Resource) -> None:
        for link in elements.items(patient.get("link")):
            other = link.get("other")
            said = other.get("reference") if isinstance(other, dict) else other
            if isinstance(said, str):
                self.facts.same.append((owner, names.handle(said)))

    def _medication(self, key: str, resource: Resource, contents: Contents) -> None:
        content = 0
        if self._screen.is_none(resource):
            content = names.exactly(repr(sorted(resource.items(), key=lambda item: item[0])))
        called = [key, *(name for name, target in contents.addresses.items() if target == key)]
        self.facts.medications += [(names.exactly(name), content) for name in called]

    def _note(self, resource: str, problem: str) -> None:
        self.facts.problems.append((resource, problem))


def _aim(reference: str) -> tuple[int, int] | None:
    """The Medication that a reference names, and the number of its address (0: none is given); None
    where it can't be followed here."""
    if not reference or "/_history/" in reference:
        return None
    if "://" not in reference:
        return names.exactly(reference), 0
    base, _, identity = reference.rpartition("/")
    base, _, kind = base.rpartition("/")
    return names.exactly(f"{kind}/{identity}"), names.exactly(base)
