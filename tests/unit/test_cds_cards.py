"""How many cards an order gets, in which order, and what can be done about each at once."""

from typing import Any

from integration.cds.cards import KINDS, REASONS
from mappings import codes
from tests.builders import (
    Resource,
    commercial,
    condition,
    encounter,
    ferritin,
    location,
    order,
    tsat,
)
from tests.unit.test_cds_drafts import DRAFT, FRESH, RECENT, bare, cards, prefetch, topics

LACKING = ("ferritin", "tsat", "intolerance")
UHC = commercial("UnitedHealthcare")
MONOFERRIC = order("d", text="Monoferric", dose="1000 mg", status="draft")
ESRD = (condition("N18.6"), condition("Z99.2"))


def kinds(made: list[dict[str, Any]]) -> list[str]:
    return [card["indicator"] for card in made]


def test_papers_are_one_card_however_many_are_missing() -> None:
    (card,) = cards(bare(without=[*LACKING, "iron-deficiency", "anemia-in-ckd"]))
    assert card["detail"].count("\n- ") + 1 == len(topics([card])) >= 4
    assert card["source"]["topic"]["code"] == "ferritin"
    assert card["source"]["topic"]["display"] == "Ferritin"
    assert "also: transferrin saturation" in card["summary"]


def test_what_is_asked_of_two_findings_is_said_once() -> None:
    (card,) = cards(bare(without=["ferritin", "tsat"]))
    first, second = card["detail"].partition("\n\n")[0].splitlines()
    assert first.endswith("before Dec 1, 2026.")
    assert "wants ferritin and transferrin saturation on record" in second


def test_what_may_harm_comes_first_then_what_changes_the_order_then_papers() -> None:
    resources = bare(UHC, ferritin(900, on=RECENT), without=["coverage", *LACKING])
    made = cards(resources, MONOFERRIC)
    assert topics(made) == ["iron-overload", "preferred-product", "transferrin-saturation"]
    assert kinds(made) == ["warning", "info", "info"]


def test_every_group_has_its_reasons_and_its_card() -> None:
    groups = {row.group for row in codes.requirements().values() if row.group}
    assert groups == set(REASONS) == {group for some in KINDS.values() for group in some}
    (card,) = cards(bare(without=LACKING))
    reasons = [reason["code"] for reason in card["overrideReasons"]]
    assert len(set(reasons)) == len(reasons)
    assert {*REASONS["laboratory"], *REASONS["documentation"]} == set(reasons)


# A drug that the payer prefers


def test_a_preferred_product_is_one_choice_away() -> None:
    kept = {"encounter": {"reference": "Encounter/encounter"}, "reasonCode": [{"text": "anemia"}]}
    draft = MONOFERRIC | kept
    (card,) = cards(bare(UHC, *FRESH, without=["coverage"]), draft)
    assert card["selectionBehavior"] == "at-most-one"
    labels = [one["label"] for one in card["suggestions"]]
    assert labels[0] == "Order iron sucrose instead of Monoferric"
    removed, added = card["suggestions"][0]["actions"]
    assert (removed["type"], removed["resourceId"]) == ("delete", "MedicationRequest/d")
    made = added["resource"]
    assert (added["type"], made["status"], made["intent"]) == ("create", "draft", "order")
    assert {name: made[name] for name in kept} == kept
    assert made["medicationCodeableConcept"]["text"] == "iron sucrose"
    assert made["subject"] == {"reference": "Patient/p1"}
    assert "dosageInstruction" not in made
    assert len({one["uuid"] for one in card["suggestions"]}) == len(labels)


def test_what_stands_inside_another_is_not_replaced() -> None:
    infusion: Resource = {
        "resourceType": "ServiceRequest",
        "id": "s",
        "status": "draft",
        "subject": {"reference": "Patient/p1"},
        "code": {"text": "Monoferric infusion"},
    }
    (card,) = cards(bare(UHC, *FRESH, without=["coverage"]), infusion)
    assert topics([card]) == ["preferred-product"]
    assert "suggestions" not in card


