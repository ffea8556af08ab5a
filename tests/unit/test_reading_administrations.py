"""What a MedicationAdministration and its Medication say, down to the words and the numbers (R1,
R2, R3, R12)."""

import time
from decimal import Decimal
from typing import Any

import pytest

from mappings.reading import Collection, read
from mappings.reading.administrations import NotReadable
from mappings.reading.administrations import administration as read_administration
from mappings.reading.drugs.interruptions import is_in_part
from mappings.reading.drugs.medication import drug
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.drugs.texts import MOST_READ, texts
from mappings.record import Administration, Drug
from tests import builders
from tests.builders import Resource, administration, quantity

FINDER = ProductFinder()


def given(**options: Any) -> Administration:
    found = read_administration(administration(**options), Collection(), FINDER)
    assert found
    return found


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (None, "MedicationAdministration.status is missing"),
        ("finished", "MedicationAdministration.status is not a FHIR status"),
        (["completed", "stopped"], "MedicationAdministration.status is not a FHIR status"),
    ],
)
def test_a_status_that_can_not_be_used(status: Any, problem: str) -> None:
    records, _ = read([administration(status=status)])
    assert [(problem.resource, problem.problem) for problem in records[0].unreadable] == [
        ("MedicationAdministration/ma1", problem)
    ]


NOT_GIVEN = "http://terminology.hl7.org/CodeSystem/reason-medication-not-given"


@pytest.mark.parametrize(
    ("dose", "reason", "not_given"),
    [
        ("200 mg", {"text": "Not given"}, True),
        ("200 mg", {"text": "dose not administered: IV lost"}, True),
        ("200 mg", {"coding": [{"system": NOT_GIVEN, "code": "b"}]}, True),
        (
            "200 mg",
            {
                "text": "MAR hold",
                "coding": [{"system": "urn:x", "code": "1", "display": "Never started"}],
            },
            True,
        ),
        ("200 mg", {"text": "Patient refused to continue"}, False),
        ("100 mg", {"text": "Remainder not given"}, False),
        ("100 mg", {"text": "Patient did not receive the full dose"}, False),
        (None, {"text": "Full dose not given"}, True),
        *(
            (dose, {"text": text}, True)
            for text in ("Never administered", "Not infused", "Patient did not receive")
            for dose in (None, "200 mg")
        ),
        *(
            (dose, {"text": text}, dose is None)
            for text in ("Omitted", "withheld", "dose skipped", "refused")
            for dose in (None, "200 mg")
        ),
        ("200 mg", {"coding": [builders.coding(builders.SNOMED, "385660001")]}, True),
        ("200 mg", {"coding": [builders.coding(builders.SNOMED, "182895007")]}, False),
        (None, {"coding": [builders.coding(builders.SNOMED, "182895007")]}, True),
        (None, {"coding": [builders.coding("urn:x", "182895007")]}, False),
        (None, {"coding": [builders.coding(builders.SNOMED, "404684003")]}, False),
        ("200 mg", {"text": "Hypotension"}, False),
        (None, {"text": "Patient refused"}, True),
        ("0 mg", {"text": "Declined"}, True),
        ("1 mg", {"text": "Declined"}, False),
        (None, {"text": "Hypotension"}, False),
        (None, {"coding": [{"system": "urn:x", "code": "a"}]}, False),
        (None, {}, False),
    ],
)
def test_what_says_that_nothing_was_given(
    dose: str | None, reason: Resource, not_given: bool
) -> None:
    assert given(status="stopped", dose=dose, statusReason=[reason]).not_given is not_given


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({}, "without a value"),
        ({"valueString": "50 mg"}, "as valueString instead of valueQuantity"),
        ({"valueDecimal": 50}, "as valueDecimal instead of valueQuantity"),
        ({"valueQuantity": None}, "without a value"),
        ({"valueQuantity": {"unit": "mg"}}, "without a value"),
        ({"valueQuantity": {}}, "without a value"),
        ({"valueQuantity": "50 mg"}, "not a Quantity (a number with a unit)"),
        ({"valueQuantity": quantity("50 mg")}, None),
    ],
)
def test_what_is_wrong_with_a_discarded_amount(value: Resource, problem: str | None) -> None:
    (found,) = given(extension=[{"url": "urn:ferroclaim:discarded-amount", **value}]).discards
    assert found.amount.problem == problem
    assert found.amount.says


