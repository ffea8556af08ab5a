"""What holds for every chart, whatever it says. `make fuzz` looks with thousands of examples for
one for which it does not."""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mappings import codes
from mappings.assessment import ClaimLine
from mappings.document import to_json
from mappings.dose.vials import least_left
from tests import builders
from tests.builders import Resource, administration, dispense, order

# Product: the name on the record, and the NDCs of its vials with their mg.
PRODUCTS = {
    "Venofer": {
        builders.VENOFER_50: "50",
        builders.VENOFER_100: "100",
        builders.VENOFER_200: "200",
    },
    "Ferrlecit": {builders.FERRLECIT: "62.5"},
    "INFeD": {builders.INFED: "100"},
    "Injectafer": {builders.INJECTAFER_100: "100", builders.INJECTAFER_750: "750"},
    "Monoferric": {builders.MONOFERRIC_1000: "1000"},
}
MG_PER_UNIT = {
    code.code: code.mg_per_unit for family in codes.products().families for code in family.codes
}
MOMENTS = [
    datetime(2026, 11, 1, 14, tzinfo=UTC) + timedelta(minutes=minutes)
    for minutes in (0, 10, 24 * 60)
]


def amounts(most: int = 400) -> st.SearchStrategy[Decimal]:
    return st.one_of(st.integers(1, most).map(Decimal), st.decimals("0.01", str(most), places=2))


@st.composite
def doses(draw: st.DrawFn, name: str, number: int = 1) -> Resource:
    """An administration of the product: dose, vial, what was opened and what was thrown away, all
    of it optional and perhaps wrong."""
    vials = PRODUCTS[name]
    vial = draw(st.sampled_from([None, *vials]))
    mg = draw(st.one_of(amounts(), st.sampled_from([Decimal(size) for size in vials.values()])))
    size = Decimal(vials[vial]) if vial else mg
    left = size * (mg / size).to_integral_value(ROUND_CEILING) - mg
    discarded = draw(st.sampled_from([None, None, left, left, Decimal(0)]) | amounts(100))
    opened = draw(
        st.none()
        | st.lists(
            st.fixed_dictionaries(
                {"ndc": st.sampled_from(sorted(vials)), "count": st.integers(1, 3)}
            ),
            max_size=2,
        )
    )
    return administration(
        id=f"ma{number}",
        text=name,
        ndc=vial,
        dose=f"{mg} mg",
        discarded=None if discarded is None else f"{discarded} mg",
        opened=opened,
        note=draw(
            st.sampled_from(
                [
                    None,
                    None,
                    "no waste",
                    "wasted 50 mg",
                    "wasted 25 mg and 50 mg",
                    "gave 100 mg wasted 50 mg",
                ]
            )
        ),
        on=draw(st.sampled_from(MOMENTS)).isoformat(),
        drug_source=draw(st.sampled_from([None, None, None, "clear-bag", "white-bag"])),
    )


@st.composite
def charts(draw: st.DrawFn) -> list[Resource]:
    """The complete chart with one to three doses of one product instead of its own, and perhaps a
    dispense."""
    name = draw(st.sampled_from(sorted(PRODUCTS)))
    given = [draw(doses(name, number)) for number in range(1, draw(st.integers(1, 3)) + 1)]
    vials = draw(st.none() | st.integers(1, 4))
    vial = {"coding": [builders.coding(builders.NDC, min(PRODUCTS[name]))]}
    handed = [dispense(vials, medicationCodeableConcept=vial)] if vials else []
    asked = draw(st.sampled_from([None, 9, 9]))
    return builders.chart(*given, *handed, order(text=name, a_day=asked))


def lines_of(resources: list[Resource]) -> list[ClaimLine]:
    return [line for patient in builders.document_of(resources).patients for line in patient.lines]


def mg_of(resource: Resource) -> Decimal:
    return Decimal(str(resource["dosage"]["dose"]["value"]))


def administered_and_discarded(
    lines: list[ClaimLine],
) -> Iterator[tuple[ClaimLine, ClaimLine | None]]:
    """Each line with its JW line, which names the same administrations."""
    for line in lines:
        if "JW" not in line.modifiers:
            yield (
                line,
                next(
                    (
                        row
                        for row in lines
                        if "JW" in row.modifiers and row.administrations == line.administrations
                    ),
                    None,
                ),
            )


