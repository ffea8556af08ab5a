"""R1: parts of administrations, and what is said of those whose whole can't be found."""

from decimal import Decimal

from msgspec import structs

from mappings.dose.repeats import with_parts
from mappings.reading import read
from mappings.record import Container
from mappings.site import Site
from tests import builders
from tests.builders import Resource, administration


def part(id: str, *wholes: str, **options: object) -> Resource:  # noqa: A002 - as FHIR calls it
    return administration(
        id=id,
        partOf=[{"reference": f"MedicationAdministration/{whole}"} for whole in wholes],
        **options,  # type: ignore[arg-type]
    )


def problems(*changes: Resource) -> dict[str, str]:
    found = builders.assessed(*changes)
    assert builders.shown(found) == ["J1756 JZ × 200 ready"]
    return {problem.resource.partition("/")[2]: problem.problem for problem in found.unreadable}


def test_a_whole_that_is_not_on_record() -> None:
    assert problems(part("ma2", "gone")) == {
        "ma2": "partOf names an administration that is not on record"
    }


def test_a_whole_that_is_no_reference() -> None:
    found = problems(administration("ma2", partOf=[{"type": "MedicationAdministration"}]))
    assert found == {
        "ma2": "partOf can't be followed: it names no resource, and may mean an administration"
    }


def test_a_circle() -> None:
    back = "partOf leads back to itself"
    assert problems(part("ma2", "ma2")) == {"ma2": back}
    assert problems(part("ma2", "ma3"), part("ma3", "ma2")) == {"ma2": back, "ma3": back}


def test_one_of_two_wholes_is_enough() -> None:
    assert problems(part("ma2", "gone", "ma1")) == {}
    assert problems(part("ma2", "ma3", "ma1"), part("ma3", "ma2")) == {}


def test_a_chain_of_parts_gives_its_waste_to_the_whole() -> None:
    chain = [
        administration(dose="150 mg"),
        part("ma2", "ma1", dose=None),
        part("ma3", "ma2", dose=None, discarded="50 mg"),
    ]
    assert builders.shown(builders.assessed(*chain)) == ["J1756 × 150 ready", "J1756 JW × 50 ready"]


def test_what_is_wrong_with_the_containers_of_a_part_is_wrong_with_the_whole() -> None:
    found = builders.assessed(
        part("ma2", "ma1", opened=[{"ndc": builders.VENOFER_100, "count": 0}])
    )
    assert builders.gaps(found) == ["discarded-amount contradicted"]


def test_a_part_of_a_reversed_administration_is_reversed_with_it() -> None:
    found = builders.assessed(
        administration(status="entered-in-error"), part("ma2", "ma1"), part("ma3", "ma2")
    )
    assert (found.lines, found.pending) == ((), ())
    assert [(dose.administration.partition("/")[2], dose.reason) for dose in found.reversed] == [
        ("ma1", "the administration was entered in error"),
        ("ma2", "the administration that it is part of was reversed"),
        ("ma3", "the administration that it is part of was reversed"),
    ]


def test_a_part_says_of_containers_what_the_whole_says_of_the_dose() -> None:
    """Its vials and its waste are those of the whole; its name too, where it is a step of it."""
    opened = (Container(mg=Decimal(100), count=2),)
    records, _ = read(builders.chart(), Site())
    (whole,) = records[0].administrations
    step = structs.replace(whole, containers=opened, containers_problem="odd")
    joined = with_parts(whole, [step])
    assert (joined.containers, joined.containers_problem) == (whole.containers + opened, "odd")
    assert joined.steps == whole.steps
    assert with_parts(whole, [step], named=True).steps == (*whole.steps, step.source.resource)
