"""Observations as usable laboratory results in canonical units (R10 labs, R12): panels, components
and local codes included.

Held by tests/scenarios/results.yaml.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from msgspec import UNSET, structs

from mappings import codes
from mappings.codes.clinical import Analyte
from mappings.reading.bundles.collection import Collection
from mappings.reading.bundles.heads import Held
from mappings.reading.bundles.plain import PlainResult, plain_result
from mappings.reading.fhir import elements, naming
from mappings.reading.fhir.decoding import decode_plain
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import PLAIN, StatusReader
from mappings.reading.labs import quantities, specimens, stated
from mappings.reading.labs.panels import Panels, counts, observations, status_of
from mappings.reading.labs.quantities import Value
from mappings.record import Coding, Concept, LabResult, Source
from mappings.values import words
from mappings.values.moment import Moment
from mappings.values.remembered import Bounded, Remembered
from mappings.values.stated import Unread, only

_VALUES = ("value", "_value")


def _known(key: str) -> str:
    """An alias key `system|code` with the system's short name, as codings have it."""
    system, bar, code = key.rpartition("|")
    return f"{elements.system(system)}{bar}{code}" if bar else key


class LabReader:
    """Reads results of the analytes that the rules know, by LOINC or by the site's own codes."""

    def __init__(self, aliases: Mapping[str, str], statuses: StatusReader = PLAIN) -> None:
        table = codes.labs()
        self._statuses = statuses
        named = {**table.by_loinc, **table.by_name}
        self._aliases = {
            _known(key): named[name] for key, name in words.folded(aliases).items() if name in named
        }
        self._analytes = Remembered(self.analyte)
        self._called = Remembered(_called)
        self._plain = Remembered(self._of_plain)
        self._quantities: Bounded[tuple[object, ...], Value] = Bounded()
        self._usable, self._void = frozenset(table.words.usable), frozenset(table.words.void)

    def analyte(self, concept: Concept) -> Analyte | None:
        """The analyte that a code means; a goal or a mere presence is none, nor what codings of one
        code disagree on."""
        table = codes.labs()
        if any(
            coding.system == elements.LOINC and coding.code in table.never_loinc
            for coding in concept.codings
        ):
            return None
        found = {one.analyte: one for one in map(self._coded, concept.codings) if one}
        if found:
            return only(found.values())
        return self._by_text(concept) if self._aliases else None

    def _coded(self, coding: Coding) -> Analyte | None:
        by_loinc = codes.labs().by_loinc
        if coding.system == elements.LOINC and coding.code in by_loinc:
            return by_loinc[coding.code]
        return self._aliases.get(f"{coding.system}|{coding.code}")

    def _of_part(self, part: Resource) -> Analyte | None:
        """The analyte of an Observation or component; an EHR repeats the same few hundred codes."""
        return self._analytes[elements.concept(part.get("code"))]

    def _other_test(self, analyte: Analyte, part: Resource) -> str | None:
        """What the words beside its code call it, where that is another test; the site's own words
        are right."""
        concept = elements.concept(part.get("code"))
        if self._aliases and self._by_text(concept) is analyte:
            return None
        names = codes.labs().names
        return next(
            (said for said in concept.words if names.is_another(analyte.analyte, said)), None
        )

    def knows(self, resource: Resource) -> bool:
        """Whether the code of an Observation means an analyte, or its words name one."""
        return self._of_part(resource) is not None or self._called_by(resource) is not None

    def _called_by(self, part: Resource) -> Analyte | None:
        """What has no code that is known here, by its words."""
        return None if self._of_part(part) else self._called[elements.concept(part.get("code"))]

    def _by_text(self, concept: Concept) -> Analyte | None:
        keys = map(words.plain, concept.words)
        return next((self._aliases[key] for key in keys if key in self._aliases), None)

    def plain(self, held: Held, collection: Collection, panels: Panels) -> list[LabResult] | None:
        """`results` of an Observation that says as little as nearly all do; None of any other."""
        found = plain_result(held)
        if found is None or (
            found.note is not UNSET and stated.taken_back(decode_plain(found.note))
        ):
            return None
        known = self._plain[held.about, bytes(found.value_quantity), found.status]
        when, specimen = _drawn(found, held, collection)
        if known is None or when is None:
            return None
        groups = panels.of(held.key)
        return [_result(known[0], {}, "", known[1], found.source(held), when, specimen, groups)]

    def _of_plain(self, said: tuple[bytes, bytes, str]) -> tuple[Analyte, Value] | None:
        """By code, quantity and status; None where there is more to say."""
        code, quantity = map(decode_plain, said[:2])
        part = {"code": code, "valueQuantity": quantity}
        analyte = self._of_part(part)
        status = self._statuses.read("Observation.status", said[2])
        if analyte is None or status not in self._usable:
            return None
        value = self._value(analyte, part)
        return None if value[4] or self._other_test(analyte, part) else (analyte, value)

    def results(
        self, resource: Resource, collection: Collection, panels: Panels
    ) -> Iterator[LabResult]:
        """The results of an Observation (unusable ones with the reason) and of those that a panel
        or report contains."""
        source = elements.source(resource)
        for name, part in observations(resource, source):
            if part is resource or panels.of(name) or self._is_doubtful(resource):
                yield from self._of(part, name, source, resource, collection, panels)

    def _is_doubtful(self, holder: Resource) -> bool:
        """A panel or report whose status is not understood: what lives inside it may be a
        result."""
        status = self._status(holder)
        return not counts(status) and status not in self._void

    def _status(self, resource: Resource) -> str | Unread | None:
        return status_of(resource, self._statuses)

    def membership(self, holders: Iterable[Resource], collection: Collection) -> Panels:
        """What results belong to, by those of HOLDERS that are panels or reports."""
        return Panels(holders, collection, self._statuses)

    def _doubt(
        self, status: str | Unread | None, resource: Resource, holder: Resource
    ) -> tuple[str, Unread] | None:
        """Why it has no id, or a status, its own or that of what it lives in, makes a result
        unusable."""
        if naming.is_kept_apart(holder):
            return naming.WITHOUT_ID, Unread(f"{holder['resourceType']}.id", "")
        if status not in self._usable:
            return _of_doubtful(status, resource)
        inside = resource is not holder and self._is_doubtful(holder)
        return _of_doubtful(self._status(holder), holder) if inside else None

    def _of(
        self,
        resource: Resource,
        name: str,
        source: Source,
        holder: Resource,
        collection: Collection,
        panels: Panels,
    ) -> list[LabResult]:
        named = [resource, *elements.items(resource.get("component"))]
        parts = [(analyte, part) for part in named if (analyte := self._of_part(part))]
        strange = [(analyte, part) for part in named if (analyte := self._called_by(part))]
        status = self._status(resource)
        if not (parts or strange) or status in self._void:
            return []
        home = source.resource if resource is not holder else None
        when = specimens.collected(resource, collection, holder)
        specimen = specimens.only(resource, home, collection)
        if when is None and not any(element in resource for element in specimens.TIMES):
            when, specimen = panels.time(name), specimen or panels.specimen(name)
        groups = (*((name,) if len(parts) > 1 else ()), *panels.of(name))
        doubt = self._doubt(status, resource, holder)
        of_another = specimens.of_another(resource, holder, collection)
        taken_back = stated.taken_back(resource.get("note"))
        results: list[LabResult] = []
        for analyte, part in parts:
            within = "" if part is resource else "component."
            value = self._value(analyte, part)
            found = _result(analyte, part, within, value, source, when, specimen, groups)
            if found.when is None:
                found = _undated(found, resource)
            if doubt:
                found = structs.replace(found, problem=doubt[0], unread=doubt[1])
            elif other := self._other_test(analyte, part):
                problem, unread = (
                    "whose words name another test than its code",
                    Unread("code", other),
                )
                found = structs.replace(found, problem=problem, unread=unread)
            elif of_another:
                found = structs.replace(found, problem=of_another, unread=None)
            elif taken_back:
                problem = f'that its own note takes back ("{taken_back}")'
                found = structs.replace(found, problem=problem, unread=None)
            results.append(found)
        for analyte, part in strange:
            problem = f'under a code that is not known here ("{_words_of(part)}")'
            value = quantities.unusable(problem)
            found = _result(analyte, part, "", value, source, when, specimen, groups)
            results.append(structs.replace(found, unread=None, by_words=True))
        return results

    def _value(self, analyte: Analyte, part: Resource) -> Value:
        """A quantity and nothing else, as nearly all are, is worked out once."""
        if analyte.analyte in _READ:
            return _READ[analyte.analyte](part)
        if elements.named(part, *_VALUES) != ("valueQuantity",):
            return quantities.value(analyte, part)
        said = part["valueQuantity"]
        if not isinstance(said, dict) or part.get("dataAbsentReason"):
            return quantities.value(analyte, part)
        number = said.get("value")
        key = (analyte.analyte, type(number), str(number), *said.items())
        try:
            known = self._quantities.get(key)
        except TypeError:  # more than a quantity has
            return quantities.value(analyte, part)
        if known is None:
            known = self._quantities.keep(key, quantities.value(analyte, part))
        return known


