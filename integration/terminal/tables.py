"""An assessment as a person reads it in a terminal: safety first, then each patient, the money, and
what to settle first.

Held by tests/unit/test_tables.py.
"""

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain

from rich.box import ROUNDED, SIMPLE_HEAD
from rich.console import Console, Group, OverflowMethod, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from integration.terminal import signs, sums
from integration.terminal.calling import as_called
from integration.terminal.signs import put, sign
from integration.wording import words
from integration.wording.amounts import Sum, money, total, worth
from integration.wording.words import (
    first_sentence,
    joined,
    plural,
    reason,
    state,
    title,
)
from mappings.assessment import Assessment, ClaimLine, Gap, PatientAssessment
from mappings.values.moment import shown

WIDE, NARROW = 130, 72
LEAST_DRUG = 6
MOST_TASKS = 8
Names = Mapping[str, str]
Widths = dict[str, int]


def show(document: Assessment, console: Console, names: Names | None = None) -> None:
    """Print the document. `names`: patient reference → display name."""
    names = names or {}
    put(console, _heading(document), Text())
    if not document.patients:
        put(console, "No patient here was given an intravenous iron.")
        return
    _safety(document, console, names)
    widths = _widths(document, console)
    for patient in document.patients:
        _patient(patient, console, names, widths)
    _money(document, console)
    _tasks(document, console, names)
    _questions(document, console)
    _footnotes(document, console)


def next_steps(console: Console) -> None:
    """Where to go from the demo."""
    from importlib.resources import files

    call = as_called()
    sample = os.path.relpath(str(files("integration") / "samples" / "bruno-fixture.json"))
    put(console, Text(), _section("Next steps", console))
    for command, does in (
        (
            f"{call} explain {sample} --administration bruno-dose-1",
            "the whole chain of one line",
        ),
        (f"{call} assess SOURCE", "your own records: a Bundle, NDJSON, or a FHIR server"),
        (f"{call} demo --pages", "chart page and worklist in a browser, with these patients"),
    ):
        console.print(
            Text.assemble((command, "bold"), f"\n    {does}"), highlight=False, soft_wrap=True
        )


def _heading(document: Assessment) -> Text:
    counted = (
        f"{plural(len(document.patients), 'patient')},"
        f" {plural(sum(len(patient.lines) for patient in document.patients), 'claim line')}"
    )
    at = datetime.fromisoformat(document.as_of)
    return Text.assemble(
        "Intravenous iron as of ",
        (words.at(at, None), "bold"),
        f": {counted}",
    )


def _section(name: str, console: Console) -> Text:
    return Text.assemble(
        (name, "bold"), ("\n" + ("-" if console.options.ascii_only else "─") * len(name), "dim")
    )


def _safety(document: Assessment, console: Console, names: Names) -> None:
    """Apart from the paperwork, and above it."""
    parts: list[RenderableType] = []
    for patient in document.patients:
        for gap in sums.safety(patient):
            parts += [Text()] if parts else []
            parts.append(
                Text(
                    f"{names.get(patient.patient, patient.patient)}: {title(gap.requirement)}",
                    style="bold",
                )
            )
            parts.append(Text(f"{_message(gap)}\n{sign('arrow', console)} {gap.fix}"))
    if parts:
        head = Text(f"{sign('safety', console)} Safety: for a clinician to look at", style="bold")
        put(
            console,
            Panel(Group(*parts), title=head, title_align="left", box=ROUNDED, border_style="red"),
            Text(),
        )


