"""The doses on the clinician's page are those that were given."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from integration.assessing.clients import policies_for
from integration.assessing.patient import check_pull
from integration.configuration.site import Site
from integration.ehr.reading.patient import PatientPull
from integration.web.chart.page import chart_page
from integration.web.chart.views import ChartPage
from tests.builders import DAY, Resource, administration, chart

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
SITE = Site(name="general", base_url="https://ehr.example.org/fhir", time_zone="America/New_York")


def page(resources: Sequence[Resource]) -> ChartPage:
    policies = policies_for(SITE)
    checked = check_pull(PatientPull("Patient/p1", list(resources), [], 0), SITE, policies, NOW)
    return chart_page(checked, resources, SITE, policies, NOW)


def test_the_sentence_counts_the_doses() -> None:
    assert str(page(chart()).sentence) == "The dose is documented. Nothing for you here."
    second = administration("ma2", on="2026-11-08T09:00:00-05:00", dose=None)
    assert str(page(chart(second)).sentence).startswith("1 of 2 iron doses since Nov 1 can be")


@pytest.mark.parametrize(
    "step",
    [
        administration("ma2", partOf=[{"reference": "MedicationAdministration/ma1"}]),
        administration(
            "ma2",
            on=f"{DAY}T09:05:00-05:00",
            dosage={"rateQuantity": {"value": 40, "unit": "mL/h"}},
        ),
    ],
    ids=["part", "rate change"],
)
def test_a_part_of_a_dose_is_no_dose(step: Resource) -> None:
    """It was said to wait for a biller's release."""
    seen = page(chart(administration(until=f"{DAY}T09:20:00-05:00"), step))
    assert [dose.administration for dose in seen.doses] == ["MedicationAdministration/ma1"]
    assert str(seen.sentence) == "The dose is documented. Nothing for you here."
    assert "MedicationAdministration/ma2" not in {row.resource for row, _ in seen.rows}
