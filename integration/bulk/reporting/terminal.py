"""The sums of a run on the terminal; the page has all of them.

Held by tests/contract/export/test_export_runs.py.
"""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from integration.bulk.output import Summary
from integration.bulk.reporting.figure import Figure
from integration.bulk.reporting.plots import figures
from integration.wording import words
from mappings.policy.choosing import PolicySet

SHOWN = ("states", "causes", "payer", "deadlines", "complete", "waste")
_MOST = 8


def show(summary: Summary, policies: PolicySet, console: Console) -> None:
    sums = summary.sums
    found = words.plural(sum(summary.resources.values()), "resource")
    console.print(
        f"{found} read, {words.plural(sums.patients, 'patient')} with an intravenous iron,"
        f" {words.plural(sums.doses, 'dose')}."
    )
    for figure in figures(summary, policies):
        if figure.name in SHOWN and figure.rows:
            _show(figure, console)


def _show(figure: Figure, console: Console) -> None:
    console.print(Text(f"\n{figure.title}", style="bold"))
    if figure.says:
        console.print(Text(figure.says))
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    for place, name in enumerate(figure.header):
        table.add_column(name, justify="left" if place == 0 else "right")
    for cells in figure.rows[:_MOST]:
        table.add_row(*map(Text, cells))
    console.print(table)
    if len(figure.rows) > _MOST:
        console.print(Text(f"and {len(figure.rows) - _MOST} more", style="dim"))
