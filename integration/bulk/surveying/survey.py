"""The one reading of everything: a few elements of each resource, of the rest only that it is JSON.

Only what is provably none of ours is passed over; whatever is odd goes to the careful reader, whose
answers are those of an assessment.

Held by tests/unit/test_bulk.py.
"""

from operator import attrgetter

import msgspec
from msgspec import UNSET, Struct

from integration.assessing.files import CUT_OFF, MANIFEST, is_fhir
from integration.assessing.unpacking import DAMAGED, NotRead
from integration.bulk.surveying import names
from integration.bulk.surveying.index import Index, RangeFacts
from integration.bulk.surveying.names import Forms
from integration.bulk.surveying.sources import Range, blocks
from integration.bulk.surveying.usual import (
    ADMINISTRATION,
    BETWEEN,
    PATIENT,
    UNREADABLE,
    Columns,
    Owners,
    columns,
)
from mappings.reading import Collection, NotJson, of_line
from mappings.reading.bundles.collection import Contents
from mappings.reading.bundles.heads import (
    OPENED,
    SHARED,
    SUBJECT,
    Part,
    Reference,
    holds_a_dose,
    is_plain,
    meant,
    text_of,
)
from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import decode
from mappings.reading.fhir.elements import Resource
from mappings.reading.sifting.screening import NAMING, Aim, Screen, Verdict
from mappings.site import Site


class _Head(Struct, gc=False, rename={"kind": "resourceType"}):
    """Whose it is, under the three names that FHIR has for it, and what names a drug."""

    kind: str
    id: str
    subject: Reference | None = None
    patient: Reference | None = None
    beneficiary: Reference | None = None
    link: Part = UNSET
    medicationCodeableConcept: Part = UNSET  # noqa: N815 - as FHIR writes it
    medicationReference: Part = UNSET  # noqa: N815
    medication: Part = UNSET
    contained: Part = UNSET


# References to patients that are remembered: some 11 MB.
_MOST_OWNERS = 50_000
_heads = msgspec.json.Decoder(_Head)
_WHOSE = {kind: attrgetter(element) for kind, element in SUBJECT.items()}
_READ_WHOLE = OPENED | {"Medication", "List"}


class Surveyor:
    """For one site; keep it for many ranges, it remembers the medications it has seen."""

    def __init__(self, site: Site) -> None:
        self._screen, self._owners, self._kind = Screen(site), Owners(), ""

    def survey(self, range_: Range) -> tuple[Index, RangeFacts]:
        reading = _Reading(self._screen, self._owners, range_, self._kind)
        reading.read()
        self._kind = reading.kind
        return reading.index, reading.facts