@pytest.mark.parametrize("count", [1, 2, 999])
def test_a_count_of_containers(count: int) -> None:
    found = given(opened=[{"ndc": builders.VENOFER_100, "count": count}])
    assert [(container.mg, container.count, container.ndc) for container in found.containers] == [
        (Decimal(100), count, "00517234010")
    ]
    assert found.containers_problem is None


@pytest.mark.parametrize("count", [0, -1, 1000, True, "2", Decimal("1.5"), None])
def test_a_count_that_is_none(count: Any) -> None:
    found = given(opened=[{"ndc": builders.VENOFER_100, "count": count}])
    assert (found.containers, found.containers_problem) == (
        (),
        "containers-opened without a count of at least one",
    )


@pytest.mark.parametrize(
    ("opened", "mg", "problem"),
    [
        ({"size": "100 mg"}, 100, None),
        ({"size": "0.1 g"}, 100, None),
        ({"size": "100 mg", "ndc": builders.VENOFER_100}, 100, None),
        ({"size": "0.5 mg"}, Decimal("0.5"), None),
        ({"ndc": "12345-6789-01"}, None, None),
        ({"size": "75 mg", "ndc": "12345-6789-01"}, 75, None),
        ({"size": "5 mL"}, None, None),
        (
            {"size": "200 mg", "ndc": builders.VENOFER_100},
            None,
            "size and NDC of an opened container disagree",
        ),
        ({"size": "0 mg"}, None, "containers-opened with a size that can't be"),
        ({"size": "-100 mg"}, None, "containers-opened with a size that can't be"),
    ],
)
def test_the_size_of_a_container(opened: Resource, mg: Any, problem: str | None) -> None:
    found = given(opened=[opened])
    assert ([container.mg for container in found.containers], found.containers_problem) == (
        [] if problem else [mg],
        problem,
    )


def test_what_was_read_from_a_note_is_marked() -> None:
    found = given(discarded="50 mg", note="50 mg wasted")
    assert [(discard.amount.says, discard.from_note) for discard in found.discards] == [
        ("50 mg", False),
        ("50 mg wasted", True),
    ]
    line, _ = builders.assessed(administration(dose="150 mg", note="Wasted 50 mg.")).lines
    chain = builders.assessed(administration(dose="150 mg", note="Wasted 50 mg.")).requirements
    (waste,) = [resource for resource in chain if resource.requirement == "discarded-amount"]
    assert [evidence.says for evidence in waste.evidence] == [
        "150 mg",
        '"Wasted 50 mg" (note)',
    ]
    assert set(waste.evidence) <= set(line.evidence)


@pytest.mark.parametrize(
    ("part_of", "parents"),
    [
        ([{"reference": "MedicationAdministration/a"}], ("MedicationAdministration/a",)),
        ([{"reference": "Procedure/a"}], ()),
        ([{"reference": "urn:uuid:a"}], ("urn:uuid:a",)),
        (["MedicationAdministration/a"], ("MedicationAdministration/a",)),
        (
            [{"type": "MedicationAdministration", "identifier": {"value": "a"}}],
            ("MedicationAdministration",),
        ),
        ([{"type": "Procedure", "identifier": {"value": "a"}}], ()),
        ([{"display": "dialysis"}], ()),
    ],
)
def test_what_it_is_part_of(part_of: list[Resource], parents: tuple[str, ...]) -> None:
    assert given(partOf=part_of).parents == parents


# --- the Medication