@given(charts())
def test_units_are_the_dose_rounded_up_and_never_below_it(chart: list[Resource]) -> None:
    given_mg = {
        f"MedicationAdministration/{resource['id']}": mg_of(resource)
        for resource in chart
        if resource["resourceType"] == "MedicationAdministration"
    }
    for line, _ in administered_and_discarded(lines_of(chart)):
        # Possible duplicates are counted once, and hold the line.
        mg = [given_mg[reference] for reference in line.administrations]
        least = Decimal(
            sum(set(mg)) if "dose" in line.reasons or line.status == "not-billable" else sum(mg)
        )
        assert line.units * MG_PER_UNIT[line.code] >= least
        assert (line.units - 1) * MG_PER_UNIT[line.code] < sum(mg)


@given(charts())
def test_a_line_never_has_both_of_jw_and_jz(chart: list[Resource]) -> None:
    lines = lines_of(chart)
    for line, discarded in administered_and_discarded(lines):
        assert len({"JW", "JZ"} & set(line.modifiers)) <= 1
        assert not (discarded and "JZ" in (*line.modifiers, *discarded.modifiers))
        assert discarded is None or (
            discarded.units >= 1 and set(line.modifiers) == set(discarded.modifiers) - {"JW"}
        )
        # A line that is ready says one or the other: every drug here is paid apart, in single-dose
        # vials.
        assert line.status != "ready" or discarded or "JZ" in line.modifiers


@given(charts())
def test_administered_and_discarded_are_what_the_containers_hold(chart: list[Resource]) -> None:
    by_id = {
        f"MedicationAdministration/{resource['id']}": resource
        for resource in chart
        if resource["resourceType"] == "MedicationAdministration"
    }
    for line, discarded in administered_and_discarded(lines_of(chart)):
        waste = by_id[line.administrations[0]] if len(line.administrations) == 1 else None
        if waste is None or line.status != "ready":
            continue
        opened = [
            extension
            for extension in waste.get("extension", [])
            if extension["url"].endswith("containers-opened")
        ]
        sizes = {ndc: Decimal(mg) for vials in PRODUCTS.values() for ndc, mg in vials.items()}
        held = sum(
            (
                sizes[row["extension"][1]["valueString"]] * row["extension"][0]["valueInteger"]
                for row in opened
            ),
            Decimal(0),
        )
        per_unit = MG_PER_UNIT[line.code]
        total = line.units + (discarded.units if discarded else 0)
        if held:
            assert total * per_unit <= held or (
                discarded is None and (line.units - 1) * per_unit < held
            )
            assert (total + 1) * per_unit > held
        coded = waste["medicationCodeableConcept"].get("coding")
        if not opened and coded and discarded:
            assert (total * per_unit) % sizes[coded[0]["code"]] < per_unit


@given(charts(), st.randoms(use_true_random=False))
def test_order_copies_and_strangers_never_change_the_document(
    chart: list[Resource], random: Any
) -> None:
    document = to_json(builders.document_of(chart))
    shuffled = [*chart, *copy.deepcopy(random.sample(chart, 3)), *STRANGERS]
    random.shuffle(shuffled)
    assert to_json(builders.document_of(shuffled)) == document


STRANGERS = [
    builders.patient("p2"),
    builders.condition("D50.9", id="of-another", patient="p2"),
    builders.lab("8480-6", 120, unit="mm[Hg]", id="pressure"),
    administration(id="ondansetron", text="Ondansetron", ndc=None),
    builders.resource(resourceType="Immunization", id="i", patient={"reference": "Patient/p1"}),
    builders.medication("other", text="busPIRone"),
]

SPELLINGS = [
    {"unit": "mg", "system": builders.UCUM, "code": "mg"},
    {"unit": "g", "system": builders.UCUM, "code": "g"},
    {"unit": "mcg", "system": builders.UCUM, "code": "ug"},
    {"unit": "milliliter (iso1000)", "system": builders.UCUM, "code": "mL"},
    {"unit": "MG"},
    {"unit": "Milligrams"},
    {"unit": "cc"},
    {"unit": "vials"},
    {"unit": "gram"},
    {"code": "mg"},
]
FACTOR = {
    "g": "0.001",
    "gram": "0.001",
    "mcg": "1000",
    "milliliter (iso1000)": "0.05",
    "cc": "0.05",
    "vials": "0.01",
}


