"""Pages of what is read in charts: results, diagnoses, places, statuses, reasons not given."""

from docs.make.markdown import cell, dates, table
from mappings import codes
from mappings.values.numbers import plain


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
        ("a note that takes a result back", said.taken_back),
        ("elsewhere", said.elsewhere),
    ]
    tests = [
        *labs.names.of.items(),
        ("another test", labs.names.others),
        ("another fluid (anywhere in the text)", labs.names.fluids),
        ("nothing (leaves a name what it is)", labs.names.beside),
    ]
    return f"""# Laboratory results

A unit that is not listed is not used; the number beside it turns a value into the unit of the
second column. *Thousands*: a comma
in a value that is written as text separates thousands; elsewhere it could be a decimal comma, and
the text is not read. Zero is no result of
{", ".join(row.called for row in labs.analytes if row.above_zero)}: it stands for none.

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

## Names of tests

A result whose words name another test than its code is not used.

{
        table(
            ["names", "words", "source", "verified"],
            [(*row, labs.names.source, labs.names.verified) for row in tests],
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
    worded = [
        (row.icd10, row.names, row.icd9, row.but_not, row.source, row.verified)
        for row in known.diagnoses_in_words
    ]
    of_treatment = known.dialysis_in_words
    worded.append(
        (
            "a treatment",
            of_treatment.names,
            (),
            of_treatment.but_not,
            of_treatment.source,
            of_treatment.verified,
        )
    )
    denied = known.denied_in_words
    of_denied = (
        *(f"{words} …" for words in denied.begins),
        *(f"… {words}" for words in denied.ends),
    )
    worded.append(("none of these", of_denied, (), (), denied.source, denied.verified))
    apart = [
        (row.codes, row.names, told.source, told.verified)
        for told in known.told_apart
        for row in told.rows
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

## Diagnoses in words

No evidence where no code that is read says it, and not nothing: kidney failure and dialysis hold
the line until a person records what it is; an anemia is quoted where no code says it.

{table(["as", "words", "ICD-9-CM", "but not in", "source", "verified"], worded)}

## Codes that words tell apart

A code whose own words name another of its table, and not the code, says two things: no evidence,
and not nothing.

{table(["ICD-10-CM begins with", "words", "source", "verified"], apart)}

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


def giving() -> str:
    known = codes.giving()
    by = (known.source, known.verified)
    rows = [("route", row.route, (*row.codes, *row.names), *by) for row in known.routes]
    rows += [
        ("asked a day", f"{row.a_day}{', once' if row.once else ''}", row.codes, *by)
        for row in known.frequencies
    ]
    rows += [
        ("asked a day", "says nothing of how often", known.no_frequency.codes, *by),
        ("method", "says no more than that it was given", known.methods.names, *by),
        ("names no drug", "by these words alone", known.names_nothing.words, *by),
        ("in a dosage's text", "the mass is not this dose", known.other_mass.names, *by),
    ]
    return f"""# How a dose was given

A route that the drug does not have holds the line; a route or method in no row is a note.

{table(["of", "is", "written", "source", "verified"], rows)}
"""


def notes() -> str:
    known = codes.note_types()
    rows = [
        ("LOINC code", known.loinc, known.source, known.verified),
        (
            "LOINC code that says nothing of the kind",
            known.of_any_kind,
            known.source,
            known.verified,
        ),
        ("text, where no other LOINC code stands", known.names, known.source, known.verified),
        ("in front of such a text", known.before, known.source, known.verified),
    ]
    return f"""# Notes

Documents of these types are progress, consult or history-and-physical notes, by `type` or
`category`; what they say is not read.

{table(["of", "is one", "source", "verified"], rows)}
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


def windows() -> str:
    known = codes.windows()
    rows = [
        (row.title, row.days, row.source or known.source, known.verified) for row in known.windows
    ]
    return f"""# Windows of ours

How many days a fact of the chart counts for a dose, where neither a policy nor another
table says so.

{table(["what", "days", "source", "verified"], rows)}
"""
