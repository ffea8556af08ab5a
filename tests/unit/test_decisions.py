"""What people decide, as a file says it: every mistake with its line and what to write."""

from datetime import date

import pytest

from integration.configuration.site import Site as ConfiguredSite
from mappings import decisions
from mappings.datafiles.error import DataFileError
from mappings.decisions import Decision
from mappings.site import Site
from mappings.standing_decisions import Decisions
from tests import builders

GOOD = """decisions:
- who: Maria Lopez
  when: 2026-11-20
  until: 2027-12-31
  note: works for a company of 40
  pays_first: {patient: Patient/p1, coverage: Coverage/group, then: [Coverage/medicare]}
- {who: Maria Lopez, when: 2026-11-20, medicare_secondary: {patient: p1, type: '12'}}
- who: Maria Lopez
  when: 2026-11-20
  payer_answer:
    payer: Sunrise Health Plan
    code: J1756
    authorization: not-required
    timely_filing_days: 180
    confirmed_by: provider line, reference 7
- who: Maria Lopez
  when: 2026-11-20
  authorization: {patient: p1, number: PA7, codes: [J1756], units: 1000, from: 2026-10-01,
      to: 2026-12-31}
- {who: Maria Lopez, when: 2026-11-20, note: asked RN Ames,
    note_misread: {patient: p1, administration: ma1, words: "Eliquis held"}}
- {who: Maria Lopez, when: 2026-11-20,
    site_row: {table: payer_aliases, key: Prairie, value: commercial}}
"""


def test_each_kind_is_said_as_evidence_with_who_and_when() -> None:
    assert [decision.decided.says for decision in decisions.from_text(GOOD, "d.yaml")] == [
        (
            "Maria Lopez decided on Nov 20, 2026, until Dec 31, 2027: Coverage/group pays first,"
            " then Coverage/medicare (works for a company of 40)"
        ),
        "Maria Lopez decided on Nov 20, 2026: Medicare is secondary, working aged (12)",
        (
            "Maria Lopez decided on Nov 20, 2026: Sunrise Health Plan requires no authorization and"
            " accepts claims within 180 days of J1756, confirmed by provider line, reference 7"
        ),
        "Maria Lopez decided on Nov 20, 2026: authorization PA7 for J1756 is on file",
        (
            "Maria Lopez decided on Nov 20, 2026: “Eliquis held” says nothing against the dose as"
            " recorded (asked RN Ames)"
        ),
        "Maria Lopez decided on Nov 20, 2026: payer_aliases: Prairie is commercial",
    ]


def test_json_is_the_same_form() -> None:
    text = (
        '{"decisions": [{"who": "M", "when": "2026-11-20", "site_row": {"table": "payer_aliases",'
        ' "key": "Prairie", "value": "commercial/uhc"}}]}'
    )
    (decision,) = decisions.from_text(text, "d.json")
    assert decision.kind == "site_row"


