"""Pages of the drugs: products, packages, doses, what is billed beside them."""

from typing import Any

from docs.make.markdown import dates, table
from mappings import codes
from mappings.codes.tables.drugs import Interrupted, LabelDose
from mappings.values.numbers import plain


def interrupted(table: Interrupted) -> list[tuple[Any, ...]]:
    """The words by which a text says that not all of a dose was given."""
    named = {
        "not all given": table.phrases,
        "ended": table.ended,
        "what may end": table.infusions,
        "ended for a cause": table.causes,
        "ended early": table.early,
        "asked to end": table.asked,
        "a share of": table.wholes,
        "a share is given": table.given,
        "the rest is not": table.withheld,
        "so much was lost": table.lost,
        "not whole": table.in_part,
        "went on": table.went_on,
        "of another task": table.other_tasks,
    }
    return [(name, words, (), table.source, table.verified) for name, words in named.items()]


def products() -> str:
    families = codes.families().values()
    rows = [
        (
            row.name,
            code.code,
            plain(code.mg_per_unit),
            code.use,
            dates(code),
            code.source,
            code.verified,
        )
        for row in families
        for code in row.codes
    ]
    names = [
        (
            *(
                row.name,
                row.names,
                row.strength_mg_per_ml,
                row.label_population,
                row.rxnorm,
                row.atc,
                row.unverified,
                row.retired,
            ),
            *(row.source, row.verified),
        )
        for row in families
    ]
    others = codes.products()
    never = [
        (
            "never an IV iron",
            others.not_iv_iron.rxnorm,
            (),
            others.not_iv_iron.source,
            others.not_iv_iron.verified,
        ),
        (
            "a mixture: a dose in mL is not read",
            (),
            others.diluents.names,
            others.diluents.source,
            others.diluents.verified,
        ),
        (
            "no mixture",
            (),
            others.diluents.but_not,
            others.diluents.source,
            others.diluents.verified,
        ),
        (
            "wasted beside the iron, in notes",
            (),
            others.beside_iron.names,
            others.beside_iron.source,
            others.beside_iron.verified,
        ),
        (
            "a blood draw, in notes",
            (),
            others.line_draws.names,
            others.line_draws.source,
            others.line_draws.verified,
        ),
        (
            "no blood draw",
            (),
            others.line_draws.but_not,
            others.line_draws.source,
            others.line_draws.verified,
        ),
        (
            "iron by mouth",
            others.oral_iron.rxnorm,
            others.oral_iron.names,
            others.oral_iron.source,
            others.oral_iron.verified,
        ),
        (
            "iron by mouth: days that a refill may be late",
            (),
            (str(others.oral_iron.refill_days),),
            others.oral_iron.source,
            others.oral_iron.verified,
        ),
        (
            "discarded, in notes",
            (),
            (*others.wasting.done, *others.wasting.nouns),
            others.wasting.source,
            others.wasting.verified,
        ),
        (
            "supplied by somebody else, in words",
            (),
            others.supplied.names,
            others.supplied.source,
            others.supplied.verified,
        ),
        (
            "no iron by mouth",
            (),
            others.oral_iron.none,
            others.oral_iron.source,
            others.oral_iron.verified,
        ),
        (
            "iron by mouth that is tolerated",
            (),
            others.oral_iron.tolerated,
            others.oral_iron.source,
            others.oral_iron.verified,
        ),
    ]
    no = others.not_given
    reasons = [
        ("not given", no.phrases, no.snomed, no.source, no.verified),
        (
            "not given, where no dose is recorded",
            no.without_dose,
            no.snomed_without_dose,
            no.source,
            no.verified,
        ),
        ("given elsewhere", no.elsewhere, (), no.source, no.verified),
        ("given in part", no.partly, tuple(no.coded), no.source, no.verified),
        ("a recorded dose stands", no.of_a_part, (), no.source, no.verified),
        ("may be of something else", no.of_anything, (), no.source, no.verified),
        *interrupted(others.interrupted),
    ]
    return f"""# Products and their codes

The code follows the drug that was administered, on the date of service; units = mg ÷ mg per unit,
rounded up.

{table(["drug", "HCPCS", "mg per unit", "for", "holds", "source", "verified"], rows)}

## How a product is recognized

By NDC first, then RxNorm, then other codes, then a name as whole words. *Label*: the population
that the drug is labeled for.

{
        table(
            [
                "drug",
                "names",
                "mg/mL",
                "label",
                "RxNorm",
                "ATC",
                "of these not verified",
                "retired codes",
                "source",
                "verified",
            ],
            names,
        )
    }

## What is none of these

{table(["what", "RxNorm", "names", "source", "verified"], never)}

## What says that a dose was not given, not here, or not all of it

{table(["what", "words", "codes", "source", "verified"], reasons)}
"""


def packages() -> str:
    known = codes.package_table()
    rows = [
        (
            row.ndc,
            codes.families()[row.family].name,
            plain(row.mg),
            plain(row.ml),
            row.label,
            dates(row),
            row.source,
            row.verified,
        )
        for row in known.packages
    ]
    refused = [(row.product, row.what, row.source, row.verified) for row in known.not_billable]
    return f"""# Packages by NDC

One single-dose container of each: it decides whether drug was left over (JW, JZ), and the mL on the
claim.

{table(["NDC", "drug", "mg", "mL", "label", "on the market", "source", "verified"], rows)}

## Never billable

{table(["labeler and product", "what", "source", "verified"], refused)}
"""


def dosing() -> str:
    rows = [
        (
            codes.families()[row.family].name,
            _population(row),
            row.single_mg,
            row.single_mg_per_kg,
            row.course_mg,
            row.course_days,
            row.source,
            row.verified,
        )
        for row in codes.dosing()
    ]
    return f"""# Dose against the label

A dose above these makes a warning for a clinician; it holds a line only where a policy says so.

{
        table(
            [
                "drug",
                "population",
                "mg in one dose",
                "mg per kg",
                "mg in a course",
                "days of a course",
                "source",
                "verified",
            ],
            rows,
        )
    }
"""


def _population(row: LabelDose) -> str:
    lighter = f", below {row.below_kg} kg" if row.below_kg else ""
    older = f", from {row.from_years} years" if row.from_years else ""
    return f"{row.population}{lighter}{older}"


def beside() -> str:
    known = codes.beside_iron()
    rows = [
        (esa.name, row.code, who, dates(row), row.source, row.verified)
        for esa in known.esas
        for row, who in ((esa.other, "others"), (esa.dialysis, "ESRD on dialysis"))
    ]
    asked = [
        ("a modifier: " + ", ".join(known.modifiers.codes), known.modifiers),
        ("hemoglobin or hematocrit", known.result),
    ]
    return f"""# Beside the iron

An erythropoiesis-stimulating agent given the same day, or ordered with the iron, is named on the
iron's line as a note: it makes no line here.

{table(["agent", "code", "of whom", "holds", "source", "verified"], rows)}

With the codes of others than ESRD patients stands a modifier; with each a result.

{
        table(
            ["asked with it", "holds", "source", "verified"],
            [(what, dates(row), row.source, row.verified) for what, row in asked],
        )
    }
"""


def units() -> str:
    known = codes.units()
    rows = [("UCUM", code, unit, known.source, known.verified) for code, unit in known.ucum.items()]
    rows += [
        ("text", code, unit, known.source, known.verified) for code, unit in known.texts.items()
    ]
    return f"""# Units of a dose

Anything else is not read, and the dose is a gap.

{table(["as", "written", "means", "source", "verified"], rows)}
"""
