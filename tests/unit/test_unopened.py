"""Charts as text, opened where a rule asks, give the same records as charts decoded whole: one way
of reading, however bent the chart is."""

import copy
import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from integration import samples
from mappings import codes
from mappings.reading import Collection, Reader, conditions, decode, encounters
from mappings.reading.bundles.copies import opened
from mappings.reading.bundles.heads import Held
from mappings.reading.fhir import elements
from mappings.site import Site
from mappings.values.moment import parse
from tests import builders, public, synthea
from tests.bending.charts import charts
from tests.unit.test_decoding import BROKEN

SITE = Site(time_zone="America/New_York", lab_aliases={"Serum iron store": "ferritin"})
READERS = {"by codes": Reader(Site()), "by texts": Reader(SITE)}


def bundle(resources: list[Any], **elements: Any) -> dict[str, Any]:
    """Its entries, each with the address of a server."""
    entries = [
        {"fullUrl": f"https://ehr.example.org/fhir/{_name(resource)}", "resource": resource}
        for resource in resources
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries} | elements


def _name(resource: Any) -> str:
    return (
        f"{resource.get('resourceType')}/{resource.get('id')}"
        if isinstance(resource, dict)
        else "none"
    )


def text_of(content: Any) -> bytes:
    return json.dumps(content, default=float).encode()


def read(text: bytes, reader: Reader, *, unopened: bool) -> object:
    collection = Collection()
    if not (unopened and collection.add_text(text, "the file")):
        collection.add(decode(text), "the file")
    records, problems = reader.records(collection)
    return records, sorted(problems)


def read_each(resources: list[Any], reader: Reader, *, with_text: bool) -> object:
    """Resources as a server sent them one by one."""
    collection = Collection()
    for text in map(text_of, resources):
        one = decode(text)
        if with_text and isinstance(one, dict):
            collection.add_opened(one, text, "the answer")
        else:
            collection.add(one, "the answer")
    records, problems = reader.records(collection)
    return records, sorted(problems)


def assert_same(text: bytes) -> None:
    for reader in READERS.values():
        whole = read(text, reader, unopened=False)
        assert read(text, reader, unopened=True) == whole


def assert_each_same(resources: list[Any]) -> None:
    for reader in READERS.values():
        whole = read_each(resources, reader, with_text=False)
        assert read_each(resources, reader, with_text=True) == whole


def whole_charts() -> Iterator[tuple[str, Any]]:
    yield from ((name, bundle(rows)) for name, (rows, _) in charts().items())
    yield from samples.bundles().items()
    for name in sorted(public.FOLDER.glob("*.ndjson.gz")):
        yield name.name, bundle(public.resources(name.name.removesuffix(".ndjson.gz")))
    kinds = ("Observation", "Encounter", "Condition", "MedicationRequest")
    of_synthea = [resource for kind in kinds for resource in list(synthea.resources(kind))[:200]]
    yield "old encounters", bundle(builders.chart(*old_visits()))
    yield "synthea", bundle([*builders.chart(), *_of_patient(of_synthea)])


LAST_YEAR = {"start": "2026-01-01", "end": "2026-01-03"}
DIALYSIS = {"coding": [{"system": elements.SNOMED, "code": "302497006"}]}


def old_visits() -> list[Any]:
    """Encounters of years ago, and why each of them may bear on a dose all the same, or not."""
    years_ago = {"start": "2020-01-01T08:00:00Z", "end": "2020-01-02T09:00:00Z"}
    years_on = {"start": "2040-01-01T08:00:00Z", "end": "2040-01-02T09:00:00Z"}
    named = [{"condition": {"reference": f"Condition/{name}"}} for name in ("a", "b")]
    return [
        builders.encounter("long-ago", period=years_ago),
        builders.encounter("long-after", period=years_on),
        builders.encounter("stay-long-ago", klass="IMP", period=years_ago),
        builders.encounter("one-diagnosis", period=years_ago, diagnosis=named[:1]),
        builders.encounter("linking", period=years_ago, diagnosis=named),
        builders.encounter("whole", period=years_ago),
        builders.encounter("part", partOf={"reference": "Encounter/whole"}),
        builders.encounter("part-long-ago", period=years_ago, partOf={"reference": "Encounter/w"}),
        builders.encounter("w", period=years_ago),
        builders.encounter("unreadable", period=years_ago | {"end": "soon"}),
        builders.encounter("open", period={"start": "2020-01-01"}, status="in-progress"),
        builders.encounter("without-end", period={"start": "2020-01-01"}),
        builders.encounter("last-year", period=LAST_YEAR),
        builders.encounter("for-nothing", period=LAST_YEAR, reason=None, type=None),
        builders.encounter("dialysis-long-ago", period=years_ago, serviceType=DIALYSIS),
        builders.encounter("dialysis", period=LAST_YEAR, serviceType=DIALYSIS),
        builders.encounter("in-words", period=LAST_YEAR, type=[{"text": "Hemodialysis"}]),
        builders.encounter("for-dialysis", period=LAST_YEAR, reasonCode=[DIALYSIS]),
        builders.encounter("for-r5", period=LAST_YEAR, reason=[{"value": [{"concept": DIALYSIS}]}]),
    ]


