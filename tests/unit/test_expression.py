"""Conditions of policies: what can be written, what is refused, and what they say where facts are
unknown."""

import re
from datetime import date
from decimal import Decimal

import pytest

from mappings.assessment import State
from mappings.policy import conditions
from mappings.policy.conditions import Facts, LabState, Verdict, judge, parse
from mappings.record import LabResult, Source
from mappings.values.moment import Moment

DAY = Moment(date(2026, 10, 12), date(2026, 10, 12))


def result(
    low: str | None,
    high: str | None = None,
    low_open: bool = False,
    high_open: bool = False,
    analyte: str = "ferritin",
) -> LabResult:
    bottom = Decimal(low) if low is not None else None
    top = Decimal(high) if high is not None else bottom
    source = Source("Observation/o1")
    return LabResult(
        source=source,
        analyte=analyte,
        when=DAY,
        low=bottom,
        high=top,
        low_open=low_open,
        high_open=high_open,
    )


def facts(flags: dict[str, bool | None] | None = None, **labs: str | State) -> Facts:
    """`ferritin="42"`, or a state for one that is absent: `ferritin="missing"`."""
    states = {
        name: (
            LabState("met", result(value, analyte=name)) if value[0].isdigit() else LabState(value)  # type: ignore[arg-type]
        )
        for name, value in labs.items()
    }
    return Facts(flags or {}, states)


def verdict(
    text: str, flags: dict[str, bool | None] | None = None, **labs: str | State
) -> tuple[bool | None, dict[str, State]]:
    found: Verdict = judge(parse(text), facts(flags, **labs))
    return found.holds, dict(found.states)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "ferritine <= 500",
            "unknown name 'ferritine' (known: age, ferritin, hb, lvef, nyha, tsat, weeks_pregnant)",
        ),
        ("ckd and anemic", "unknown name 'anemic'"),
        ("ferritin <= high", "the limit of ferritin is not a number"),
        ("ferritin <= nan", "the limit of ferritin is not a number"),
        ("ferritin <= inf", "the limit of ferritin is not a number"),
        ("ferritin <= True", "the limit of ferritin is not a number"),
        ("ferritin <= '500'", "the limit of ferritin is not a number"),
        ("ferritin == 500", "write a comparison as `name <= number`"),
        ("10 < ferritin < 500", "write a comparison as `name <= number`"),
        ("500 >= ferritin", "write a comparison as `name <= number`"),
        ("ferritin + 1 <= 500", "write a comparison as `name <= number`"),
        ("open('x') < 1", "write a comparison as `name <= number`"),
        ("ferritin", "unknown name 'ferritin'"),
        ("500", "only comparisons with and, or, not"),
        ("[x for x in y]", "only comparisons with and, or, not"),
        ("lambda: 1", "only comparisons with and, or, not"),
        ("ferritin <=", "can't read the condition"),
        ("import os", "can't read the condition"),
        ("", "can't read the condition"),
        ("(" * 500 + "ckd" + ")" * 500, "can't read the condition"),
        ("not " * 2000 + "ckd", "nested too deep"),
        ("ferritin < 30 AND tsat < 20", "write and instead of AND"),
        ("NOT ckd", "write not instead of NOT"),
        ("ferritin ≤ 30", "write <= instead of ≤"),
        ("ferritin => 30", "write >= instead of =>"),
        ("ferritin < 1,000", "write 1000 instead of 1,000"),
        ("ferritin < 1,000,000", "write 1000000 instead of 1,000,000"),
        ("hb < 7,5", "write 7.5 instead of 7,5"),
        ("tsat < 20%", "write 20 without %; units says the unit"),
        ("ferritin < 30.5 ng/mL or ckd", "write 30.5 without ng/mL; units says the unit"),
        ("ferritin < -5", "ferritin is never below 0"),
        ("ferritin < 0", "no ferritin fits, so this never holds"),
        ("ferritin < 30 and ferritin > 40", "no ferritin fits, so this never holds"),
        ("ferritin < 30 and ferritin >= 30", "no ferritin fits, so this never holds"),
        ("ferritin <= 30 and ferritin > 30", "no ferritin fits, so this never holds"),
        (
            "ckd or (female and hb < 7 and (tsat < 20 and hb > 8))",
            "no hb fits, so this never holds",
        ),
        ("not (ferritin < 30 or ferritin >= 30)", "no ferritin fits, so this never holds"),
        ("ckd and dialysis and not ckd", "nobody is ckd and not ckd, so this never holds"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "ferritin <= 30 and ferritin >= 30",
        "ferritin > 30 and ferritin < 40",
        "ferritin >= 0",
        "ferritin <= 0",
        "ferritin < 30 and tsat > 40",
        "ferritin < 30 or ferritin > 40",
        "ckd and not dialysis",
        "(ckd or esrd) and not ckd",
    ],
)
def test_what_may_hold_is_a_condition(text: str) -> None:
    assert isinstance(parse(text), conditions.Compare | conditions.And | conditions.Or)