def _patient(patient: PatientAssessment, console: Console, names: Names, widths: Widths) -> None:
    name = names.get(patient.patient, patient.patient)
    payers = dict.fromkeys(signs.payer(line.policy) for line in patient.lines)
    beside = [
        *([patient.patient] if name != patient.patient else []),
        *(payers if console.width < WIDE else []),
    ]
    put(console, Text.assemble((name, "bold"), *((f"  {part}", "dim") for part in beside)))
    if patient.lines:
        put(console, Padding(_lines(patient.lines, console, widths), (0, 0, 0, 2), expand=False))
    for unpaid in (line for line in patient.lines if not line.is_billable):
        on = shown(unpaid.given_on or "no date")
        put(
            console,
            Text(
                f"    {sign('not-billable', console)} {on} not billable:"
                f" {signs.causes(unpaid.reasons)}"
            ),
        )
    for kind, unbilled in (("pending", patient.pending), ("reversed", patient.reversed)):
        for item in unbilled:
            put(
                console,
                Text(
                    f"    {sign(kind, console)} {item.administration.rpartition('/')[2]} {kind}:"
                    f" {item.reason}"
                ),
            )
    gaps = [gap for gap in patient.gaps if gap.blocking or not gap.is_safety]
    if gaps:
        put(console, Padding(_gaps(gaps, patient, console), (0, 0, 0, 4), expand=False))
    put(console, Text())


def _cells(line: ClaimLine, console: Console) -> dict[str, Text]:
    return {
        "date": Text(shown(line.given_on or "no date"), justify="right"),
        "drug": Text(signs.drug(line)),
        "line": Text(signs.billed(line, console), style="bold"),
        "payer": Text(signs.payer(line.policy)),
        "status": signs.standing(line, console),
        "money": Text(worth(line), justify="right"),
    }


def _widths(document: Assessment, console: Console) -> Widths:
    """The same for every patient, so that their lines stand under each other; the drug's name gives
    way, the line never."""
    lines = chain.from_iterable(patient.lines for patient in document.patients)
    cells = [_cells(line, console) for line in lines]
    widths = {
        name: max(len(cells_of_line[name]) for cells_of_line in cells)
        for name in (cells[0] if cells else ())
    }
    if console.width < WIDE:
        widths.pop("payer", None)
    room = console.width - 2 - sum(width + 2 for name, width in widths.items() if name != "drug")
    if room < widths.get("drug", 0):
        widths["drug"] = room
    if widths.get("drug", LEAST_DRUG) < LEAST_DRUG:
        del widths["drug"]
    return _narrowed(widths, console.width - 2)


def _narrowed(widths: Widths, room: int) -> Widths:
    """What is said by a sign, too, gives way, then the year; the line and its money never."""
    over = sum(widths.values()) + 2 * (len(widths) - 1) - room
    for name, least in (("status", 1), ("date", len("Oct 15…"))):
        given_up = max(0, min(over, widths.get(name, least) - least))
        if given_up:
            widths = {**widths, name: widths[name] - given_up}
            over -= given_up
    return widths


def _lines(lines: Iterable[ClaimLine], console: Console, widths: Widths) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, width in widths.items():
        overflow: OverflowMethod = "crop" if name == "status" else "ellipsis"
        table.add_column(width=width, no_wrap=True, overflow=overflow)
    for line in lines:
        cells = _cells(line, console)
        table.add_row(*(cells[name] for name in widths))
    return table


def _gaps(gaps: Iterable[Gap], patient: PatientAssessment, console: Console) -> Table:
    """What is missing on the left; what was found, and what to do, on the right (beside each other
    where there is room)."""
    wide = console.width >= WIDE
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(width=30 if wide else 27)
    table.add_column(ratio=1)
    if wide:
        table.add_column(ratio=1)
    for gap in sorted(gaps, key=lambda gap: (not gap.blocking, gap.requirement)):
        found, do = Text(_message(gap)), Text(f"{sign('arrow', console)} {gap.fix}")
        right = [found, do] if wide else [Text("\n").join([found, do])]
        table.add_row(
            sign("held" if gap.blocking else "warning", console), _missing(gap, patient), *right
        )
    return table


def _missing(gap: Gap, patient: PatientAssessment) -> Text:
    """Title, state, which doses where that is not plain, and the denial it predicts."""
    dates = sorted({line.given_on or "no date" for line in patient.lines if line.id in gap.lines})
    which = [plural(len(gap.administrations), "dose")] if len(gap.administrations) > 1 else []
    which += [shown(dates[0])] if len(dates) == 1 and len(patient.lines) > 1 else []
    which += (
        [] if gap.lines else [joined([dose.rpartition("/")[2] for dose in gap.administrations])]
    )
    denial = f"\nelse {signs.denial(gap.predicted_denial)}" if gap.predicted_denial else ""
    found = ", ".join(
        [
            state(gap.requirement, gap.state),
            *which,
            *([] if gap.blocking else ["a warning"]),
        ]
    )
    return Text.assemble((title(gap.requirement), "bold"), f"\n{found}", (denial, "dim"))


