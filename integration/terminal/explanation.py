"""`explain`: the whole chain of a line in the terminal: evidence with versions, arithmetic, rules
with sources and dates, denials."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from integration.terminal import signs
from integration.terminal.signs import sign
from integration.wording.amounts import worth
from integration.wording.words import state, status, title
from mappings.assessment import ClaimLine, Evidence, Finding, Gap, PatientAssessment
from mappings.rules import numbered
from mappings.values.moment import shown
from mappings.values.us_dates import us_date

_BY_NUMBER = "The rules by number: docs/rules/by-number.md"


def explain_administration(patient: PatientAssessment, reference: str, console: Console) -> bool:
    """Explain every line of an administration, or why it has none; False where the patient has no
    such administration."""
    lines = [line for line in patient.lines if reference in line.administrations]
    for line in lines:
        _line(line, console)
    unbilled = [
        row for row in (*patient.pending, *patient.reversed) if row.administration == reference
    ]
    for row in unbilled:
        _print(
            console,
            Text(
                f"{reference} has no claim line: {row.reason} (status {row.status}).", style="bold"
            ),
        )
    concerned = {name for line in lines for name in line.administrations} or {reference}
    findings = [row for row in patient.requirements if concerned & set(row.administrations)]
    if findings and not (lines or unbilled):
        _print(console, Text(f"{reference} has no claim line.", style="bold"), Text())
    _requirements(findings, patient.gaps, console)
    return bool(lines or unbilled or findings)


def explain(
    line: ClaimLine, gaps: Sequence[Gap], findings: Sequence[Finding], console: Console
) -> None:
    """The chain of one line: how it came about, what is noted on it, and what its payer asks."""
    _line(line, console)
    _requirements(
        [row for row in findings if set(row.administrations) & set(line.administrations)],
        gaps,
        console,
    )


def _line(line: ClaimLine, console: Console) -> None:
    state_now = Text(
        f"{sign(line.status, console)} {status(line.status)}",
        style=signs.STYLE[line.status],
    )
    head = Text.assemble(
        (signs.billed(line, console), "bold"),
        f"  {signs.drug(line)}, {shown(line.given_on or 'no date')}  ",
        state_now,
    )
    _print(
        console,
        head.append(f"  {worth(line)}"),
        Text(f"{signs.payer(line.policy)}, line {line.id}", style="dim"),
    )
    head = Text.assemble(("How the line came about", "bold"), (f"  {_BY_NUMBER}", "dim"))
    _print(console, Text(), head, _steps(line))
    if line.notes:
        _print(
            console,
            Text("Notes", style="bold"),
            *(_marked("", Text(note)) for note in line.notes),
            Text(),
        )


def _print(console: Console, *rows: RenderableType) -> None:
    for row in rows:
        console.print(row, highlight=False, markup=False)


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
    for row in evidence:
        version = f", version {row.version}" if row.version else ""
        yield _hanging(f"from {row.resource}{version}: {row.says}")


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
    _print(console, Text("What the payer asks", style="bold"))
    asked = [row for row in findings if row.state != "not-applicable"]
    for row in sorted(
        asked, key=lambda row: (row.state == "met", not row.blocking, row.requirement)
    ):
        fitting = (
            gap
            for gap in gaps
            if gap.requirement == row.requirement
            and set(gap.administrations) & set(row.administrations)
        )
        _print(
            console,
            _met(row, console) if row.state == "met" else _unmet(row, next(fitting, None), console),
        )
    unasked = sorted({row.requirement for row in findings} - {row.requirement for row in asked})
    if unasked:
        _print(
            console,
            _marked(
                sign("not-billable", console),
                Text(f"Not asked: {signs.causes(tuple(unasked))}.", style="dim"),
            ),
        )
    _print(console, Text())


def _met(row: Finding, console: Console) -> RenderableType:
    says = row.says or "met"
    head = Text(
        f"{title(row.requirement)}: {says if says[:2].isupper() else says[:1].lower() + says[1:]}"
    )
    return _marked(
        sign("met", console),
        Group(
            head, *_proof(row.evidence), *_authority(row.source, row.verified, row.start, row.end)
        ),
    )


def _unmet(row: Finding, gap: Gap | None, console: Console) -> RenderableType:
    found = state(row.requirement, row.state) + ("" if row.blocking else " (a warning)")
    rows: list[RenderableType] = [
        Text(f"{title(row.requirement)}: {found}", style="bold"),
        Text(row.says or ""),
    ]
    rows.append(Text(f"{sign('arrow', console)} {(gap.fix if gap else row.fix) or ''}"))
    if row.denial:
        rows.append(Text(f"else denial {signs.denial(row.denial)}"))
    rows += [*_proof(row.evidence), *_authority(row.source, row.verified, row.start, row.end)]
    return _marked(sign("held" if row.blocking else "warning", console), Group(*rows))


def _marked(mark: str, body: RenderableType) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_row(mark, body)
    return Padding(grid, (0, 0, 0, 2), expand=False)
