"""Observations as usable laboratory results in canonical units (R10 labs, R12): panels, components
and local codes included.

Held by tests/scenarios/results.yaml.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import chain

from msgspec import structs

from mappings import codes
from mappings.codes.clinical import Analyte
from mappings.reading.bundles.collection import Collection
from mappings.reading.bundles.heads import Held
from mappings.reading.bundles.plain import PlainResult, plain_result
from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import decode_plain
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import PLAIN, StatusReader
from mappings.reading.labs import quantities, stated
from mappings.reading.labs.quantities import Value
from mappings.record import Coding, Concept, LabResult, Source
from mappings.values import words
from mappings.values.moment import Moment
from mappings.values.remembered import Remembered
from mappings.values.stated import Unread

_HOLDING = ("hasMember", "result", "contained")
_TIMES = ("effectiveDateTime", "effectiveInstant", "effectivePeriod", "effectiveTiming")
_COLLECTED = ("collectedDateTime", "collectedInstant", "collectedPeriod", "collectedTiming")
_NO_SPECIMEN = frozenset({"unsatisfactory", "entered-in-error"})
_VALUES = ("value", "_value")
# Distinct quantities that are remembered.
_MOST = 20_000


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
        self._plain = Remembered(self._of_plain)
        self._quantities: dict[tuple[object, ...], Value] = {}
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
            return next(iter(found.values())) if len(found) == 1 else None
        return self._by_text(concept) if self._aliases else None

    def _coded(self, coding: Coding) -> Analyte | None:
        by_loinc = codes.labs().by_loinc
        if coding.system == elements.LOINC and coding.code in by_loinc:
            return by_loinc[coding.code]
        return self._aliases.get(f"{coding.system}|{coding.code}")

    def _of_part(self, part: Resource) -> Analyte | None:
        """The analyte of an Observation or component; an EHR repeats the same few hundred codes."""
        return self._analytes[elements.concept(part.get("code"))]

    def knows(self, resource: Resource) -> bool:
        """Whether the code of an Observation means an analyte."""
        return self._of_part(resource) is not None

    def _by_text(self, concept: Concept) -> Analyte | None:
        keys = map(words.plain, concept.words)
        return next((self._aliases[key] for key in keys if key in self._aliases), None)

    def plain(self, held: Held, collection: Collection, panels: "Panels") -> list[LabResult] | None:
        """`results` of an Observation that says as little as nearly all do; None of any other."""
        found = plain_result(held)
        if found is None:
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
        return None if value[4] else (analyte, value)

    def results(
        self, resource: Resource, collection: Collection, panels: "Panels"
    ) -> Iterator[LabResult]:
        """The results of an Observation (unusable ones with the reason) and of those that a panel
        or report contains."""
        source = elements.source(resource)
        for name, part in _observations(resource, source):
            if part is resource or panels.of(name) or self._is_doubtful(resource):
                yield from self._of(part, name, source, resource, collection, panels)

    def _is_doubtful(self, holder: Resource) -> bool:
        """A panel or report whose status is not understood: what lives inside it may be a
        result."""
        status = self._status(holder)
        return not _counts(status) and status not in self._void

    def _status(self, resource: Resource) -> str | Unread | None:
        return _status(resource, self._statuses)

    def membership(self, holders: Iterable[Resource], collection: Collection) -> "Panels":
        """What results belong to, by those of HOLDERS that are panels or reports."""
        return Panels(holders, collection, self._statuses)

    def _doubt(
        self, status: str | Unread | None, resource: Resource, holder: Resource
    ) -> tuple[str, Unread] | None:
        """Why a status, its own or that of what it lives in, makes a result unusable."""
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
        panels: "Panels",
    ) -> list[LabResult]:
        named = [resource, *elements.items(resource.get("component"))]
        parts = [(analyte, part) for part in named if (analyte := self._of_part(part))]
        status = self._status(resource)
        if not parts or status in self._void:
            return []
        home = source.resource if resource is not holder else None
        when = _collected(resource, collection, holder)
        specimen = _specimen(resource, home, collection)
        if when is None and not any(element in resource for element in _TIMES):
            when, specimen = panels.time(name), specimen or panels.specimen(name)
        groups = (*((name,) if len(parts) > 1 else ()), *panels.of(name))
        doubt = self._doubt(status, resource, holder)
        of_another = _of_another(resource, holder, collection)
        results: list[LabResult] = []
        for analyte, part in parts:
            within = "" if part is resource else "component."
            value = self._value(analyte, part)
            found = _result(analyte, part, within, value, source, when, specimen, groups)
            if found.when is None:
                found = _undated(found, resource)
            if doubt:
                found = structs.replace(found, problem=doubt[0], unread=doubt[1])
            elif of_another:
                found = structs.replace(found, problem=of_another, unread=None)
            results.append(found)
        return results

    def _value(self, analyte: Analyte, part: Resource) -> Value:
        """A quantity and nothing else, as nearly all are, is worked out once."""
        if analyte.analyte == "pregnancy":
            return _pregnancy(part)
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
            known = quantities.value(analyte, part)
            if len(self._quantities) < _MOST:
                self._quantities[key] = known
        return known


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
    specimen = _specimen(said, None, collection)
    # Of several copies that of its own Bundle counts.
    is_one = specimen is None or collection.stands_once(specimen)
    if not is_one or _of_another(said, said, collection):
        return None, None
    return _collected(said, collection, said), specimen


def _of_another(resource: Resource, holder: Resource, collection: Collection) -> str | None:
    """Why it is no result of the patient's own blood, or of no blood that could be used."""
    whose = collection.key(holder.get("subject"))
    if any(collection.key(focus) != whose for focus in elements.items(resource.get("focus"))):
        return "about somebody or something else"
    for reference in elements.items(resource.get("specimen")):
        specimen = elements.mapping(collection.resolve(reference, holder))
        owner = collection.key(specimen.get("subject"))
        if owner and owner != whose:
            return "of another patient's specimen"
        if specimen.get("status") in _NO_SPECIMEN:
            return "of a specimen that could not be used"
    return None