def _of_patient(resources: list[Any]) -> list[Any]:
    return [
        resource | {"subject": {"reference": f"Patient/{builders.PATIENT}"}}
        for resource in resources
    ]


WHOLE = dict(whole_charts())


@pytest.mark.parametrize("name", WHOLE)
def test_every_chart_reads_the_same(name: str) -> None:
    assert_same(text_of(WHOLE[name]))


@pytest.mark.parametrize("name", WHOLE)
def test_every_chart_with_its_texts_reads_the_same(name: str) -> None:
    assert_each_same([entry.get("resource") for entry in WHOLE[name]["entry"]])


def test_resources_alone_read_the_same() -> None:
    for resource in builders.chart():
        assert_same(text_of(resource))


# What stands where something else should; each is tried at any place of a chart.
STRANGE: list[Any] = [
    None, "", "x", 5, 1.5, True, [], {}, ["x"], [None], [5], [[]], [{}], "Patient/p1",
    {"reference": "Patient/p2"}, {"reference": 7}, {"coding": "x"}, {"coding": [None]},
    {"coding": [{"system": 1, "code": 2}]}, {"code": "2276-4"}, {"text": "Serum iron store"},
    {"url": "urn:x"}, [{"url": "urn:x"}], {"contained": []}, "2026-10-01", "9999-12-31", "final",
    {"value": 9, "unit": "ng/mL"}, {"value": 9, "_value": {"extension": [{"url": "urn:x"}]}},
    {"coding": [{"code": "resolved"}]}, {"coding": [{"code": "inactive"}]},
]  # fmt: skip
ADDED = (
    "modifierExtension", "contained", "component", "hasMember", "medicationReference", "medication",
    "code", "subject", "patient", "id", "meta", "resourceType", "type", "class", "period",
    "status", "valueQuantity", "_valueQuantity", "valueString", "dataAbsentReason", "specimen",
    "effectiveDateTime", "effectivePeriod", "clinicalStatus", "verificationStatus", "category",
    "encounter", "onsetDateTime", "onsetPeriod", "abatementDateTime", "abatementBoolean",
    "recordedDate", "evidence", "asserter", "extension", "result",
)  # fmt: skip
OF_BUNDLE: list[dict[str, Any]] = [
    {}, {"type": "searchset"}, {"type": "searchset", "total": 99},
    {"type": "searchset", "total": 3},
    {"type": "searchset", "total": "x", "link": [{"relation": "next", "url": "https://x"}]},
    {"type": "searchset", "link": 5}, {"type": "history"}, {"type": "transaction"}, {"type": 5},
    {"total": 5}, {"resourceType": "List"}, {"entry": {}}, {"entry": [None]}, {"entry": None},
]  # fmt: skip
OF_ENTRY: list[dict[str, Any]] = [
    {}, {"fullUrl": 5}, {"fullUrl": None}, {"fullUrl": "urn:uuid:1"}, {"resource": None},
    {"resource": {}}, {"resource": []}, {"request": {"method": "DELETE", "url": "Coverage/x"}},
    {"request": None}, {"response": {"status": "404"}}, {"search": {"mode": "include"}},
    {"search": 5}, {"resource": {"resourceType": "Immunization", "id": "i"}},
    {"resource": {"resourceType": "OperationOutcome", "id": "o", "issue": []}},
]  # fmt: skip
SEEDS = st.integers(0, 2**32)