def _called(concept: Concept) -> Analyte | None:
    """What a test is called that has no code of LOINC; which it is, is for the site to say."""
    if any(coding.system == elements.LOINC for coding in concept.codings):
        return None
    table = codes.labs()
    named = {table.names.analyte_of(said) for said in concept.words} - {None}
    return table.by_name.get(named.pop() or "") if len(named) == 1 else None


def _words_of(part: Resource) -> str:
    return stated.cut(elements.concept(part.get("code")).words[0])


def _drawn(
    found: PlainResult, held: Held, collection: Collection
) -> tuple[Moment | None, str | None]:
    """When a specimen was collected, and which; no time where there is more to say of it."""
    if found.specimen is None:
        return elements.moment(found.effective_date_time), None
    said = {
        "subject": held.head.whose.reference,
        "effectiveDateTime": found.effective_date_time,
        "specimen": {"reference": found.specimen.reference},
    }
    specimen = specimens.only(said, None, collection)
    # Of several copies that of its own Bundle counts.
    is_one = specimen is None or collection.stands_once(specimen)
    if not is_one or specimens.of_another(said, said, collection):
        return None, None
    return specimens.collected(said, collection, said), specimen


def _of_doubtful(status: str | Unread | None, resource: Resource) -> tuple[str, Unread]:
    """Of a status that is not understood, that is `unknown`, or that nobody stated."""
    problem = "with a status that is not understood" if status else "without a status"
    element = f"{resource['resourceType']}.status"
    return problem, status if isinstance(status, Unread) else Unread(element, status or "")


