"""Pages of who pays, how much, and how long a table of it stays current."""

from docs.make.markdown import cell, dates, table
from mappings import codes
from mappings.codes.freshness import freshness


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

A payer called Medicare is original Medicare where nothing but these words stands beside that:
{", ".join(known.beside_medicare)}, and numbers. With
{", ".join(f"*{word}*" for word in known.managed)} it is Medicare Advantage; with any other word
it is asked who it is. A code of SOPT 12 (fee for service) goes before words.

Where only an insurer's name says that a plan is commercial, and one of
{", ".join(f"*{word}*" for word in known.public_plans)} stands beside it, it is asked who it is.

A plan whose words say {" or ".join(f"*{word}*" for word in known.medical)} is medical,
whatever else it is for. One of which the words say
{", ".join(f"*{word}*" for word in known.in_doubt)} may not hold: a person decides, or the site
says what the name means.

No approval stands where the disposition of the payer's answer says
{", ".join(f"*{word}*" for word in known.against_approval)},
or a note of it {", ".join(f"*{word}*" for word in known.taken_back)}.

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
    nowhere = known.no_discard_modifiers
    discard.append((f"neither at {cell(nowhere.places)}", "", nowhere.source, nowhere.verified))
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
