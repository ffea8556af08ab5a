"""Cards, requests for authorization and the assessment of the dose say the same of one chart; and
less of a chart never makes a card tell more."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from integration.authorizing.charts import from_collection
from integration.authorizing.planned import Asking
from integration.cds import evidence
from integration.cds.evidence import KnownChart
from mappings import codes
from mappings.assess import assess
from mappings.assessment import Finding, Gap
from mappings.policy import choosing
from mappings.reading import Collection, read
from tests.builders import (
    Resource,
    administration,
    chart,
    commercial,
    condition,
    coverage,
    ferritin,
    lab,
    oral_iron,
    order,
    pas_answer,
    patient,
    quantity,
    tsat,
)
from tests.unit.test_cds_drafts import NOW, SITE, advised, prefetch, topics

POLICIES = choosing.built_in()
DRUGS = {
    "Venofer": (200, 2000),
    "Injectafer": (750,),
    "Monoferric": (1000,),
    "Feraheme": (510,),
    "INFeD": (100, 1000),
    "Ferrlecit": (125,),
}
PLANS = (
    commercial(),
    commercial("UnitedHealthcare"),
    commercial("Ambetter"),
    coverage("21", "Medicaid"),
    coverage("112", "Humana Medicare Advantage"),
)
PARTS = ("ferritin", "tsat", "intolerance", "ckd", "anemia-in-ckd", "iron-deficiency")
DAYS = ("2026-11-20", "2026-10-10", "2026-06-01")
# The payer's rule of an authorization of which nobody knows is no card.
UNANSWERED = "prior-authorization"


class Case:
    """A chart without the dose, and a draft."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.start = self._chance.choice([None, None, "2027-01-10"])
        drug = self._chance.choice(list(DRUGS))
        self.mg = self._chance.choice(DRUGS[drug])
        self.draft = order("d1", text=drug, dose=f"{self.mg} mg", status="draft", on="2026-12-01")
        if self.start:
            repeat = self.draft["dosageInstruction"][0]["timing"]["repeat"]
            repeat |= {"boundsPeriod": {"start": self.start}}
        without = [part for part in PARTS if self._chance.random() < 0.4]
        changes = list(self._changes())
        pays = any(one["resourceType"] == "Coverage" for one in changes)
        dropped = ["administration", "order", *without, *(["coverage"] if pays else [])]
        self.chart = chart(*changes, without=dropped)

    def _changes(self) -> Iterator[Resource]:
        pick = self._chance.choice
        made: list[tuple[float, list[Resource]]] = [
            (0.7, [pick(PLANS)]),
            (0.7, [ferritin(pick([8, 42, 120, 450, 650, 900]), on=pick(DAYS))]),
            (0.7, [tsat(pick([8, 14, 25, 35, 55]), on=pick(DAYS))]),
            (0.3, [condition("N18.6"), condition("Z99.2")]),
            (0.3, [pas_answer(code=pick(["J1756", "J1439"]), units=2000, start="2026-11-01",
                              end=pick(["2026-11-20", "2027-02-01"]))]),
            (0.3, [oral_iron("2026-05-01", "2026-08-30")]),
            (0.3, [lab("weight", pick([18, 60, 90]), on=DAYS[0])]),
            (0.2, [lab("hemoglobin", pick([6, 9, 12]), on=DAYS[0])]),
            (0.2, [patient(born="2019-03-01")]),
        ]  # fmt: skip
        for share, resources in made:
            if self._chance.random() < share:
                yield from resources

    def advice(self, *without: str) -> Any:
        found, missing = evidence.prefetched(prefetch(self.chart, without), "p1")
        return advised(KnownChart(tuple(found), frozenset(missing)), [self.draft])

    def of_dose(self) -> set[str]:
        """As the assessment says, once it was given."""
        on = f"{self.start}T12:00:00-05:00" if self.start else NOW.isoformat()
        given = administration("given", on=on, order="d1", encounter=None, ndc=None) | {
            "medicationCodeableConcept": self.draft["medicationCodeableConcept"],
            "dosage": {"dose": quantity(f"{self.mg} mg")},
        }
        facts = SITE.facts()
        (record,), _ = read([*self.chart, self.draft | {"status": "active"}, given], facts)
        as_of = datetime.fromisoformat(on) + timedelta(hours=1)
        return told(assess(record, POLICIES, as_of, facts, trace=False).gaps)

    def of_request(self) -> set[str]:
        """As a request for authorization says."""
        collection = Collection()
        for one in (*self.chart, self.draft | {"status": "active"}):
            collection.add(one, "the test")
        asking = Asking(NOW, orders=frozenset({"MedicationRequest/d1"}))
        (request,) = from_collection(collection, SITE.facts(), POLICIES, asking).requests
        found = [*request.criteria, *([request.asked] if request.asked else [])]
        return told([one for one in found if one.state not in ("met", "not-applicable")])


def told(found: Any) -> set[str]:
    """What cards tell of."""
    return {one.requirement for one in found if _is_told(one)}


def _is_told(one: Gap | Finding) -> bool:
    group = codes.requirements()[one.requirement].group
    return bool(group) and (one.blocking or group == "safety")


CASES = range(40)


@pytest.mark.parametrize("seed", CASES)
def test_what_a_card_tells_is_what_holds_the_dose_and_the_request(seed: int) -> None:
    case = Case(seed)
    advice = case.advice()
    cards = set(topics(advice.cards)) | ({UNANSWERED} if advice.unanswered else set())
    assert cards == case.of_dose()
    assert cards == case.of_request()


@pytest.mark.parametrize("seed", CASES[::4])
def test_less_of_a_chart_never_tells_more(seed: int) -> None:
    case = Case(seed)
    whole = set(topics(case.advice().cards))
    for name in evidence.PREFETCH:
        assert set(topics(case.advice(name).cards)) <= whole, name
