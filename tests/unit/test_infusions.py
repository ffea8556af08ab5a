"""The companion lines of giving the drug: their chain, their identity, what they take from the
drug's line."""

from datetime import date

from mappings import codes
from mappings.assessment import ClaimLine, Evidence
from mappings.site import Site
from mappings.values.identity import stable_id
from tests import builders
from tests.builders import administration, assessed, encounter

BILLED = Site(bill_services=True)
HALF_PAST = "2026-11-01T09:30:00-05:00"


def companions(*changes: builders.Resource, without: tuple[str, ...] = ()) -> list[ClaimLine]:
    return [
        line
        for line in assessed(*changes, without=without, site=BILLED).lines
        if line.code.startswith("96")
    ]


def test_the_chain_shows_the_minutes_the_rule_and_its_dates() -> None:
    (line,) = companions(administration(version="4", until=HALF_PAST))
    (step,) = line.trace
    assert (step.rule, step.says) == ("administration", "30 minutes → 96365 × 1")
    table = codes.administration_services()
    assert (step.source, step.verified, step.start, step.end) == (
        table.source,
        False,
        date(2009, 1, 1),
        None,
    )
    assert (
        step.evidence
        == line.evidence
        == (Evidence("MedicationAdministration/ma1", "4", "start and stop"),)
    )


def test_the_chain_adds_up_bags_and_says_where_no_stop_is_known() -> None:
    (line,) = companions(
        administration(dose="100 mg", until=HALF_PAST),
        administration("ma2", dose="100 mg", on="2026-11-01T09:40:00-05:00"),
    )
    assert line.trace[0].says == "30 minutes + no stop time, as a push → 96365 × 1"
    assert [evidence.resource for evidence in line.evidence] == [
        "MedicationAdministration/ma1",
        "MedicationAdministration/ma2",
    ]


def test_it_takes_from_the_drug_what_is_the_same_for_both() -> None:
    found = assessed(administration(until=HALF_PAST), site=BILLED)
    line, drug = found.lines
    assert (line.code, drug.code, drug.file_by) == ("96365", "J1756", "2027-11-01")
    for name in (
        "policy",
        "coverage",
        "diagnoses",
        "place_of_service",
        "drug_source",
        "service_date",
        "file_by",
        "status",
        "reasons",
    ):
        assert getattr(line, name) == getattr(drug, name), name
    assert (line.value, line.ndc, line.modifiers) == (None, None, ())
    assert line.notes == ("administration service; its payment is not priced here",)


def test_secondary_coverages_are_the_drugs() -> None:
    medicaid = builders.coverage("2", "State Medicaid", id="medicaid")
    assert [
        companion.secondary_coverages
        for companion in companions(administration(until=HALF_PAST), medicaid)
    ] == [("Coverage/medicaid",)]


def test_its_identity_is_of_patient_dose_and_code() -> None:
    first, second = companions(administration(until="2026-11-01T10:31:00-05:00"))
    assert (first.id, second.id) == tuple(
        stable_id("line", "Patient/p1", "MedicationAdministration/ma1", code)
        for code in ("96365", "96366")
    )


def test_another_dose_held_holds_no_other_encounters_service() -> None:
    """What the payer's drug lacks concerns the encounter in which it was given."""
    whole = administration(drug_source="white-bag", until=HALF_PAST)
    lacking = administration(
        "ma2", drug_source="white-bag", on="2026-11-02T09:00:00-05:00", encounter="e2"
    )
    visit = encounter("e2", period={"start": "2026-11-02", "end": "2026-11-02"})
    assert [companion.status for companion in companions(whole, lacking, visit)] == [
        "ready",
        "held",
    ]
