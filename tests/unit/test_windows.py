"""The windows of ours are data: another table makes another decision."""

from typing import get_args

import pytest
from msgspec import structs

from mappings import codes
from mappings.codes.tables.windows import WindowName
from mappings.site import Site
from tests import builders


def state(window: WindowName, days: int, requirement: str, *changes: builders.Resource) -> str:
    """With that window of another length."""
    known = codes.built_in()
    rows = [
        structs.replace(row, days=days) if row.window == window else row
        for row in known.windows.windows
    ]
    table = structs.replace(known.windows, windows=tuple(rows))
    site = Site(codes=structs.replace(known, windows=table))
    return builders.state(builders.assessed(*changes, site=site), requirement)


def test_each_window_has_a_row() -> None:
    rows = [row.window for row in codes.windows().windows]
    assert sorted(rows) == sorted(get_args(WindowName))
    assert not codes.windows().verified


@pytest.mark.parametrize(("days", "expected"), [(60, "met"), (59, "incomplete")])
def test_a_dialysis_treatment(days: int, expected: str) -> None:
    esrd, treated = builders.condition("N18.6", id="ckd"), builders.dialysis(on="2026-09-02")
    at_the_facility = (esrd, treated)
    assert state("dialysis-treatment", days, "ckd-diagnosis", *at_the_facility) == expected


@pytest.mark.parametrize(("days", "expected"), [(10, "met"), (9, "expired")])
def test_an_order_for_a_single_dose(days: int, expected: str) -> None:
    once = {"code": {"text": "once"}, "event": ["2026-10-22"]}
    instruction = {"timing": once, "doseAndRate": [{"doseQuantity": builders.quantity("200 mg")}]}
    order = builders.order(on="2026-10-22", dosageInstruction=[instruction])
    given = builders.administration(order="order")
    assert state("single-order", days, "treatment-plan", order, given) == expected


@pytest.mark.parametrize(("days", "expected"), [(100, "met"), (99, "incomplete")])
def test_a_weight(days: int, expected: str) -> None:
    child = builders.patient(born="2015-01-01")
    weight = builders.lab("weight", 30, on="2026-07-24")
    dose = builders.administration(dose="10 mg", ndc=builders.VENOFER_50)
    assert state("weight", days, "dosing", child, weight, dose) == expected


@pytest.mark.parametrize(("days", "expected"), [(400, "met"), (365, "missing")])
def test_a_trial_of_a_preferred_product(days: int, expected: str) -> None:
    payer = builders.commercial("UnitedHealthcare")
    dose = builders.administration(text="Injectafer", ndc=builders.INJECTAFER_750, dose="750 mg")
    earlier = builders.administration("earlier", on="2025-10-10T09:00:00-04:00", encounter=None)
    chart = (payer, dose, earlier)
    assert state("preferred-trial", days, "preferred-product", *chart) == expected
