"""What payers answered, beside what we say of the same lines.

Held by tests/unit/test_bulk_reports.py.
"""

from collections.abc import Iterator, Mapping

from integration.bulk.reporting.figure import MOST, Bar, Figure
from integration.bulk.summing.remittances import Remitted
from integration.bulk.sums import Sums
from integration.wording import words
from integration.wording.amounts import money


def remitted(sums: Sums, titles: Mapping[str, str]) -> Figure:
    """By payer and by how the line stands with us."""
    payers = sorted(_rows(sums), key=lambda payer: (-payer[2].answered, payer[0], payer[1]))
    lines = sum(found.lines for _, _, found in payers)
    answered = sum(found.answered for _, _, found in payers)
    held = [found for _, state, found in payers if state == "held"]
    ready = [found for _, state, found in payers if state == "ready"]
    return Figure(
        "remittances",
        "What payers answered",
        f"{answered:,} of {words.plural(lines, 'line')} have an answer. Held lines that were paid:"
        f" {sum(found.answered - found.unpaid for found in held):,}; ready lines that were not:"
        f" {sum(found.unpaid for found in ready):,}.",
        (
            "payer, and how it stands here",
            "lines",
            "answered",
            "paid",
            "not paid",
            "charged for these",
        ),
        tuple(
            (
                f"{titles.get(payer, payer)}: {state}",
                f"{found.lines:,}",
                f"{found.answered:,}",
                money(found.paid) if found.answered else "",
                f"{found.unpaid:,}",
                money(found.refused) if found.unpaid else "",
            )
            for payer, state, found in payers
        ),
        tuple(
            Bar(
                f"{titles.get(payer, payer)}: {state}",
                (("ready", float(found.answered - found.unpaid)), ("held", float(found.unpaid))),
                f"{found.answered - found.unpaid:,} paid, {found.unpaid:,} not",
            )
            for payer, state, found in payers[:MOST]
        ),
    )


def _rows(sums: Sums) -> Iterator[tuple[str, str, Remitted]]:
    for name, found in sums.remitted.items():
        payer, _, state = name.partition("\t")
        yield payer, state, found


def refusals(sums: Sums) -> Figure:
    """Why nothing was paid, by the payers' reason codes."""
    by_code = sorted(sums.refusals.items(), key=lambda refusal: (-refusal[1].money, refusal[0]))
    return Figure(
        "refusals",
        "Why payers did not pay",
        "A line with two reasons stands under each of them; foreseen: a gap of ours names the"
        " reason."
        if by_code
        else "Every answered line was paid.",
        ("reason (CARC)", "lines", "charged", "foreseen"),
        tuple(
            (carc, f"{found.lines:,}", money(found.money), f"{found.foreseen:,}")
            for carc, found in by_code
        ),
        tuple(
            Bar(
                f"CARC {carc}",
                (("held", float(found.lines)),),
                f"{words.plural(found.lines, 'line')}, {found.foreseen:,} foreseen",
            )
            for carc, found in by_code[:MOST]
        ),
    )