@given(amounts(), st.sampled_from(SPELLINGS), st.sampled_from(SPELLINGS))
def test_how_the_dose_is_spelled_changes_nothing_that_is_billed(
    mg: Decimal, first: Resource, second: Resource
) -> None:
    def billed(unit: Resource) -> list[tuple[Any, ...]]:
        value = mg * Decimal(FACTOR.get(unit.get("unit", ""), "1"))
        found = builders.assessed(administration(dose={"value": value, **unit}))
        return [
            (line.code, line.modifiers, line.units, line.status, line.reasons, line.ndc)
            for line in found.lines
        ]

    assert billed(first) == billed(second)


# --- evidence

SUPPORT = sorted(set(builders.complete()) - {"administration", "patient"})


@given(st.sets(st.sampled_from(SUPPORT)), st.sets(st.sampled_from(SUPPORT)), st.booleans())
def test_removing_evidence_never_makes_a_held_line_ready(
    first: set[str], more: set[str], commercial: bool
) -> None:
    extra = [builders.commercial(), builders.authorization(), builders.note()] if commercial else []
    extra = [row for row in extra if row["id"] not in first | more]
    before = lines_of(builders.chart(*extra, without=tuple(first)))
    after = lines_of(builders.chart(*extra, without=tuple(first | more)))
    if all(line.status != "ready" for line in before):
        assert all(line.status != "ready" for line in after)


# --- broken input: what may stand anywhere instead of what should

JUNK: list[Any] = [
    None, "", 0, -1, [], {}, True, "x", "9" * 40, 10**30, Decimal("1E-999999"),
    Decimal("1E+999999"), Decimal("NaN"), 1.5,
    [None], [[]], {"": None}, ["a"], "²", "\x00", [{"system": [], "code": {}}], {"coding": "x"},
    {"coding": [None, 1]},
    {"reference": None}, {"reference": "#"}, {"reference": "://"}, {"reference": "Patient/p1"},
    {"reference": "MedicationAdministration/ma1"}, "0001-01-01", "9999-12-31T23:59:59+14:00",
    "2026-11-01T09:00:00",
    {"value": "200", "unit": "mg"}, {"value": Decimal("NaN"), "unit": "mg"},
    {"value": 200, "unit": "drops"},
]  # fmt: skip


def of_patient(kind: str, identity: str, **elements: Any) -> Resource:
    return {
        "resourceType": kind,
        "id": identity,
        "status": "active",
        "subject": {"reference": "Patient/p1"},
    } | elements