def test_the_store_keeps_the_same_form() -> None:
    for decision in decisions.from_text(GOOD, "d.yaml"):
        assert decisions.from_document(decisions.to_document(decision)) == decision


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("when: 2026-11-20, pays_first: {patient: p1, coverage: c}", "`who` is missing"),
        ("who: M, when: 11/20/2026, pays_first: {patient: p1, coverage: c}", "2026-11-20"),
        ("who: M, when: 2026-11-20", "write one of pays_first, medicare_secondary, payer_answer"),
        ("who: M, when: 2026-11-20, pays_frst: {patient: p1, coverage: c}", "`pays_first`?"),
        (
            (
                "who: M, when: 2026-11-20, pays_first: {patient: p1, coverage: c}, site_row:"
                " {table:"
                " payer_aliases, key: P, value: medicaid}"
            ),
            "pays_first and site_row stand here",
        ),
        (
            "who: M, when: 2026-11-20, until: 2026-11-19, pays_first: {patient: p1, coverage: c}",
            "it ends before it was decided",
        ),
        (
            "who: M, when: 2026-11-20, medicare_secondary: {patient: p1, type: '11'}",
            "11 is not a reason for Medicare to pay second (known: 12 working aged, 13 ESRD",
        ),
        (
            "who: M, when: 2026-11-20, payer_answer: {payer: S, confirmed_by: x}",
            "say `authorization` (required or not-required) or `timely_filing_days`",
        ),
        (
            (
                "who: M, when: 2026-11-20, payer_answer: {payer: S, authorization: maybe,"
                " confirmed_by: x}"
            ),
            "known: required, not-required",
        ),
        (
            (
                "who: M, when: 2026-11-20, payer_answer: {payer: S, timely_filing_days: 0,"
                " confirmed_by: x}"
            ),
            "write at least 1",
        ),
        (
            "who: M, when: 2026-11-20, payer_answer: {payer: S, timely_filing_days: 90}",
            "`confirmed_by` is missing",
        ),
        (
            "who: M, when: 2026-11-20, authorization: {patient: p, number: N, codes: [J9]}",
            "J9 is not a code of an IV iron",
        ),
        ("who: M, when: 2026-11-20, authorization: {patient: p, number: N, codes: []}", "one"),
        (
            (
                "who: M, when: 2026-11-20, authorization: {patient: p, number: N, codes: [J1756],"
                " units: 0}"
            ),
            "above 0",
        ),
        (
            (
                "who: M, when: 2026-11-20, authorization: {patient: p, number: N, codes: [J1756],"
                " from: 2026-02-01, to: 2026-01-01}"
            ),
            "it ends before it begins",
        ),
        (
            "who: M, when: 2026-11-20, site_row: {table: payers, key: P, value: commercial}",
            "known: payer_aliases",
        ),
        (
            "who: M, when: 2026-11-20, site_row: {table: payer_aliases, key: P, value: private}",
            "private is not a kind of payer",
        ),
        *(
            (f"who: M, when: 2026-11-20, site_row: {{{row}}}", said)
            for row, said in (
                (
                    "table: lab_aliases, key: FER, value: feritin",
                    "'FER' stands for is not an analyte",
                ),
                (
                    "table: drug_aliases, key: V, value: venofer",
                    "'V' stands for is not a product (",
                ),
                ("table: encounter_classes, key: I, value: out", "'I' stands for is not a kind of"),
                (
                    "table: status_words, key: Condition.clinicalStatus|A, value: actve",
                    "'A' stands for is not a status of Condition.clinicalStatus (active",
                ),
                ("table: status_words, key: A, value: active", "'A' is not an element whose"),
            )
        ),
    ],
)
def test_a_mistake_is_named_with_file_and_line(row: str, said: str) -> None:
    with pytest.raises(DataFileError) as found:
        decisions.from_text(f"decisions:\n- {{{row}}}\n", "d.yaml")
    assert any(text.startswith("d.yaml:2: ") and said in text for text in found.value.every)


def test_every_mistake_of_a_file_is_told() -> None:
    with pytest.raises(DataFileError) as found:
        decisions.from_text("decisions:\n- {who: M}\n- {when: 2026-11-20}\n", "d.yaml")
    assert {text.split(":")[1] for text in found.value.every} == {"2", "3"}


def answer(when: date, payer: str = "Sunrise", **said: object) -> Decision:
    return decisions.from_document(
        {
            "who": "M",
            "when": when,
            "payer_answer": {"payer": payer, "confirmed_by": "x", **said},
        }
    )


def test_of_two_of_one_matter_the_newer_holds_whatever_their_order() -> None:
    old = answer(date(2026, 11, 1), authorization="required")
    new = answer(date(2026, 11, 2), "SUNRISE", authorization="not-required")
    assert list(Decisions([new, old])) == list(Decisions([old, new])) == [new]


def test_of_two_of_one_day_the_last_written_holds() -> None:
    first, second = (
        answer(date(2026, 11, 1), authorization=said) for said in ("required", "not-required")
    )
    assert list(Decisions([first, second])) == [second]


def row_of(table: str, key: str, value: str) -> Decision:
    row = {"table": table, "key": key, "value": value}
    return decisions.from_document({"who": "M", "when": "2026-11-20", "site_row": row})


def test_a_row_says_what_the_same_row_of_the_configuration_says() -> None:
    configured = ConfiguredSite(base_url="https://x", lab_aliases={"l|FER": "2276-4"}).facts()
    decided = Site().deciding([row_of("lab_aliases", "l|FER", "2276-4")], builders.AS_OF)
    assert configured.lab_aliases == decided.lab_aliases == {"l|FER": "ferritin"}


def test_a_row_that_means_nothing_any_more_stops_nothing() -> None:
    kept = [row_of("lab_aliases", "FER", "gone"), row_of("encounter_classes", "INF", "ambulatory")]
    site = Site().deciding(kept, builders.AS_OF)
    assert (site.lab_aliases, site.encounter_classes) == ({}, {"INF": "ambulatory"})