def _undated(found: LabResult, resource: Resource) -> LabResult:
    """A result whose time is not known; one that is stated and not read is quoted."""
    problem = found.problem or "without the time of collection"
    times = [(name, resource[name]) for name in specimens.TIMES if resource.get(name)]
    unread = Unread(times[0][0], stated.cut(str(times[0][1]))) if times else found.unread
    return structs.replace(found, problem=problem, unread=unread)


def _result(
    analyte: Analyte,
    part: Resource,
    within: str,
    value: Value,
    source: Source,
    when: Moment | None,
    specimen: str | None,
    groups: tuple[str, ...],
) -> LabResult:
    low, high, low_open, high_open, problem, says = value
    return LabResult(
        source=source,
        analyte=analyte.analyte,
        when=when,
        low=low,
        high=high,
        low_open=low_open,
        high_open=high_open,
        specimen=specimen,
        panels=groups,
        says=says,
        problem=problem,
        unread=stated.unread(part, within) if problem else None,
    )


def _pregnancy(part: Resource) -> Value:
    known = codes.diagnoses().pregnancy_codes
    said = elements.concept(part.get("valueCodeableConcept")).codings
    answers = {known.get((coding.system, coding.code)) for coding in said} - {None}
    if stated.is_absent(part) or len(answers) != 1:
        return None, None, False, False, "without an answer that is read", ""
    value = Decimal(answers.pop() or 0)
    return value, value, False, False, None, "pregnant" if value else "not pregnant"


def _heart_class(part: Resource) -> Value:
    """A code or words that stand for a class."""
    said = elements.concept(part.get("valueCodeableConcept"))
    told = {
        words.plain(text).strip() for text in (*said.words, elements.text(part.get("valueString")))
    }
    coded = {coding.code for coding in said.codings if coding.system == elements.SNOMED}
    rows = [row for row in codes.labs().answers if row.snomed in coded or told & set(row.names)]
    if stated.is_absent(part) or len(rows) != 1:
        return quantities.unusable("without an answer that is read")
    value = Decimal(rows[0].value)
    return value, value, False, False, None, rows[0].names[0]


def _due_date(part: Resource) -> Value:
    """A day, as its number in the calendar."""
    found = elements.moment(part.get("valueDateTime"))
    if stated.is_absent(part) or found is None or found.partial:
        return quantities.unusable("without a day that is read")
    value = Decimal(found.first.toordinal())
    return value, value, False, False, None, str(found.first)


_READ: dict[str, Callable[[Resource], Value]] = {
    "pregnancy": _pregnancy,
    "nyha-class": _heart_class,
    "due-date": _due_date,
}