RICH = builders.chart(
    administration(
        dose="150 mg",
        discarded="50 mg",
        opened=[{"ndc": builders.VENOFER_100, "count": 2}],
        note="wasted 50 mg",
        r340b=True,
        drug_source="buy-and-bill",
        until=f"{builders.DAY}T10:00:00-05:00",
        identifier=[{"system": "urn:mar", "value": "1"}],
        partOf=[{"reference": "Procedure/dialysis"}],
        reasonCode=[{"coding": [builders.coding(builders.ICD10, "D50.9")]}],
        statusReason=[{"text": "none"}],
    ),
    administration(
        id="ma2",
        dose="110 mL",
        medicationCodeableConcept=None,
        medicationReference={"reference": "Medication/bag"},
    ),
    builders.bag(
        ndc=builders.VENOFER_100,
        identifier=[{"system": builders.NDC, "value": builders.VENOFER_100}],
        batch={"lotNumber": "1"},
    ),
    *(
        dispense(),
        builders.note(),
        builders.dialysis(),
        builders.authorization(),
        builders.oral_iron("2026-05-01", "2026-09-01"),
    ),
    *(
        builders.lab("iron", 30, specimen="s"),
        builders.lab("tibc", 300, specimen="s"),
        builders.lab("hemoglobin", "9.1 g/dL"),
    ),
    {"resourceType": "Specimen", "id": "s", "collection": {"collectedDateTime": "2026-10-12"}},
    of_patient("DiagnosticReport", "report", result=[{"reference": "Observation/x"}]),
    of_patient(
        "CarePlan",
        "plan",
        intent="plan",
        activity=[{"detail": {"productCodeableConcept": {"text": "Venofer"}}}],
    ),
    of_patient(
        "Claim",
        "claim",
        use="claim",
        patient={"reference": "Patient/p1"},
        insurance=[{"preAuthRef": ["PA1"]}],
        item=[{"productOrService": {"coding": [builders.coding(builders.HCPCS, "J1756")]}}],
    ),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a resource that can be broken."""
    listed = enumerate(value) if isinstance(value, list) else ()
    pairs = value.items() if isinstance(value, dict) else listed
    for key, item in pairs:
        yield (*path, key)
        yield from places(item, (*path, key))


def broken(resource: Resource, path: tuple[Any, ...], junk: Any) -> Resource:
    """A copy with junk at the place; junk `...` leaves the element out."""
    changed = copy.deepcopy(resource)
    holder: Any = changed
    for key in path[:-1]:
        holder = holder[key]
    if junk is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = copy.deepcopy(junk)
    return changed


@st.composite
def mutants(draw: st.DrawFn, resource: Resource, within: str | None = None) -> Resource:
    found = [path for path in places(resource) if within is None or path[0] == within]
    return broken(resource, draw(st.sampled_from(found)), draw(st.sampled_from([..., *JUNK])))


@given(st.data())
def test_nothing_that_stands_in_a_resource_breaks_an_assessment(data: st.DataObject) -> None:
    chart = list(RICH)
    for _ in range(data.draw(st.integers(1, 3))):
        number = data.draw(st.integers(0, len(chart) - 1))
        if chart[number]:
            chart[number] = data.draw(mutants(chart[number]))
    assert to_json(builders.document_of(chart))


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
KEYS = st.sampled_from(
    ["resourceType", "id", "subject", "status", "dosage", "code", "entry", "resource", "meta"]
)


@given(
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
        max_leaves=12,
    )
)
def test_no_json_breaks_an_assessment_or_spoils_the_rest(anything: Any) -> None:
    document = builders.document_of([*builders.chart(), anything])
    assert builders.shown(document.patients[0]) == ["J1756 JZ × 200 ready"]
    assert to_json(document)


def readable_mg(resource: Resource) -> Decimal | None:
    """mg of the dose as a careful person would read it, without the code under test: a positive
    number of mg, by code or else by text."""
    dosage = resource.get("dosage")
    dose = dosage.get("dose") if isinstance(dosage, dict) else None
    if not isinstance(dose, dict) or dose.get("comparator"):
        return None
    value, code = dose.get("value"), dose.get("code")
    other_code = (
        dose.get("system") == builders.UCUM and isinstance(code, str) and code not in ("", "mg")
    )
    if (
        isinstance(value, bool | str)
        or not isinstance(value, int | Decimal)
        or not Decimal(value).is_finite()
    ):
        return None
    return (
        Decimal(value)
        if "mg" in (code, dose.get("unit")) and not other_code and value > 0
        else None
    )


@given(mutants(builders.complete()["administration"], within="dosage"))
def test_a_broken_dose_is_never_ready(given: Resource) -> None:
    mg = readable_mg(given)
    for line in lines_of(builders.chart(given)):
        assert line.status != "ready" or (
            mg is not None and line.units == mg.to_integral_value(ROUND_CEILING)
        )


@given(
    mutants(
        administration(
            codings=[
                builders.coding(builders.RXNORM, "24909"),
                builders.coding(builders.HCPCS, "J1756"),
            ]
        ),
        "medicationCodeableConcept",
    )
)
def test_a_broken_product_is_never_ready_as_another(given: Resource) -> None:
    for line in lines_of(builders.chart(given)):
        assert line.code == "J1756"
        assert line.status != "ready" or (line.ndc is not None and line.ndc.code == "00517234010")


@given(
    st.lists(
        st.sampled_from(
            [
                builders.VENOFER_100,
                builders.INJECTAFER_750,
                builders.INFED,
                "59353-652-01",
                "24338-510-17",
            ]
        ),
        min_size=2,
        max_size=3,
        unique=True,
    )
)
def test_products_that_contradict_each_other_have_no_line(ndcs: list[str]) -> None:
    given = administration(
        text=None, ndc=None, codings=[builders.coding(builders.NDC, ndc) for ndc in ndcs]
    )
    found = builders.document_of(builders.chart(given)).patients
    assert not [line for patient in found for line in patient.lines]


VIALS = st.sets(st.sampled_from(list(map(Decimal, ("50", "100", "62.5", "200")))), min_size=1)


@given(st.integers(1, 1000).map(Decimal), VIALS)
def test_whole_vials_leave_less_than_the_smallest(dose: Decimal, sizes: set[Decimal]) -> None:
    assert 0 <= least_left(dose, sizes) < min(sizes)