def _status(resource: Resource, statuses: StatusReader) -> str | Unread | None:
    return statuses.read(f"{resource['resourceType']}.status", resource.get("status"))


def _of_doubtful(status: str | Unread | None, resource: Resource) -> tuple[str, Unread]:
    """Of a status that is not understood, that is `unknown`, or that nobody stated."""
    problem = "with a status that is not understood" if status else "without a status"
    element = f"{resource['resourceType']}.status"
    return problem, status if isinstance(status, Unread) else Unread(element, status or "")


def _undated(found: LabResult, resource: Resource) -> LabResult:
    """A result whose time is not known; one that is stated and not read is quoted."""
    problem = found.problem or "without the time of collection"
    times = [(name, resource[name]) for name in _TIMES if resource.get(name)]
    unread = Unread(times[0][0], stated.cut(str(times[0][1]))) if times else found.unread
    return structs.replace(found, problem=problem, unread=unread)


def _observations(resource: Resource, source: Source) -> list[tuple[str, Resource]]:
    """An Observation, or what a panel or report is made of, with those that live inside it as
    `Type/id#id`."""
    name = source.resource
    own = [(name, resource)] if resource["resourceType"] == "Observation" else []
    return own + [
        (f"{name}#{elements.text(item.get('id')).lstrip('#')}", item)
        for item in elements.items(resource.get("contained"))
        if item.get("resourceType") == "Observation"
    ]


def _collected(resource: Resource, collection: Collection, holder: Resource) -> Moment | None:
    """When the specimen was collected, else the time that the result is about."""
    specimens = elements.items(resource.get("specimen"))
    if len(specimens) == 1:
        specimen = elements.mapping(collection.resolve(specimens[0], holder))
        collected = _time(elements.mapping(specimen.get("collection")), _COLLECTED)
        if collected:
            return collected
    return _time(resource, _TIMES)