@given(SEEDS)
def test_a_bent_chart_reads_the_same(seed: int) -> None:
    chance = random.Random(seed)
    resources = copy.deepcopy(chance.choice(list(charts().values()))[0])
    if chance.random() < 0.3:
        resources += copy.deepcopy(old_visits())  # some share a part
    for _ in range(chance.randint(1, 3)):
        _bend(chance.choice(resources), chance)
    if chance.random() < 0.3:
        resources.append(_again(chance.choice(resources), chance))
    assert_each_same(resources)
    content = bundle(resources)
    if chance.random() < 0.3:
        chance.choice(content["entry"]).update(copy.deepcopy(chance.choice(OF_ENTRY)))
    content.update(copy.deepcopy(chance.choice([{}, *OF_BUNDLE])))
    text = text_of(content)
    if chance.random() < 0.2:
        place = text.rindex(b'"', 0, chance.randint(len(text) // 2, len(text)))
        text = text[:place] + chance.choice(BROKEN) + text[place:]
    assert_same_or_both_refuse(text)


def assert_same_or_both_refuse(text: bytes) -> None:
    try:
        decode(text)
    except ValueError:
        assert not Collection().add_text(text, "the file")
        return
    assert_same(text)


def _bend(resource: Any, chance: random.Random) -> None:
    """An element at any depth takes another form, or one is added."""
    at = resource
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if chance.random() < 0.2 and isinstance(at, dict):
            at[chance.choice(ADDED)] = copy.deepcopy(chance.choice(STRANGE))
            return
        if not keys:
            return
        key = chance.choice(keys)
        if not isinstance(at[key], dict | list) or chance.random() < 0.4:
            at[key] = copy.deepcopy(chance.choice(STRANGE))
            return
        at = at[key]


def _again(resource: Any, chance: random.Random) -> Any:
    """Another copy: the same, a newer one, or one of the same version that says something else."""
    newer = {"meta": {"versionId": str(chance.randint(1, 3))}}
    return copy.deepcopy(resource) | chance.choice([{}, newer, {"status": "x"}, {"note": []}])


def test_what_no_rule_asks_for_stays_unopened() -> None:
    resources = [
        builders.resource(resourceType="Observation", id="sodium", code=_loinc("2951-2")),
        builders.resource(resourceType="Condition", id="cold", code={"text": "a cold"}),
        builders.resource(
            resourceType="MedicationRequest",
            id="other",
            medicationCodeableConcept={"coding": [{"system": builders.RXNORM, "code": "314076"}]},
        ),
        builders.resource(
            resourceType="MedicationRequest",
            id="elsewhere",
            medicationReference={"reference": "Medication/not-here", "display": "lisinopril"},
        ),
        builders.resource(
            resourceType="MedicationRequest",
            id="iron",
            medicationReference={"reference": "Medication/not-here", "display": "Venofer"},
        ),
    ]
    resources = _of_patient(resources)
    collection = Collection()
    assert collection.add_text(text_of(bundle([*builders.chart(), *resources])), "the file")
    Reader(Site()).records(collection)
    kept = dict(collection._copies.items()).values()
    held = [resource for resource in kept if isinstance(resource, Held)]
    shut = {resource.key for resource in held if resource.opened is None}
    orders = {"MedicationRequest/other", "MedicationRequest/elsewhere"}
    added = {f"{resource['resourceType']}/{resource['id']}" for resource in resources}
    assert shut & added == {"Observation/sodium", "Condition/cold", *orders}
    assert opened(held[0]) is opened(held[0])


@pytest.mark.parametrize("note", ["WRONG PATIENT - disregard", "Collected by the nurse"])
def test_a_note_of_a_result_is_heard_in_whatever_form(note: str) -> None:
    result = builders.ferritin(note=[{"text": note}])
    assert_same(text_of(bundle(builders.chart(result))))


def test_a_modifier_is_seen_however_its_name_is_written() -> None:
    said = {"dose": builders.quantity("200 mg"), "modifierExtension": [{"url": "urn:x:not"}]}
    given = builders.administration(dosage=said)
    for alone in (True, False):
        text = text_of(given if alone else bundle(builders.chart(given)))
        for escaped in (rb"\u006d", rb"\u006D"):
            written = text.replace(b"modifierExtension", escaped + b"odifierExtension")
            assert written != text
            assert_same(written)
            found = read(written, READERS["by codes"], unopened=True)
            assert "dosage.modifierExtension is not understood" in repr(found)


def test_what_says_no_more_than_most_do_is_read_unopened() -> None:
    due_to = {"url": conditions._DUE_TO[0], "valueReference": {"reference": "Condition/kidney"}}
    resources = [
        builders.lab("ferritin", 60, on="2026-10-01"),
        builders.lab("ferritin", 70, on="2026-10-02", specimen="blood"),
        builders.lab("ferritin", 80, on="2026-10-03", valueString="80 ng/mL"),
        builders.condition("N18.4", id="kidney"),
        builders.condition("D50.9", id="asserted", extension=[{"url": "urn:asserted"}]),
        builders.condition("D63.1", id="caused", extension=[due_to]),
        builders.administration("esa", text="epoetin alfa", ndc=None),
        builders.administration("esa-on-hold", text="epoetin alfa", ndc=None, status="on-hold"),
    ]
    collection = Collection()
    chart = bundle([builders.administration(), *_of_patient(resources)])
    assert collection.add_text(text_of(chart), "the file")
    (record,), _ = Reader(Site()).records(collection)
    assert len(record.labs) == len(record.diagnoses) == 3
    assert [dose.source.resource for dose in record.esa] == ["MedicationAdministration/esa"]
    kept = dict(collection._copies.items())
    assert {key for key, one in kept.items() if isinstance(one, Held) and one.opened} == {
        "MedicationAdministration/ma1",
        "MedicationAdministration/esa-on-hold",
        "Observation/ferritin-2026-10-03",
        "Condition/caused",
    }


@pytest.mark.parametrize("again", [[], [{"collection": {"collectedDateTime": "2026-09-28"}}]])
def test_a_result_is_of_the_time_of_its_specimen(again: list[dict[str, Any]]) -> None:
    blood = builders.resource(resourceType="Specimen", id="blood")
    blood |= {"collection": {"collectedDateTime": "2026-09-30"}}
    result = builders.lab("ferritin", 60, on="2026-10-02", specimen="blood")
    copies = [blood, *(blood | other for other in again)]
    text = text_of(bundle([*builders.chart(without=["ferritin"]), result, *copies]))
    assert_same(text)
    collection = Collection()
    assert collection.add_text(text, "the file")
    (record,), _ = Reader(Site()).records(collection)
    (when,) = [lab.when for lab in record.labs if lab.source.resource.endswith("-10-02")]
    assert when == parse("2026-10-02" if again else "2026-09-30")


def _loinc(code: str) -> dict[str, Any]:
    return {"coding": [{"system": builders.LOINC, "code": code}]}


def test_encounters_that_can_bear_on_no_dose_stay_unopened() -> None:
    collection = Collection()
    assert collection.add_text(text_of(bundle(builders.chart(*old_visits()))), "the file")
    (record,), _ = Reader(Site()).records(collection)
    kept = dict(collection._copies.items())
    held = [kept[f"Encounter/{visit['id']}"] for visit in old_visits()]
    shut = {one.head.id for one in held if isinstance(one, Held) and one.opened is None}
    dialysis = {"dialysis", "in-words", "for-dialysis", "for-r5"}
    long_past = {"long-ago", "long-after", "stay-long-ago", "part-long-ago", "w"}
    assert shut == long_past | {"last-year", "for-nothing", "dialysis-long-ago"}
    names = {encounter.source.resource.partition("/")[2] for encounter in record.encounters}
    assert names == {"encounter", "linking", "whole", "part", "unreadable", "open"} | dialysis


def test_no_rule_asks_for_an_encounter_of_before_a_year() -> None:
    assert timedelta(codes.windows().days("dialysis-treatment")) < encounters._LONG_BEFORE


def test_who_took_part_is_read_of_the_encounters_of_doses() -> None:
    nurse = [{"individual": {"reference": "Practitioner/nurse"}}]
    years_ago = {"start": "2020-01-01T08:00:00Z", "end": "2020-01-01T09:00:00Z"}
    visits = [
        builders.encounter(participant=nurse),
        builders.encounter("same-day", participant=nurse),
        builders.encounter("open", participant=nurse, period={"start": "2020-01-01"}),
        builders.encounter("long-ago", participant=nurse, period=years_ago),
    ]
    collection = Collection()
    assert collection.add_text(text_of(bundle(builders.chart(*visits))), "the file")
    (record,), _ = Reader(Site()).records(collection)
    with_people = {
        encounter.source.resource for encounter in record.encounters if encounter.participants
    }
    assert len(with_people) == 2
    assert not with_people & {"Encounter/long-ago", "Encounter/open"}