def _money(document: Assessment, console: Console) -> None:
    ready, held = (total(sums.lines_of(document, status)) for status in ("ready", "held"))
    not_billable = len(sums.lines_of(document, "not-billable"))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=16)
    grid.add_column(justify="right", width=11)
    grid.add_row(
        f"{sign('ready', console)} ready", Text(money(ready.money), style="bold"), _counted(ready)
    )
    grid.add_row(
        f"{sign('held', console)} held, at risk",
        Text(money(held.money), style="bold"),
        _counted(held),
    )
    if not_billable:
        grid.add_row(
            f"{sign('not-billable', console)} not billable", "", plural(not_billable, "line")
        )
    put(console, _section("Money", console), grid, Text())
    if held.lines:
        put(
            console,
            _causes(document, alone=console.width >= NARROW),
            Text("A line held by several things is counted under each of them.", style="dim"),
            Text(),
        )


def _counted(amount: Sum) -> str:
    rest = [f"{amount.charges} of them charge lines without a price"] if amount.charges else []
    rest += [f"{amount.unpriced} not priced yet"] if amount.unpriced else []
    return ", ".join([plural(amount.lines, "line"), *rest])


def _causes(document: Assessment, *, alone: bool) -> Table:
    """ALONE: with what waits for one thing only, where there is room for it."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column("Held by")
    shown = ("lines", "money", "by this alone", "money") if alone else ("lines", "money")
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True)
    for cause in sums.causes(document):
        sums_shown = [cause.held, cause.alone] if alone else [cause.held]
        cells = [_sum_cells(found) for found in sums_shown]
        table.add_row(reason(cause.reason), *chain.from_iterable(cells))
    return table


def _sum_cells(found: Sum) -> tuple[str, str]:
    return (str(found.lines), signs.amount(found)) if found.lines else ("", "")


def _tasks(document: Assessment, console: Console, names: Names) -> None:
    found = sums.tasks(document)
    if not found:
        return
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", width=3)
    for number, task in enumerate(found[:MOST_TASKS], 1):
        freed = f", {money(task.freed.money)}" if task.freed.money else ""
        frees = f" {sign('arrow', console)} {plural(task.freed.lines, 'line')}{freed}"
        who = names.get(task.patient, task.patient)
        beyond = " (beyond the payer's limits: a person has to decide)"
        grid.add_row(
            f"{number}.",
            Text.assemble(
                (who, "bold"),
                f": {signs.causes(task.reasons)}",
                (frees, "bold"),
                (beyond if task.beyond_paperwork else "", "dim"),
            ),
        )
    put(console, _section("Resolve first", console), grid)
    if len(found) > MOST_TASKS:
        put(console, Text(f"    and {len(found) - MOST_TASKS} more", style="dim"))
    put(console, Text())


def _questions(document: Assessment, console: Console) -> None:
    """What the site can say once, in its settings."""
    if not document.questions:
        return
    grid = Table.grid(padding=(0, 1))
    for question in document.questions:
        waits = f"{plural(question.doses, 'dose')} {'waits' if question.doses == 1 else 'wait'}"
        grid.add_row(
            Text.assemble(
                (question.value, "bold"), f' "{question.says}" in {question.element}: {waits}'
            )
        )
        grid.add_row(Text(f"    give it a meaning in the site's `{question.table}`", style="dim"))
    put(console, _section("Say once", console), grid, Text())


def _footnotes(document: Assessment, console: Console) -> None:
    notes = ["Ready is a proposal: a person releases each line."]
    if any(not gap.verified for patient in document.patients for gap in patient.gaps):
        notes.append("* This rule is not verified against the payer's published policy.")
    unread = len(document.all_unreadable)
    if unread:
        notes.append(f"{plural(unread, 'resource')} could not be read.")
    put(console, *(Text(note, style="dim") for note in notes))


def _message(gap: Gap) -> str:
    return f"{first_sentence(gap.message)}{'' if gap.verified else ' *'}"