def medication(*ingredients: Resource, **extra: Any) -> Drug:
    contained = builders.medication(
        id="m", text=extra.pop("text", None), ingredient=list(ingredients), **extra
    )
    return drug(
        {"medicationReference": {"reference": "#m"}, "contained": [contained]}, Collection(), FINDER
    )


def ingredient(
    text: str | None = "iron sucrose", numerator: Any = None, denominator: Any = None, **extra: Any
) -> Resource:
    strength = (
        {"numerator": quantity(numerator), "denominator": quantity(denominator)}
        if numerator
        else None
    )
    return (
        {"itemCodeableConcept": {"text": text}}
        | ({"strength": strength} if strength else {})
        | extra
    )


def amount(text: str) -> Resource:
    return {"numerator": quantity(text), "denominator": quantity("1 bag")}


IRON = ingredient(numerator="200 mg", denominator="110 mL")
SALINE = ingredient("sodium chloride 0.9 %")


@pytest.mark.parametrize(
    ("found", "strength", "bag_mg", "diluted"),
    [
        # A vial: its strength is the label's, and it is no bag.
        (medication(ingredient(numerator="100 mg", denominator="5 mL")), (100, 5), None, False),
        (medication(ingredient(numerator="20 mg", denominator="1 mL")), (20, 1), None, False),
        (medication(ingredient()), None, None, False),
        # Stronger than the vial: nothing is.
        (medication(ingredient(numerator="20.1 mg", denominator="1 mL")), None, None, True),
        # A bag: weaker than the label, or mixed with something.
        (medication(IRON), (200, 110), 200, False),
        (medication(IRON, SALINE), (200, 110), 200, True),
        (medication(ingredient(numerator="19 mg", denominator="1 mL")), (19, 1), None, False),
        (
            medication(ingredient(numerator="2 mg", denominator="1 mL"), amount=amount("100 mL")),
            (2, 1),
            200,
            False,
        ),
        (
            medication(
                ingredient(numerator="200 mg", denominator="1 bag"), amount=amount("110 mL")
            ),
            (200, 110),
            200,
            False,
        ),
        # By the vial: nothing says in how many mL.
        (medication(ingredient(numerator="100 mg", denominator="1 vial")), None, None, False),
        (medication(ingredient(numerator="100 mg")), None, None, False),
        # As strong as the vial, in a bag: that is the vial's strength.
        (medication(ingredient(numerator="20 mg", denominator="1 mL"), SALINE), None, None, True),
        (
            medication(ingredient(numerator="19.9 mg", denominator="1 mL"), SALINE),
            (Decimal("19.9"), 1),
            None,
            True,
        ),
        # Nothing that can be read.
        (medication(ingredient(numerator="40 meq", denominator="250 mL")), None, None, True),
        (medication(ingredient(numerator="0 mg", denominator="250 mL")), None, None, True),
        (medication(ingredient(numerator="200 mg", denominator="0 mL")), None, None, True),
        (medication(ingredient(numerator="200 mg", denominator="110 drops")), None, None, True),
        (medication(ingredient(numerator="200 mg", denominator="1 bag")), None, None, True),
        # The one ingredient that nobody names is the iron of the code; of two nobody can say.
        (
            medication(ingredient("X", "200 mg", "110 mL"), text="iron sucrose"),
            (200, 110),
            200,
            False,
        ),
        (
            medication(
                ingredient("X", "200 mg", "110 mL"),
                ingredient("Y", "1 mg", "110 mL"),
                text="iron sucrose",
            ),
            None,
            None,
            True,
        ),
        (medication(IRON, ingredient(numerator="100 mg", denominator="110 mL")), None, None, True),
        (medication(IRON, ingredient("ferumoxytol", isActive=False)), (200, 110), 200, False),
    ],
)
def test_the_strength_that_a_medication_states(
    found: Drug, strength: Any, bag_mg: Any, diluted: bool
) -> None:
    assert found.family == "iron-sucrose"
    assert (found.strength, found.bag_mg, found.diluted) == (strength, bag_mg, diluted)


