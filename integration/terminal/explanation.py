"""`explain`: the whole chain of a line in the terminal: evidence with versions, arithmetic, rules
with sources and dates, denials.

Held by tests/unit/test_tables.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import chain

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from integration.terminal import signs
from integration.terminal.signs import put, sign
from integration.wording.amounts import worth
from integration.wording.words import state, title
from mappings.assessment import ClaimLine, Evidence, Finding, Gap, PatientAssessment
from mappings.rules import numbered
from mappings.values.moment import shown
from mappings.values.us_dates import us_date
from mappings.values.words import within

_BY_NUMBER = "The rules by number: docs/rules/by-number.md"


def explain_administration(patient: PatientAssessment, reference: str, console: Console) -> bool:
    """Explain every line of an administration, or why it has none; False where the patient has no
    such administration."""
    lines = [line for line in patient.lines if reference in line.administrations]
    for line in lines:
        _line(line, console)
    unbilled = [
        dose for dose in (*patient.pending, *patient.reversed) if dose.administration == reference
    ]
    for dose in unbilled:
        says = f"{reference} has no claim line: {dose.reason} (status {dose.status})."
        put(console, Text(says, style="bold"))
    concerned = set(chain.from_iterable(line.administrations for line in lines)) or {reference}
    findings = [
        finding for finding in patient.requirements if concerned & set(finding.administrations)
    ]
    if findings and not (lines or unbilled):
        put(console, Text(f"{reference} has no claim line.", style="bold"), Text())
    _requirements(findings, patient.gaps, console)
    return bool(lines or unbilled or findings)


def _line(line: ClaimLine, console: Console) -> None:
    head = Text.assemble(
        (signs.billed(line, console), "bold"),
        f"  {signs.drug(line)}, {shown(line.given_on or 'no date')}  ",
        signs.standing(line, console),
    )
    put(
        console,
        head.append(f"  {worth(line)}"),
        Text(f"{signs.payer(line.policy)}, line {line.id}", style="dim"),
    )
    head = Text.assemble(("How the line came about", "bold"), (f"  {_BY_NUMBER}", "dim"))
    put(console, Text(), head, _steps(line))
    if line.notes:
        put(
            console,
            Text("Notes", style="bold"),
            *(_marked("", Text(note)) for note in line.notes),
            Text(),
        )


def _steps(line: ClaimLine) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=4)
    grid.add_column(width=9)
    last = ""
    for step in line.trace:
        body = Group(
            Text(step.says),
            *_proof(step.evidence),
            *_authority(step.source, step.verified, step.start, step.end),
        )
        rule = numbered().get(step.rule) if step.rule != last else None
        grid.add_row(*((rule.number, rule.short) if rule else ("", "")), body)
        last = step.rule
    return Padding(grid, (0, 0, 1, 2), expand=False)


def _proof(evidence: Iterable[Evidence]) -> Iterator[RenderableType]:
    """Each resource with its version."""
    for item in evidence:
        version = f", version {item.version}" if item.version else ""
        yield _hanging(f"from {item.resource}{version}: {item.says}")


def _authority(
    source: str | None, verified: bool, start: date | None = None, end: date | None = None
) -> Iterator[RenderableType]:
    """The rule's source, its dates, and whether it is verified."""
    if source:
        dates = [f"from {us_date(start)}"] if start else []
        dates += [f"to {us_date(end)}"] if end else []
        yield _hanging(
            ", ".join([f"source: {source}", *dates, "verified" if verified else "NOT VERIFIED"])
        )


def _hanging(text: str) -> RenderableType:
    return Padding(Text(text, style="dim"), (0, 0, 0, 2), expand=False)


def _requirements(findings: Sequence[Finding], gaps: Sequence[Gap], console: Console) -> None:
    """What is not met first, with what to do and the denial that it predicts; then what is met;
    then what is not asked."""
    if not findings:
        return
    put(console, Text("What the payer asks", style="bold"))
    asked = [finding for finding in findings if finding.state != "not-applicable"]
    for finding in sorted(
        asked,
        key=lambda finding: (finding.state == "met", not finding.blocking, finding.requirement),
    ):
        fitting = (
            gap
            for gap in gaps
            if gap.requirement == finding.requirement
            and set(gap.administrations) & set(finding.administrations)
        )
        put(
            console,
            _met(finding, console)
            if finding.state == "met"
            else _unmet(finding, next(fitting, None), console),
        )
    unasked = sorted(
        {finding.requirement for finding in findings} - {finding.requirement for finding in asked}
    )
    if unasked:
        put(
            console,
            _marked(
                sign("not-billable", console),
                Text(f"Not asked: {signs.causes(tuple(unasked))}.", style="dim"),
            ),
        )
    put(console, Text())


def _met(finding: Finding, console: Console) -> RenderableType:
    head = Text(f"{title(finding.requirement)}: {within(finding.says or 'met')}")
    return _marked(
        sign("met", console),
        Group(
            head,
            *_proof(finding.evidence),
            *_authority(finding.source, finding.verified, finding.start, finding.end),
        ),
    )


def _unmet(finding: Finding, gap: Gap | None, console: Console) -> RenderableType:
    found = state(finding.requirement, finding.state) + ("" if finding.blocking else " (a warning)")
    parts: list[RenderableType] = [
        Text(f"{title(finding.requirement)}: {found}", style="bold"),
        Text(finding.says or ""),
    ]
    parts.append(Text(f"{sign('arrow', console)} {(gap.fix if gap else finding.fix) or ''}"))
    if finding.denial:
        parts.append(Text(f"else denial {signs.denial(finding.denial)}"))
    parts += [
        *_proof(finding.evidence),
        *_authority(finding.source, finding.verified, finding.start, finding.end),
    ]
    return _marked(sign("held" if finding.blocking else "warning", console), Group(*parts))


def _marked(mark: str, body: RenderableType) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_row(mark, body)
    return Padding(grid, (0, 0, 0, 2), expand=False)