def test_limits_are_read_exactly() -> None:
    assert parse("ferritin <= 0.1") == conditions.Compare("ferritin", "<=", Decimal("0.1"))


@pytest.mark.parametrize(
    ("value", "text", "holds"),
    [
        ("499", "ferritin < 500", True), ("500", "ferritin < 500", False),
        ("501", "ferritin < 500", False),
        ("500", "ferritin <= 500", True), ("500.1", "ferritin <= 500", False),
        ("500", "ferritin > 500", False), ("500.1", "ferritin > 500", True),
        ("499.9", "ferritin >= 500", False), ("500", "ferritin >= 500", True),
    ],
)  # fmt: skip
def test_comparisons_at_the_limit(value: str, text: str, holds: bool) -> None:
    assert verdict(text, ferritin=value) == (holds, {"ferritin": "met" if holds else "not-covered"})


@pytest.mark.parametrize(
    ("found", "operator", "holds"),
    [
        (result("0", "100", high_open=True), "<", True),  # <100
        (result("0", "100", high_open=True), "<=", True),
        (result("0", "100"), "<", None),  # <=100
        (result("0", "100"), "<=", True),
        (result("0", "101", high_open=True), "<=", None),  # <101
        (result("0", "100", high_open=True), ">=", False),
        (result("0", "100"), ">", False),
        (LabResult(source=Source("o"), analyte="ferritin", when=DAY, low=Decimal(100), high=None,
            low_open=True), "<=", False),  # >100
        (LabResult(source=Source("o"), analyte="ferritin", when=DAY, low=Decimal(100), high=None,
            low_open=True), ">", True),
        (LabResult(source=Source("o"), analyte="ferritin", when=DAY, low=Decimal(100), high=None),
            ">", None),  # >=100
        (LabResult(source=Source("o"), analyte="ferritin", when=DAY, low=Decimal(100), high=None),
            "<", False),
        (result("99", "101"), "<=", None),
        (result("98", "99"), "<", True),
        (result("101", "102"), "<=", False),
    ],
)  # fmt: skip
def test_a_range_decides_only_when_it_lies_on_one_side(
    found: LabResult, operator: str, holds: bool | None
) -> None:
    assert conditions.compare(found, operator, Decimal(100)) is holds


class TestAnd:
    text = "ferritin <= 500 and tsat <= 30"

    @pytest.mark.parametrize(
        ("ferritin", "tsat", "holds", "states"),
        [
            ("400", "20", True, ("met", "met")),
            ("600", "20", False, ("not-covered", "met")),
            ("600", "40", False, ("not-covered", "not-covered")),
            ("600", "missing", False, ("not-covered", "missing")),
            ("400", "missing", None, ("met", "missing")),
            ("expired", "20", None, ("expired", "met")),
            ("expired", "missing", None, ("expired", "missing")),
        ],
    )
    def test_each_side_is_shown_as_it_is(
        self, ferritin: str, tsat: str, holds: bool | None, states: tuple[State, State]
    ) -> None:
        assert verdict(self.text, ferritin=ferritin, tsat=tsat) == (
            holds,
            {"ferritin": states[0], "tsat": states[1]},
        )