def test_a_label_without_a_strength_makes_every_stated_one_a_mixture() -> None:
    found = medication(ingredient("Triferic AVNU", "6.75 mg", "4.5 mL"))
    assert (found.strength, found.bag_mg) == ((Decimal("6.75"), Decimal("4.5")), Decimal("6.75"))


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        ({"medicationCodeableConcept": {"text": "Venofer 20 mg/mL"}}, "Venofer 20 mg/mL"),
        (
            {
                "medicationCodeableConcept": {
                    "coding": [
                        {"system": builders.RXNORM, "code": "24909", "display": "iron sucrose"}
                    ]
                }
            },
            "iron sucrose",
        ),
        (
            {
                "medicationCodeableConcept": {
                    "coding": [{"system": builders.RXNORM, "code": "24909"}]
                }
            },
            "24909",
        ),
        (
            {"medicationReference": {"reference": "Medication/gone", "display": "Venofer"}},
            "Venofer",
        ),
        (
            {
                "medicationReference": {"reference": "#m", "display": "Venofer"},
                "contained": [{"resourceType": "Medication", "id": "m"}],
            },
            "Venofer",
        ),
        ({"medication": {"concept": {"text": "Venofer"}}}, "Venofer"),
        (
            {"medication": {"reference": {"reference": "Medication/gone", "display": "Venofer"}}},
            "Venofer",
        ),
    ],
)
def test_what_the_chain_calls_it(resource: Resource, says: str) -> None:
    found = drug(resource, Collection(), FINDER)
    assert (found.family, found.says) == ("iron-sucrose", says)


def test_another_drug_says_only_whether_it_could_be_found() -> None:
    assert (
        drug({"medicationCodeableConcept": {"text": "Ondansetron"}}, Collection(), FINDER) == Drug()
    )
    lost = drug({"medicationReference": {"reference": "Medication/gone"}}, Collection(), FINDER)
    assert lost == Drug(lost="Medication/gone")


@pytest.mark.parametrize("note", ["1" * 60_000, "infusion stopped " * 600, "50 mg " * 1_000])
def test_a_long_note_is_read_in_no_time(note: str) -> None:
    begun = time.process_time()
    assert not is_in_part(note)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "line", ["-\n", " - ", "  ", "(", "? = ", "No waste. ", "wasted 50 mg; ", "stopped early\n"]
)
def test_a_page_of_the_same_line_is_read_in_no_time(line: str) -> None:
    """Dashes took a minute for 8,000 characters."""
    note = (line * 20_000)[:20_000]
    begun = time.process_time()
    assert given(note=note).source.resource == "MedicationAdministration/ma1"
    assert time.process_time() - begun < 15


@pytest.mark.parametrize("count", [1, MOST_READ])
def test_notes_that_are_longer_than_any_are_not_read_and_named(count: int) -> None:
    made = administration() | {"note": [{"text": "x" * (MOST_READ // count)}] * count}
    with pytest.raises(NotReadable, match="notes of more than 50,000 characters"):
        read_administration(made, Collection(), FINDER)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Waste:" + " " * 900 + "50 mg", "Waste:  50 mg"),
        ("Given.\n \n\t\n\nNo waste", "Given.\nNo waste"),
        ("Given" + "\n" * 900, "Given"),
        ("Given\n" + "-" * 900 + "\nNo waste", "Given\n---\nNo waste"),
        ("Given " + "- " * 900 + "no waste", "Given --- no waste"),
        ("Given at 9:00 - no waste -- 2 vials", "Given at 9:00 - no waste -- 2 vials"),
    ],
)
def test_what_only_fills_the_lines_of_a_note_is_left_out(said: str, kept: str) -> None:
    """Patterns took 14 seconds for a note of 800 spaces."""
    readings: list[tuple[Resource, list[Resource]]] = [
        ({"note": [{"text": said}]}, []),
        ({}, [{"text": said}]),
    ]
    for resource, dosages in readings:
        assert [text.strip() for _, text in texts(resource, dosages)] == [kept]
