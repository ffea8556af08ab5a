"""Pages of the code tables."""

from docs.make.claim_forms import claim_forms
from docs.make.markdown import cell, dates, table
from mappings import codes
from mappings.codes.freshness import freshness
from mappings.values.numbers import plain


def chapters() -> dict[str, str]:
    """File name → text."""
    return {
        "products.md": products(),
        "packages.md": packages(),
        "dosing.md": dosing(),
        "laboratory.md": laboratory(),
        "diagnoses.md": diagnoses(),
        "settings.md": settings(),
        "statuses.md": statuses(),
        "payers.md": payers(),
        "payment.md": payment(),
        "services.md": services(),
        "beside.md": beside(),
        "units.md": units(),
        "freshness.md": how_long(),
        "systems.md": systems(),
        "giving.md": giving(),
        "claims.md": claim_forms(),
    }


def how_long() -> str:
    rows = [
        (
            row.name,
            f"{row.days} days",
            row.published,
            row.built_in or "as its rows say",
            row.source,
            row.verified,
        )
        for row in freshness()
    ]
    return f"""# How long a table stays current

Days from the day that a table is of, until its publisher has normally brought out the next one.
`ferroclaim codes list` says how old the
tables of a site are, and `ferroclaim codes import` brings them [up to date](../codes.md).

{table(["table", "stays current", "by", "built-in rows are of", "source", "verified"], rows)}
"""


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
            "discarded, in notes",
            (),
            (*others.wasting.done, *others.wasting.nouns),
            others.wasting.source,
            others.wasting.verified,
        ),
        (
            "no iron by mouth",
            (),
            others.oral_iron.none,
            others.oral_iron.source,
            others.oral_iron.verified,
        ),
    ]
    no = others.not_given
    reasons = [
        ("not given", no.phrases, no.snomed, no.source, no.verified),
        (
            "not given, where no dose is recorded",
            no.phrases_without_dose,
            no.snomed_without_dose,
            no.source,
            no.verified,
        ),
        ("a recorded dose stands", no.of_a_part, (), no.source, no.verified),
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

## Why a stopped administration was not given

{table(["what", "words", "SNOMED", "source", "verified"], reasons)}
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
            f"{row.population}, below {row.below_kg} kg" if row.below_kg else row.population,
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


def laboratory() -> str:
    labs = codes.labs()
    rows = [
        (
            row.analyte,
            row.unit,
            row.loinc,
            {name: plain(factor) for name, factor in row.units.items()},
            row.fractions,
            row.thousands,
            row.source,
            row.verified,
            row.unverified,
        )
        for row in labs.analytes
    ]
    never = [(row.loinc, row.what, row.source, row.verified) for row in labs.never]
    soon = [
        (row.analytes, row.over_mg, row.days, row.source, row.verified)
        for row in labs.too_soon_after_dose
    ]
    tibc, said = labs.tibc_per_transferrin, labs.words
    words = [
        ("status that counts", said.usable),
        ("status of no result", said.void),
        ("status of a panel or report that counts", said.reported),
        *((f"comparator {sign}", names) for sign, names in said.comparators.items()),
        ("mark", said.flags),
        ("no result", said.no_result),
        ("elsewhere", said.elsewhere),
    ]
    return f"""# Laboratory results

A unit that is not listed is not used; the number beside it turns a value into the unit of the
second column. *Thousands*: a comma
in a value that is written as text separates thousands; elsewhere it could be a decimal comma, and
the text is not read.

{
        table(
            [
                "analyte",
                "unit",
                "LOINC",
                "units that are read",
                "fractions",
                "thousands",
                "source",
                "verified",
                "not verified of these",
            ],
            rows,
        )
    }

Transferrin saturation may be derived from iron and TIBC of one specimen; TIBC = transferrin (mg/dL)
× {tibc.factor}
(source: {tibc.source}; verified: {cell(tibc.verified)}).

## Words

Text is read as comparator, number or range, unit and mark,
and nothing else. Words of *no result* and *elsewhere* are no obstacle to
an older result; anything else that is not read decides that an older one is held against no limit.

{
        table(
            ["what", "words", "source", "verified"],
            [(*row, said.source, said.verified) for row in words],
        )
    }

## Never evidence

{table(["LOINC", "what", "source", "verified"], never)}

## Drawn too soon after a dose of iron

{table(["analytes", "after more than (mg)", "days", "source", "verified"], soon)}
"""


def diagnoses() -> str:
    known = codes.diagnoses()
    groups = [
        (name, found, known.icd10.source, known.icd10.verified)
        for name, found in known.icd10.groups.items()
    ]
    dated = [(row.code, dates(row), row.source, row.verified) for row in known.icd10.dated]
    against = [(row.prefix, row.source, row.verified) for row in known.oral_iron_contraindication]
    named = [
        (name, row.prefixes, row.source, row.verified)
        for name, row in known.named_by_payers.items()
    ]
    snomed = [(row.code, row.icd10, row.source, row.verified) for row in known.snomed]
    treatments = [
        (row.system, row.code, row.kind, row.source, row.verified)
        for row in known.dialysis_treatment
    ]
    pregnancy = [
        (row.system, row.code, row.pregnant, row.source, row.verified) for row in known.pregnancy
    ]
    return f"""# Diagnoses

On a line: cause of the kidney disease, its stage, anemia in CKD, iron deficiency, dialysis; the
first four are its pointers.

{table(["group", "ICD-10-CM", "source", "verified"], groups)}

## Codes with dates

{table(["ICD-10-CM", "billable", "source", "verified"], dated)}

## Reasons why oral iron is unsuitable

{table(["ICD-10-CM begins with", "source", "verified"], against)}

## What payers name beside the kidney

The names that a [policy's conditions](../policies.md) may use.

{table(["name", "ICD-10-CM begins with", "source", "verified"], named)}

## SNOMED CT

Where no ICD-10-CM code of the same category is given. Of several codes for one concept the day of
the dose decides.

{table(["SNOMED CT", "ICD-10-CM", "source", "verified"], snomed)}

## Dialysis treatments

{table(["system", "code", "kind", "source", "verified"], treatments)}

## Pregnancy

{table(["system", "code", "pregnant", "source", "verified"], pregnancy)}
"""


def settings() -> str:
    known = codes.settings()
    rows = [
        (
            row.code,
            row.name,
            row.claim,
            row.bill_type,
            row.revenue_code,
            known.source,
            known.verified,
        )
        for row in known.place_of_service
    ]
    classes = [
        (row.systems, code, kind, known.place_of_kind.get(kind), row.source, row.verified)
        for row in known.encounter_classes
        for kind, found in row.kinds.items()
        for code in found
    ]
    mapped = [
        ("Encounter.class, in no table", word, kind, known.source, known.verified)
        for word, kind in known.plain_words.items()
    ]
    for what, row in (("inpatient", known.inpatient_type), ("a warning", known.facility_stay)):
        said = ", ".join(row.names)
        mapped.append(("Encounter.type", said, what, row.source, row.verified))
        mapped.append(
            ("Encounter.type, SNOMED CT", ", ".join(row.snomed), what, row.source, row.verified)
        )
    mapped += [
        ("Location.type", code, f"place of service {pos}", known.source, known.verified)
        for code, pos in known.location_type.items()
    ]
    return f"""# Where the dose was given

The location's own code decides (or that of the place it lies in), then the class of the encounter,
then the site's table of places. An inpatient stay contradicts them all.

{
        table(
            [
                "place of service",
                "name",
                "claim",
                "bill type",
                "revenue code",
                "source",
                "verified",
            ],
            rows,
        )
    }

## Classes of encounters

One that is in no table, or undecided, holds the line until the site says once what it means
(`encounter_classes`).

{table(["code system", "code", "kind", "place of service", "source", "verified"], classes)}

## Other codes

{table(["element", "code", "means", "source", "verified"], mapped)}
"""


def statuses() -> str:
    known = codes.status_table()
    rows = [
        (row.element, meaning, others, known.source, known.verified)
        for row in known.elements
        for meaning, others in row.words.items()
    ]
    return f"""# What a status means

A status is read by its word, case, hyphens and spaces aside: as code, display or text, with
or without a system. One that is there and not
understood is no evidence, and what it could turn is held with a gap that quotes it. A site gives
words of its own a meaning in
`status_words`.

{table(["element", "means", "also read", "source", "verified"], rows)}
"""


def payers() -> str:
    known = codes.payers()
    sopt = [(row.prefix, row.kind, row.source, row.verified) for row in known.sopt]
    acts = [(code, kind, known.source, known.verified) for code, kind in known.act_code.items()]
    names = [
        (
            row.name,
            row.kind,
            row.payer,
            row.strong,
            row.alone,
            row.pays_second,
            known.source,
            known.verified,
        )
        for row in known.names
    ]
    heads = [
        "name",
        "kind",
        "policy's payer",
        "certain",
        "alone",
        "pays second",
        "source",
        "verified",
    ]
    return f"""# Payers

What a Coverage says of its payer: by source-of-payment code, by type, by name. A site adds aliases
of its own.

{table(["source of payment begins with", "kind", "source", "verified"], sopt)}

## Coverage types

{table(["code", "kind", "source", "verified"], acts)}

## Names

*Certain: no*: the kind yields to what the type code says. *Alone*: only
where it is the whole text. *Pays second*: the plan
says that it pays after another.

A plan whose words say {" or ".join(f"*{word}*" for word in known.medical)} is medical,
whatever else it is for.

{table(heads, names)}
"""


def payment() -> str:
    known = codes.payment()
    limits = [
        (code, amount, row.quarter, f"from {row.start}", row.source, row.verified)
        for row in known.limits
        for code, amount in row.limit.items()
    ]
    opps = [
        (code, row.status, f"from {row.start}", known.opps.source, known.opps.verified)
        for code, rows in known.opps.status.items()
        for row in rows
    ]
    bundle = known.esrd_consolidated_billing
    esrd = [("every IV iron", dates(row), row.source, row.verified) for row in bundle.every_iron]
    esrd += [
        (f"not {', '.join(row.codes)}", dates(row), row.source, row.verified)
        for row in bundle.exempt
    ]
    discard = [
        (row.modifier, dates(row), row.source, row.verified) for row in known.discard_modifiers
    ]
    off_campus = [
        (row.modifier, dates(row), row.source, row.verified) for row in known.off_campus_modifiers
    ]
    discard.append(
        (
            "JW and JZ on the 72X",
            dates(known.esrd_discard_modifiers),
            known.esrd_discard_modifiers.source,
            known.esrd_discard_modifiers.verified,
        )
    )
    return f"""# Payment

The value of a line is its units × the payment limit of the latest known quarter up to the date of
service.

{table(["HCPCS", "dollars per unit", "quarter", "holds", "source", "verified"], limits)}

## Packaged in the hospital (OPPS status)

Packaged: {cell(known.opps.packaged)}. Paid apart: {cell(known.opps.separate)}.
The last release seen is of {known.opps.last_release}; it carries forward, and lines say so.

{table(["HCPCS", "status", "holds", "source", "verified"], opps)}

## In an ambulatory surgery center (ASC indicator)

Packaged: {cell(known.asc.packaged)}. Paid apart: {cell(known.asc.separate)}. Where no indicator of
a code is known, its OPPS status
decides; a site imports the indicators with [`ferroclaim codes`](../codes.md).

## ESRD consolidated billing

{table(["HCPCS", "holds", "source", "verified"], esrd)}

## Discarded drug

{table(["modifier", "asked", "source", "verified"], discard)}

## Off-campus departments

{table(["modifier", "asked", "source", "verified"], off_campus)}
"""


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


def services() -> str:
    known = codes.administration_services()
    rows = [
        (
            f"first drug of an encounter, up to {known.push_minutes} minutes, or no stop time",
            known.initial_push,
        ),
        ("first drug of an encounter, longer: its first hour", known.initial_infusion),
        (
            (
                f"each further hour, once more than {known.further_hour_over_minutes} minutes of it"
                " have passed"
            ),
            known.further_hour,
        ),
        (f"another drug, up to {known.push_minutes} minutes", known.sequential_push),
        ("another drug, longer: its first hour", known.sequential_infusion),
        (
            (
                f"the same drug pushed again, {known.repeated_push_minutes} minutes later or more,"
                " by a facility"
            ),
            known.repeated_push,
        ),
    ]
    return f"""# Administration services

Companion lines of the drug, off unless the site bills them (`bill_services`). Never in a dialysis
facility, and never on a
professional's claim in {cell(known.not_for_professionals_in)}. Revenue code on a facility's claim:
{known.revenue_code}.

{
        table(
            ["what", "CPT", "holds", "source", "verified"],
            [(*row, dates(known), known.source, known.verified) for row in rows],
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


def systems() -> str:
    rows = [
        (row.system, row.names, row.editions, row.source, row.verified)
        for row in codes.systems().systems
    ]
    return f"""# Code systems

Compared without case, `http://` or `https://`, `www.`, `urn:oid:`, a slash at the end and a version
behind `|`. *Editions*: what stands below the address is an edition of the same system. A system
with another name is not known.

{table(["system", "names", "editions", "source", "verified"], rows)}
"""


def giving() -> str:
    known = codes.giving()
    by = (known.source, known.verified)
    rows = [("route", row.route, (*row.codes, *row.names), *by) for row in known.routes]
    rows += [("asked a day", f"{row.a_day}", row.codes, *by) for row in known.frequencies]
    rows += [
        ("method", "says no more than that it was given", known.methods.names, *by),
        ("names no drug", "by these words alone", known.names_nothing.words, *by),
        ("in a dosage's text", "the mass is not this dose", known.other_mass.names, *by),
    ]
    return f"""# How a dose was given

A route that the drug does not have holds the line; a route or method in no row is a note.

{table(["of", "is", "written", "source", "verified"], rows)}
"""