class TestOr:
    text = "ferritin < 30 or tsat < 20"

    @pytest.mark.parametrize(
        ("ferritin", "tsat", "holds", "states"),
        [
            ("29", "40", True, ("met", "not-applicable")),
            ("29", "missing", True, ("met", "not-applicable")),
            ("29", "expired", True, ("met", "not-applicable")),
            ("40", "19", True, ("not-applicable", "met")),
            ("29", "19", True, ("met", "met")),
            ("30", "20", False, ("not-covered", "not-covered")),
            ("30", "missing", None, ("not-covered", "missing")),
            ("30", "expired", None, ("not-covered", "expired")),
            ("missing", "missing", None, ("missing", "missing")),
        ],
    )
    def test_one_side_is_enough(
        self, ferritin: str, tsat: str, holds: bool | None, states: tuple[State, State]
    ) -> None:
        assert verdict(self.text, ferritin=ferritin, tsat=tsat) == (
            holds,
            {"ferritin": states[0], "tsat": states[1]},
        )


class TestFlags:
    def test_a_fact_that_is_not_known_leaves_the_verdict_open(self) -> None:
        assert verdict("female", {"female": None}) == (None, {})
        assert verdict("not female", {"female": None}) == (None, {})
        assert verdict("ckd or female", {"ckd": True, "female": None}) == (True, {})
        assert verdict("ckd and female", {"ckd": False, "female": None}) == (False, {})

    def test_a_limit_for_others_asks_nothing(self) -> None:
        assert verdict("male and ferritin < 30", {"male": False}, ferritin="missing") == (False, {})

    def test_a_limit_that_may_be_for_this_patient_is_not_met(self) -> None:
        assert verdict("male and ferritin < 30", {"male": None}, ferritin="20") == (
            None,
            {"ferritin": "incomplete"},
        )
        assert verdict("male and ferritin < 30", {"male": None}, ferritin="40") == (
            False,
            {"ferritin": "not-covered"},
        )


class TestNot:
    def test_not_turns_a_comparison(self) -> None:
        assert parse("not ferritin < 30") == parse("ferritin >= 30")
        assert parse("not not ckd") == parse("ckd")

    def test_not_goes_inward(self) -> None:
        assert parse("not (ferritin < 30 or tsat < 20)") == parse("ferritin >= 30 and tsat >= 20")
        assert parse("not (ckd and tsat < 20)") == parse("not ckd or tsat >= 20")

    def test_so_that_the_rule_for_or_holds_behind_it(self) -> None:
        text = "not (ferritin > 500 and tsat > 30)"
        assert verdict(text, ferritin="400", tsat="40") == (
            True,
            {"ferritin": "met", "tsat": "not-applicable"},
        )


def test_a_value_that_stands_twice_is_shown_once() -> None:
    text = "ferritin < 15 or (pregnant and ferritin < 30)"
    assert verdict(text, {"pregnant": True}, ferritin="20") == (True, {"ferritin": "met"})
    assert verdict(text, {"pregnant": False}, ferritin="20") == (False, {"ferritin": "not-covered"})


def test_the_open_way_shows_what_is_missing_on_it() -> None:
    text = "ferritin < 15 or (female and ferritin <= 41 and hb < 12) or tsat < 20"
    found = verdict(text, {"female": True}, ferritin="35", hb="missing", tsat="25")
    assert found == (None, {"ferritin": "met", "hb": "missing", "tsat": "not-covered"})


def test_names_are_the_laboratory_values_only() -> None:
    assert set(conditions.names(parse("ckd and (ferritin < 30 or not tsat < 20)"))) == {
        "ferritin",
        "tsat",
    }