def _time(element: Resource, names: tuple[str, str, str, str]) -> Moment | None:
    """`collected[x]` or `effective[x]`; of a Timing only a single event."""
    date_time, instant, period, timing = names
    point = elements.moment(element[date_time] if date_time in element else element.get(instant))
    lasting, timed = element.get(period), element.get(timing)
    if point or (lasting is None and timed is None):
        return point
    start, end = elements.period(lasting)
    events = elements.texts(elements.mapping(timed).get("event"))
    return start or end or (elements.moment(events[0]) if len(events) == 1 else None)


def _specimen(resource: Resource, home: str | None, collection: Collection) -> str | None:
    """The one specimen as `Type/id`; one that lives inside HOME as part of that."""
    found = elements.items(resource.get("specimen"))
    return _key(found[0], home, collection) if len(found) == 1 else None


def _key(reference: Resource, home: str | None, collection: Collection) -> str | None:
    said = elements.text(reference.get("reference"))
    return f"{home}{said}" if home and said.startswith("#") else collection.key(reference)


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


def _counts(status: str | Unread | None) -> bool:
    """Whether a panel or report says something of its members: one without a status does."""
    return status is None or status in codes.labs().words.reported


class Panels:
    """The panels (`hasMember`) and DiagnosticReports (`result`) that observations belong to, at any
    depth."""

    def __init__(
        self, holders: Iterable[Resource], collection: Collection, statuses: StatusReader = PLAIN
    ) -> None:
        self._collection = collection
        self._statuses = statuses
        self._holders: dict[str, tuple[str, Resource, Resource]] = {}
        self._direct: dict[str, tuple[str, ...]] = {}
        for holder in holders:
            if any(map(holder.__contains__, _HOLDING)) and self._says_something(holder):
                self._add(holder)

    def _add(self, home: Resource) -> None:
        """A panel or report, and the panels inside it."""
        source = elements.source(home)
        parts = dict([(source.resource, home), *_observations(home, source)])
        for name, part in parts.items():
            members = elements.items(part.get("hasMember")) + elements.items(part.get("result"))
            if members and self._says_something(part):
                self._holders[name] = (source.resource, part, home)
                keys = (_key(member, source.resource, self._collection) for member in members)
                for key in filter(None, keys):
                    self._direct[key] = (*self._direct.get(key, ()), name)

    def _says_something(self, holder: Resource) -> bool:
        return _counts(_status(holder, self._statuses))

    def of(self, name: str) -> tuple[str, ...]:
        """All that an observation belongs to."""
        if name not in self._direct:
            return ()
        return tuple(chain.from_iterable(self._levels(name)))

    def _levels(self, name: str) -> Iterator[tuple[str, ...]]:
        """What it belongs to, then what these belong to, and so on."""
        seen, level = {name}, self._direct.get(name, ())
        while level:
            yield level
            seen.update(level)
            above = dict.fromkeys(
                chain.from_iterable(self._direct.get(inner, ()) for inner in level)
            )
            level = tuple(holder for holder in above if holder not in seen)

    def time(self, name: str) -> Moment | None:
        """The time that the nearest of them give to members without one; None where they disagree
        on the day."""
        for level in self._levels(name):
            times = set(filter(None, map(self._time_of, level)))
            if times:
                return times.pop() if len(times) == 1 else _common_day(times)
        return None

    def _time_of(self, name: str) -> Moment | None:
        """None for one that is about several days: not each of its members is."""
        _, part, home = self._holders[name]
        start, end = elements.period(part.get("effectivePeriod"))
        spans_days = start and end and start.first != end.first
        return None if spans_days else _collected(part, self._collection, home)

    def specimen(self, name: str) -> str | None:
        """The one specimen of the nearest of them that say theirs."""
        for level in self._levels(name):
            found = {
                _specimen(part, source, self._collection)
                for source, part, _ in map(self._holders.__getitem__, level)
            } - {None}
            if found:
                return found.pop() if len(found) == 1 else None
        return None


def _common_day(times: Iterable[Moment]) -> Moment | None:
    days = set(chain.from_iterable(when.days(None) for when in times))
    return Moment(min(days), max(days)) if len(days) == 1 else None