class _Reading:
    def __init__(self, screen: Screen, owners: Owners, range_: Range, kind: str) -> None:
        self._screen, self._owners, self._range = screen, owners, range_
        self.index, self.facts = Index(), RangeFacts()
        self._patients, self._ours = set[int](), set[int]()
        # The words of drugs that are none of ours, whatever else the administration says.
        self._others: set[bytes] = set()
        self._forms = set[Forms]()
        self._counts = dict.fromkeys(names.KINDS, 0)
        # The type of the last line, and that of a run of lines, if it belongs to one: KIND first.
        self._last = self.kind = kind

    def read(self) -> None:
        try:
            self._read()
        except NotRead as problem:
            self._note(self._range.file, str(problem))
        except DAMAGED:
            self._note(self._range.file, CUT_OFF)
        self.facts.patients, self.facts.ours = sorted(self._patients), sorted(self._ours)
        self.facts.counts = {kind: count for kind, count in self._counts.items() if count}
        kinds = frozenset(filter(None, self.facts.counts))
        self.facts.forms = names.together([Forms(kinds), *self._forms])

    def _read(self) -> None:
        for block in blocks(self._range):
            if not self.facts.lines:
                self.index = Index(block.start)
            if len(self._owners) > _MOST_OWNERS:
                self._owners.clear()
            self._take(block.lines)
            self.index.end_block(block.end)

    def _take(self, block: list[bytes]) -> None:
        """In columns, as long as the lines are of one type and of its usual form."""
        left = block
        while left:
            found = columns(self.kind, left, self._owners) if self.kind else None
            count = len(found.names) if found else 0
            if found:
                self._take_columns(left, found)
            odd = left[count : count + 1] if found else left
            for line in odd:
                kind = self._take_line(line)
                self.kind, self._last = kind if kind == self._last else "", kind
            left = left[count + len(odd) :]

    def _take_columns(self, lines: list[bytes], found: Columns) -> None:
        count = len(found.names)
        self.index.extend(names.code(self.kind), found.names, found.owners)
        self.facts.lines += count
        self.facts.taken += count
        self._counts[self.kind if self.kind in names.CODES else ""] += count
        if self.kind == PATIENT:
            self._patients.update(found.owners)
        if unknown := set(found.drugs) - self._others:
            for line, drug, owner in zip(lines, found.drugs, found.owners, strict=False):
                if drug in unknown:
                    self._judge(drug, line, owner)

    def _take_line(self, line: bytes) -> str:
        """The type of the line; empty where it is not to be told."""
        self.facts.lines += 1
        try:
            head = _heads.decode(line)
        except UNREADABLE:
            self._take_carefully(line)
            return ""
        if head.id and is_plain(line) and self._take_head(head, line):
            self.facts.taken += 1
        else:
            self._take_carefully(line)
        return head.kind

    def _take_head(self, head: _Head, line: bytes) -> bool:
        """Where all is told by the head; False, and nothing is done, of any other."""
        kind, owner = head.kind, 0
        if holds_a_dose(head):
            return False
        if kind in SUBJECT:
            whose = _WHOSE[kind](head)
            if not whose or not names.is_whose(whose.reference):
                return False
            owner = names.handle(whose.reference)
        elif kind in _READ_WHOLE or meant(kind) or (kind == PATIENT and head.link is not UNSET):
            return False
        elif kind not in SHARED:
            self._counts[""] += 1
            self.index.add()
            return True
        elif kind == PATIENT:
            owner = names.handle_of_id(head.id)
            self._patients.add(owner)
        self._counts[kind] += 1
        self.index.add(names.code(kind), names.key(kind, head.id), owner)
        if kind == ADMINISTRATION:
            drug = BETWEEN.join(text_of(getattr(head, name)) for name in NAMING)
            self._judge(drug, line, owner)
        return True

    def _judge(self, drug: bytes, line: bytes, owner: int) -> None:
        """By the texts of NAMING, empty where there is none."""
        words = tuple(drug.split(BETWEEN))

        def naming() -> Resource:
            said = zip(NAMING, words, strict=True)
            return {name: decode(word) for name, word in said if word}

        verdict = self._screen.kept(words, naming)
        if verdict == "none":
            self._others.add(drug)
        elif verdict is None:
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

    def _take_carefully(self, line: bytes) -> None:
        where = self._where(self.facts.lines)
        self.index.add()
        try:
            if line.strip():
                self._open(line, where)
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as problem:
            self._note(where, f"could not be read ({type(problem).__name__})")

    def _open(self, line: bytes, where: str) -> None:
        said = of_line(line)
        if isinstance(said, dict) and said.keys() >= MANIFEST:
            self.facts.taken += 1
            return
        if isinstance(said, NotJson) or not is_fhir(said):
            self._note(where, self._why(said))
            return
        self.facts.taken += 1
        self.index.add_opened(len(line))
        collection = Collection()
        collection.add(said, where)
        self._add(collection.contents())

    def _where(self, number: int) -> str:
        if self._range.form == "document":
            return self._range.file
        return f"line \0{number}\0 of {self._range.file}"

    def _why(self, said: object) -> str:
        whole = self._range.form == "document"
        if isinstance(said, NotJson):
            return f"is not JSON: {said}" if whole else f"not JSON: {said}"
        return "is JSON, but not a FHIR Bundle or resource" if whole else "not a FHIR resource"

    def _add(self, contents: Contents) -> None:
        for copies in contents.resources.values():
            for resource in copies:
                self._add_resource(resource, contents)
        for address, key in contents.addresses.items():
            kind, _, identity = key.partition("/")
            if kind == PATIENT:
                self.facts.same.append((names.handle(address), names.handle_of_id(identity)))
            self._forms.add(names.form(address))
            # Under its address, too, a resource may be asked for.
            self.index.add_more(names.name(address), 0)
            if kind != "Medication" and address.startswith("urn:"):
                self.facts.medications.append((names.exactly(address), 0))
        self.facts.bases += contents.bases
        self.facts.deletions += contents.deletions
        self.facts.pages += contents.pages
        self.facts.listed += contents.listed
        for problem in contents.problems:
            self._note(problem.resource, problem.problem)

    def _add_resource(self, resource: Resource, contents: Contents) -> None:
        kind, identity = resource["resourceType"], resource["id"]
        key, owner = f"{kind}/{identity}", 0
        self._counts[kind] += 1
        if kind == PATIENT:
            owner = names.handle_of_id(identity)
            self._patients.add(owner)
            self._linked(owner, resource)
        elif kind in SUBJECT:
            owner = self._owner(key, resource)
        self.index.add_more(names.key(kind, identity), owner)
        if kind == ADMINISTRATION and owner:
            self._judged(self._screen.administration(resource), owner)
        elif kind == "Medication":
            self._medication(key, resource, contents)

    def _owner(self, key: str, resource: Resource) -> int:
        """Of whom it is; 0, and named, where it says nothing that could be a patient."""
        element = SUBJECT[resource["resourceType"]]
        said = resource.get(element)
        reference = elements.text(said.get("reference") if isinstance(said, dict) else said)
        if not names.is_whose(reference):
            self._note(key, f"{element} does not name a patient")
        return names.handle(reference) if reference and not reference.startswith("#") else 0

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
