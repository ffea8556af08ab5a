"""A page for each policy."""

from docs.make.markdown import cell, dates, said, table
from integration.wording.policies import PolicyRow, policy_rows
from mappings import codes
from mappings.policy import choosing
from mappings.policy.choosing import DatedModifier, IronDeficiencyRule, LabRule, Policy, Rule


def chapters() -> dict[str, str]:
    """File name → text."""
    return {f"policies/{row.id}.md": page(row) for row in choosing.built_in().policies}


def page(row: Policy) -> str:
    cases = [(case.name, case.given, case.expect) for case in row.cases]
    asked = [
        (
            item.modifier,
            item.codes,
            getattr(item, "attests", ()),
            dates(item),
            item.source,
            item.verified,
        )
        for item in _modifiers(row)
    ]
    return f"""# Policy: {row.title}

{table(["", ""], _audience(row))}

## What it asks

{
        table(
            ["requirement", "asks", "when", "details", "unless met", "source", "verified"],
            [_asked(row, found) for found in policy_rows(row)],
        )
    }

## Modifiers

JW and JZ: {"asked" if row.modifiers.discard else "not asked"}.

{
        table(["modifier", "codes", "attests", "holds", "source", "verified"], asked)
        if asked
        else "No others."
    }

## For a person to look at

{table(["what", "codes", "when", "source", "verified"], _notes(row)) if row.notes else "Nothing."}

## Its own tests

{table(["case", "given", "expected"], cases) if cases else "None."}
"""


def _audience(row: Policy) -> list[tuple[str, object]]:
    audience = row.audience
    return [
        ("id, version", f"{row.id}, {row.version}"),
        ("kinds of payer", audience.kinds),
        ("payers", audience.payers or "any of these kinds"),
        ("places of service", audience.settings or "any"),
        ("holds", dates(row.effective)),
        *([("as", _base(row))] if row.base else []),
        ("source", row.source),
        ("verified", row.verified),
    ]


def _notes(row: Policy) -> list[tuple[object, ...]]:
    return [
        (note.says, note.codes, note.when, note.source or row.source, row.verifies(note))
        for note in row.notes
    ]


def _base(row: Policy) -> str:
    left_out = f", without {cell(row.without)}" if row.without else ""
    return f"[{row.base}]({row.base}.md){left_out}, but for what its own file says"


def _asked(row: Policy, found: PolicyRow) -> tuple[object, ...]:
    weight = "warns" if found.warning else "holds the line"
    source = found.source or _source(row, found.requirement)
    return found.title, found.says, found.when, _details(found.rule), weight, source, found.verified


def _details(rule: Rule) -> str:
    """The parameters of the rule as the file has them; of renal anemia as they hold."""
    if isinstance(rule, LabRule):
        return _laboratory(rule)
    found = said(rule)
    if isinstance(rule, IronDeficiencyRule) and rule.renal_anemia:
        shown_by = rule.renal_anemia
        found["renal_anemia"] = {"limit": shown_by.limit, "units": shown_by.units}
    return cell(found)


def _laboratory(rule: LabRule) -> str:
    wanted = cell(rule.limit) if rule.limit else f"on record: {cell(rule.on_record)}"
    return f"{f'{rule.when}: ' if rule.when else ''}{wanted}, {rule.window_days} days"


def _modifiers(row: Policy) -> list[DatedModifier]:
    return [*row.modifiers.kx, *row.modifiers.r340b, *row.modifiers.ambulatory_surgery]


def _source(row: Policy, requirement: str) -> str:
    """Where the rule itself names no source: the requirement's, else the policy's (as on a gap)."""
    known = codes.requirements().get(requirement)
    return (known.source if known else None) or row.source
