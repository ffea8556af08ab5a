"""Requests for prior authorization in a terminal: what is asked for, what the payer wants of it and
what the chart says, and what is still lacking.

Held by tests/contract/test_prior_auth.py.
"""

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from integration.authorizing.charts import AuthorizationCharts
from integration.terminal.signs import put, sign
from integration.wording import words
from integration.wording.authorizations import NOTHING, why_none
from mappings.assessment import WORST_FIRST
from mappings.authorizing.request import AuthorizationRequest
from mappings.authorizing.summary import plan


def show(found: AuthorizationCharts, console: Console) -> None:
    """Each request, then the orders that need none."""
    if not found.requests:
        put(console, Text(NOTHING))
    for request in found.requests:
        _request(request, found.names.get(request.patient, request.patient), console)
    for request in found.covered:
        name = found.names.get(request.patient, request.patient)
        put(console, Text(f"{name}: {plan(request)}: {why_none(request)}", style="dim"))


def _request(request: AuthorizationRequest, name: str, console: Console) -> None:
    payer = request.payer or "payer not known"
    beside = f"  {request.patient}  {payer}"
    put(console, Text.assemble((name, "bold"), (beside, "dim")), Text(f"  {plan(request)}"))
    said = [request.decides.says] if request.decides and request.decides.says else []
    put(console, *(Text(f"  {text}") for text in (*said, *request.notes)))
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(width=27)
    grid.add_column(ratio=1)
    for criterion in request.applying:
        is_open = criterion.state in WORST_FIRST
        fix = f"\n{sign('arrow', console)} {criterion.fix}" if is_open and criterion.fix else ""
        grid.add_row(
            sign("held" if is_open else "met", console),
            Text(words.title(criterion.requirement), style="bold"),
            Text(f"{criterion.says or ''}{fix}"),
        )
    for fact in request.facts:
        grid.add_row("", Text(fact.about), Text(fact.says))
    for what in request.lacking:
        grid.add_row(sign("held", console), Text("lacking", style="bold"), Text(what))
    put(console, Padding(grid, (0, 0, 0, 2)), Text())