# Tests that are ordered for later


def recheck(day: str | None, **more: Any) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "id": "recheck",
        "code": {"text": "Ferritin"},
        "subject": {"reference": "Patient/p1"},
        **({"occurrenceDateTime": day} if day else {}),
        **more,
    }


def test_a_test_after_the_dose_tells_nothing_of_it() -> None:
    resources = bare(tsat(on=RECENT), without=["ferritin", "tsat"])
    for day in (None, "2026-12-01"):
        assert cards(resources, DRAFT, recheck(day)) == []
    assert topics(cards(resources, DRAFT, recheck("2027-01-05"))) == ["ferritin"]
    period = recheck(None, occurrencePeriod={"start": "2027-01-05", "end": "2027-02-05"})
    assert topics(cards(resources, DRAFT, period)) == ["ferritin"]
    weeks = {"repeat": {"boundsPeriod": {"start": "2027-01-05"}}}
    assert topics(cards(resources, DRAFT, recheck(None, occurrenceTiming=weeks))) == ["ferritin"]


def test_a_test_that_was_ordered_last_week_is_on_its_way() -> None:
    for ordered, status, told in (
        ("2026-11-24", "active", []),
        ("2026-11-10", "active", ["ferritin"]),
        ("2026-11-24", "completed", ["ferritin"]),
        (None, "active", ["ferritin"]),
    ):
        test = recheck(None, status=status, **({"authoredOn": ordered} if ordered else {}))
        resources = bare(tsat(on=RECENT), test, without=["ferritin", "tsat"])
        assert topics(cards(resources)) == told
    assert topics(
        cards(bare(tsat(on=RECENT), without=["ferritin", "tsat"]), without=["tests"])
    ) == ["ferritin"]


def test_an_order_set_with_a_ferritin_after_the_last_dose() -> None:
    def order_set(relationship: str) -> Resource:
        after = {"actionId": "iron", "relationship": relationship}
        return {
            "resourceType": "RequestGroup",
            "id": "set",
            "status": "draft",
            "intent": "order",
            "subject": {"reference": "Patient/p1"},
            "contained": [DRAFT | {"id": "iron"}, recheck(None)],
            "action": [
                {"id": "iron", "resource": {"reference": "#iron"}},
                {"resource": {"reference": "#recheck"}, "relatedAction": [after]},
            ],
        }

    resources = bare(tsat(on=RECENT), without=["ferritin", "tsat"])
    assert topics(cards(resources, order_set("after-end"))) == ["ferritin"]
    assert cards(resources, order_set("before-start")) == []


# In dialysis


def at(place: str, *changes: Resource, without: tuple[str, ...] = ("ckd",)) -> list[Any]:
    """Cards of an order in a visit at a place, with the place."""
    visit = encounter(
        "visit",
        location="here",
        status="in-progress",
        period={"start": "2026-12-01T08:00:00-05:00"},
    )
    answers = prefetch(bare(*ESRD, *changes, visit, without=[*without, "encounter"]))
    answers["encounters"]["entry"].append({"resource": location(place, id="here")})
    return cards([], also=answers)


def test_in_the_dialysis_facility_the_bundle_is_no_alarm() -> None:
    assert at("65", *FRESH) == []
    (card,) = at("65", without=("ckd", "ferritin"))
    assert topics([card]) == ["ferritin"]
    assert "part of the ESRD bundle" in card["detail"]
    assert "bundle" not in card["summary"]


def test_elsewhere_the_order_is_in_the_wrong_place() -> None:
    (card,) = at("22", *FRESH)
    assert topics([card]) == ["esrd-consolidated-billing"]
    assert card["indicator"] == "info"
    assert "dialysis facility's claim" in card["summary"]
    assert "facility" in {reason["code"] for reason in card["overrideReasons"]}
    assert "suggestions" not in card
