"""Words and signs for the terminal: each status has a word and a sign, so that nothing hangs on
color or on Unicode.

Held by tests/unit/test_tables.py.
"""

import io
import sys
from collections.abc import Callable

from rich.console import Console, RenderableType
from rich.text import Text

from integration.wording.amounts import Sum, money
from integration.wording.words import reason, status
from mappings import codes
from mappings.assessment import ClaimLine, Denial, LineStatus, PolicyRef
from mappings.policy import choosing
from mappings.values.words import within

_SIGNS: dict[str, tuple[str, str]] = {
    "ready": ("✓", "+"),
    "met": ("✓", "+"),
    "held": ("■", "#"),
    "not-billable": ("–", "-"),
    "pending": ("…", "~"),
    "reversed": ("×", "x"),
    "ok": ("✓", "+"),
    "problem": ("✗", "x"),
    "note": ("·", "-"),
    "warning": ("▲", "!"),
    "safety": ("▲", "!"),
    "arrow": ("→", "->"),
    "times": ("×", "x"),
}
STYLE: dict[LineStatus, str] = {"ready": "green", "held": "yellow", "not-billable": "dim"}


class _Terminal(Console):
    """Whose reader may go when they have seen enough: that is no failure."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(*, markup: bool = True) -> Console:
    """Of standard output. Without MARKUP brackets are words."""
    # A terminal that can't show a sign shows a question mark.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return _Terminal(markup=markup)


def as_text(show: Callable[[Console], None]) -> str:
    """What SHOW prints, as a terminal of 120 columns without color has it."""
    stream = io.StringIO()
    show(Console(file=stream, width=120, no_color=True))
    return stream.getvalue()


def sign(name: str, console: Console) -> str:
    return _SIGNS[name][1 if console.options.ascii_only else 0]


def put(console: Console, *parts: RenderableType) -> None:
    """Prints each as it stands: brackets are words, and no number is colored."""
    for part in parts:
        console.print(part, highlight=False, markup=False)


def standing(line: ClaimLine, console: Console) -> Text:
    """The sign and word of a line's status, in its color."""
    return Text(f"{sign(line.status, console)} {status(line.status)}", style=STYLE[line.status])


def billed(line: ClaimLine, console: Console) -> str:
    """`J1756 JZ × 200`; without Unicode, `x`."""
    return line.text.replace("×", sign("times", console))


def drug(line: ClaimLine) -> str:
    """The drug of the line's code; the administration of one otherwise."""
    named = {
        code.code: family.name for family in codes.families().values() for code in family.codes
    }
    return named.get(line.code, "administration")


def amount(total: Sum) -> str:
    """The money of lines; "not priced" where none of them has a price."""
    return "not priced" if total.lines == total.unpriced else money(total.money)


def payer(ref: PolicyRef | None) -> str:
    """The policy's title, or its id where a site wrote it; without one the payer is not known."""
    if ref is None:
        return "payer not known"
    known = choosing.built_in().get(ref.id)
    return known.title if known else ref.id


def denial(denied: Denial) -> str:
    """`CARC 252, RARC N395`."""
    return ", ".join([f"CARC {denied.carc}", *(f"RARC {code}" for code in denied.rarc)])


def causes(reasons: tuple[str, ...]) -> str:
    """Reasons in the middle of a sentence: `ferritin, transferrin saturation, NDC of the product
    used`."""
    return ", ".join(within(reason(name)) for name in reasons)
