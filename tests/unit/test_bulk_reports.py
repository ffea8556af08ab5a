"""What a population adds up to, against charts of which it is known, and how a report says it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from integration.bulk import run
from integration.bulk.output import Summary
from integration.bulk.reporting.figure import Figure
from integration.bulk.reporting.plots import figures
from integration.bulk.summing.remittances import Remitted, read_answers
from integration.bulk.sums import Cell, Sums
from integration.errors import ConfigurationError
from mappings.policy import choosing
from mappings.site import Site
from tests import builders
from tests.fakes.chart import transaction

POLICIES = choosing.built_in()
_encoder = msgspec.json.Encoder(decimal_format="number")


def summary_of(folder: Path, *charts: list[Any], remittances: Path | None = None) -> Summary:
    """Of patients 0, 1, …"""
    source = folder / "source"
    source.mkdir()
    for number, chart in enumerate(charts):
        bundle = transaction(chart, f"{number}-{{}}".format)
        (source / f"{number}.json").write_bytes(_encoder.encode(bundle))
    return run.bulk(
        str(source),
        folder / "out",
        lambda _: Site(),
        POLICIES,
        builders.AS_OF,
        1,
        remittances=remittances,
    ).summary


def figure(summary: Summary, name: str) -> Figure:
    return next(row for row in figures(summary, POLICIES) if row.name == name)


def recorded(day: str) -> list[Any]:
    """A chart whose diagnosis was recorded on that day."""
    return builders.chart(builders.condition("D50.9", recordedDate=day))


def test_how_long_it_took_until_a_record_was_complete(tmp_path: Path) -> None:
    """Doses of November 1; a held line has no day of its own."""
    summary = summary_of(
        tmp_path,
        builders.chart(),
        recorded("2026-10-20"),
        recorded("2026-11-05"),
        recorded("2026-11-11T09:00:00-05:00"),
        builders.chart(without=["ferritin"]),
        builders.chart(builders.administration(dose="150 mg", discarded="50 mg")),
    )
    assert summary.sums.completed == {"medicare-part-b": {0: 3, 4: 1, 10: 1}}
    found = figure(summary, "complete")
    assert found.rows == (("Medicare Part B", "5", "0", "10"),)
    assert [(bar.label, bar.says) for bar in found.bars] == [
        ("0 to 2 days", "3 lines"),
        ("3 to 7 days", "1 line"),
        ("8 to 14 days", "1 line"),
        ("15 to 30 days", "0 lines"),
        ("more than 30 days", "0 lines"),
    ]
    assert "Half were complete on the day of the dose, nine of ten within 10 days:" in found.says


def test_parts_are_joined() -> None:
    one = Sums(completed={"a": {0: 1, 3: 2}})
    one.join(Sums(completed={"a": {3: 1}, "b": {9: 1}}))
    assert one.completed == {"a": {0: 1, 3: 3}, "b": {9: 1}}


def test_without_a_ready_line_nothing_is_complete() -> None:
    empty = Summary("2026-11-23", 0, 0, {}, 0, 0)
    assert figure(empty, "complete").says == "No line is ready."
    assert figure(empty, "complete").bars == ()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("J1756\t150\t50\t100", "J1756: 50 of 200 units from 100 mg"),
        ("J1756\t150\t50\t50, 100", "J1756: 50 of 200 units from 50, 100 mg"),
        ("J1756\t150\t50\t", "J1756: 50 of 200 units"),
    ],
)
def test_waste_is_told_by_the_vials_that_were_opened(name: str, label: str) -> None:
    wasted = {name: Cell(2, 0, Decimal("22.90"))}
    summary = Summary("2026-11-23", 0, 0, {}, 0, 0, Sums(wasted=wasted))
    ((what, mg, money, saved_mg, saved),) = figure(summary, "waste").rows
    assert (what, mg, money, saved_mg, saved) == (label, "100", "$22.90", "100", "$22.90")


def test_waste_and_money_of_a_population(tmp_path: Path) -> None:
    summary = summary_of(
        tmp_path,
        builders.chart(builders.administration(dose="150 mg", discarded="50 mg")),
        builders.chart(),
    )
    assert set(summary.sums.wasted) == {"J1756\t150\t50\t100"}
    assert figure(summary, "payer").rows[0][:2] == ("Medicare Part B", "3")
    assert figure(summary, "month").rows == (("Nov 2026", "3", "$89.20", "nothing"),)


INTERCHANGE = (
    "ISA*00*          *00*          *ZZ*CLEARHOUSE     *ZZ*RIVERSIDE      *261205*0900*^*00501"
    "*000000101*0*T*:"
)


def remittance(*services: str, code: str = "835") -> bytes:
    """An 835 of Part B with these services: insured, day, code, charge, paid, reason."""
    rows = [
        INTERCHANGE,
        "GS*HP*A*B*20261205*0900*101*X*005010X221A1",
        f"ST*{code}*0001",
        "N1*PR*MEDICARE PART B",
    ]
    for service in services:
        insured, day, drug, charge, paid, carc = service.split()
        rows += [f"CLP*X*1*{charge}*{paid}**MB*1", f"NM1*QC*1*DOE*JANE****MI*{insured}"]
        rows += [f"SVC*HC:{drug}*{charge}*{paid}**200", f"DTM*472*{day}", f"CAS*CO*{carc}*1"]
        rows += [*(["CAS*PR*2*9.16"] if paid != "0" else []), "LQ*HE*N395"]
    rows += ["SE*9*0001", "GE*1*101", "IEA*1*000000101"]
    return "".join(f"{row}~\n" for row in rows).encode()


def beside(folder: Path, **files: bytes) -> Summary:
    """Two doses of an insured A-1 whose chart is complete, and two of B2, without ferritin; a week
    apart."""
    remittances = folder / "835"
    remittances.mkdir()
    for name, text in files.items():
        (remittances / name).write_bytes(text)
    charts = [
        builders.chart(
            builders.administration("ma1"),
            builders.administration("ma2", on="2026-11-08T09:00:00-05:00"),
            builders.coverage(subscriberId=insured),
            without=missing,
        )
        for insured, missing in (("A-1", []), ("B2", ["ferritin"]))
    ]
    return summary_of(folder, *charts, remittances=remittances)


def test_what_payers_answered_stands_beside(tmp_path: Path) -> None:
    summary = beside(
        tmp_path,
        one=remittance(
            "A1 20261101 J1756:JZ 45.80 35.91 253",
            "A1 20261108 J1756:JZ 45.80 0 50",
            "B2 20261101 J1756:JZ 45.80 0 252",
            "C3 20261101 J1756:JZ 45.80 10.00 253",  # whose chart is not there
            "A1 20261101 J2916 9.00 8.00 253",  # no line of ours
            "A1 20261101 99213 90.00 80.00 253",
        ),
    )
    assert summary.sums.remitted == {
        "medicare-part-b\tready": Remitted(2, 2, 1, Decimal("35.91"), Decimal("45.80")),
        "medicare-part-b\theld": Remitted(2, 1, 1, Decimal(0), Decimal("45.80")),
    }
    found = figure(summary, "remittances")
    assert found.says == (
        "3 of 4 lines have an answer. Held lines that were paid: 0; ready lines that were not: 1."
    )
    assert found.rows == (
        ("Medicare Part B: ready", "2", "2", "$35.91", "1", "$45.80"),
        ("Medicare Part B: held", "2", "1", "$0.00", "1", "$45.80"),
    )
    assert figure(summary, "refusals").rows == (
        ("252", "1", "$45.80", "1"),  # as the gap of the ferritin predicts
        ("50", "1", "$45.80", "0"),
    )


def test_a_correction_adds_up(tmp_path: Path) -> None:
    """Denied, then paid by a second file: of one line, one answer."""
    summary = beside(
        tmp_path,
        first=remittance("A1 20261101 J1756:JZ 45.80 0 252"),
        second=remittance("A1 20261101 J1756:JZ 45.80 35.91 253"),
    )
    ready = summary.sums.remitted["medicare-part-b\tready"]
    assert (ready.answered, ready.unpaid, ready.paid) == (1, 0, Decimal("35.91"))
    assert summary.sums.refusals == {}


def service(charge: str, paid: str, *cas: str, status: str = "1", code: str = "J1756:JZ") -> bytes:
    """One service of November 1 of the insured A1, in an interchange of its own."""
    rows = [
        *(INTERCHANGE, "GS*HP*A*B*20261205*0900*101*X*005010X221A1", "ST*835*0001"),
        *(f"CLP*X*{status}*{charge}*{paid}**MB*1", "NM1*QC*1*DOE*JANE****MI*A1"),
        *(f"SVC*HC:{code}*{charge}*{paid}**200", "DTM*472*20261101", *cas),
        *("SE*9*0001", "GE*1*101", "IEA*1*000000101"),
    ]
    return "".join(f"{row}~\n" for row in rows).encode()


PAID = service("45.8", "35.91", "CAS*CO*253*.73", "CAS*PR*2*9.16")
TAKEN_BACK = service("-45.8", "-35.91", "CAS*CO*253*-.73", "CAS*PR*2*-9.16", status="22")
DENIED = service("45.8", "0", "CAS*CO*50*45.8", status="4")
HALF = service("22.9", "0", "CAS*CO*50*22.9").decode()
HALVES = HALF.replace("SE*9", HALF[HALF.index("SVC") : HALF.index("SE*9")] + "SE*9").encode()


@pytest.mark.parametrize(
    ("files", "charge", "paid", "is_refused", "carcs"),
    [
        ([PAID], "45.8", "35.91", False, ("253",)),
        ([PAID, TAKEN_BACK, DENIED], "45.8", "0", True, ("50",)),
        ([TAKEN_BACK, DENIED, PAID], "45.8", "0", True, ("50",)),
        ([PAID, service("45.8", "9.16", "CAS*OA*23*36.64")], "45.8", "45.07", False, ("253", "23")),
        ([HALVES], "45.8", "0", True, ("50",)),
        ([service("45.8", "0", "CAS*PR*1*40**3*5.8")], "45.8", "0", False, ()),
        ([service("45.8", "0", "CAS*PR*96*45.8")], "45.8", "0", True, ("96",)),
        ([DENIED.replace(b"CAS*CO*50*45.8~\n", b"").replace(b"NM1*QC", b"CAS*CO*29*45.8~\nNM1*QC")],
         "45.8", "0", True, ("29",)),
        ([PAID.replace(b"HC:J1756:JZ", b"HC:J3490").replace(b"**200", b"**1*HC:J1756:JZ*200")],
         "45.8", "35.91", False, ("253",)),
        ([PAID.replace(b"SE*9", b"PLB*1*20261231*WO:X*35.91~\nSE*9")],
         "45.8", "35.91", False, ("253",)),
        ([PAID, PAID], "45.8", "35.91", False, ("253",)),
        ([HALVES, HALVES.replace(b"*101*", b"*102*").replace(b"*0001", b"*0009")],
         "45.8", "0", True, ("50",)),
    ],
)  # fmt: skip
def test_answers_to_one_line_come_to_one(
    tmp_path: Path, files: list[bytes], charge: str, paid: str, is_refused: bool, carcs: Any
) -> None:
    """Reversals take back, parts and payers add up, a deductible is no refusal, and a copy counts
    once."""
    for number, file in enumerate(files):
        (tmp_path / f"{number}.835").write_bytes(file)
    answers, problems = read_answers(tmp_path)
    assert problems == []
    (answer,) = answers.values()
    assert (answer.charge, answer.paid) == (Decimal(charge), Decimal(paid))
    assert (answer.is_refused, answer.carcs) == (is_refused, carcs)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("****MI*A1", "", "segment 6 of a: a service of J1756 lacks the insured's number"),
        ("DTM*472*20261101~\n", "", "segment 6 of a: a service of J1756 lacks a day"),
        ("J1756:JZ*45.8", "J1756:JZ*NaN", "segment 6 of a: SVC can't be read"),
        ("CAS*CO*253*.73", "CAS*CO*253*x", "segment 8 of a: CAS can't be read"),
    ],
)
def test_a_service_that_finds_no_line_is_named(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    (tmp_path / "a").write_bytes(PAID.replace(old.encode(), new.encode()))
    answers, (problem,) = read_answers(tmp_path)
    assert answers == {}
    assert f"{problem.resource}: {problem.problem}".startswith(says)


def test_the_discarded_drug_has_an_answer_of_its_own(tmp_path: Path) -> None:
    wasting = builders.chart(
        builders.administration(dose="150 mg", discarded="50 mg"),
        builders.coverage(subscriberId="A1"),
    )
    file = tmp_path / "a.835"
    file.write_bytes(
        remittance("A1 20261101 J1756 34.35 30.00 253", "A1 20261101 J1756:JW 11.45 0 96")
    )
    summary = summary_of(tmp_path, wasting, remittances=file)
    ready = summary.sums.remitted["medicare-part-b\tready"]
    assert (ready.lines, ready.answered, ready.unpaid) == (2, 2, 1)
    assert (ready.paid, ready.refused) == (Decimal("30.00"), Decimal("11.45"))


def test_remittances_that_can_not_be_read_are_named(tmp_path: Path) -> None:
    good = "A1 20261101 J1756:JZ 45.80 35.91 253"
    summary = beside(
        tmp_path,
        claims=remittance(good, code="837"),
        markup=b"<html>",
        money=remittance("A1 20261101 J1756:JZ 45.80 much 253", good),
    )
    problems = (tmp_path / "out" / "problems.ndjson").read_text("utf-8").splitlines()
    assert [msgspec.json.decode(row) for row in problems] == [
        {
            "resource": "claims",
            "problem": "holds no remittance (835): it is a claim file (837):"
            " `ferroclaim claims check` looks at those",
        },
        {
            "resource": "markup",
            "problem": "holds no remittance (835): the file begins with markup, not with ISA: it is"
            " not an X12 file",
        },
        {
            "resource": "segment 5 of money",
            "problem": "CLP can't be read, so its claim was passed over",
        },
    ]
    assert summary.sums.remitted["medicare-part-b\tready"].answered == 1


def test_without_remittances_nothing_is_said_of_them(tmp_path: Path) -> None:
    names = {row.name for row in figures(summary_of(tmp_path, builders.chart()), POLICIES)}
    assert names.isdisjoint({"remittances", "refusals"})


def test_places_have_their_names(tmp_path: Path) -> None:
    nameless = builders.location()
    del nameless["name"]
    summary = summary_of(tmp_path, builders.chart(), builders.chart(nameless))
    assert [row[:2] for row in figure(summary, "site").rows] == [
        ("Clinic", "1"),
        ("Location/1-office", "1"),
    ]


def test_remittances_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file or folder"):
        summary_of(tmp_path, builders.chart(), remittances=tmp_path / "835")
