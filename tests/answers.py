"""Answers to claim files, written."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation

ISA = (
    "ISA*00*          *00*          *ZZ*CLEARHOUSE     *ZZ*RIVERSIDE      *261205*0900*^*00501"
    "*{control:09}*0*{usage}*:"
)


def file(*segments: str, usage: str = "T", control: int = 101, guide: str = "") -> bytes:
    """An interchange with one group."""
    head = [ISA.format(control=control, usage=usage), f"GS*HP*A*B*20261205*0900*101*X*{guide}"]
    return "".join(
        f"{row}~\n" for row in [*head, *segments, "GE*1*101", "IEA*1*000000101"]
    ).encode()


def acknowledged(group: int, *sets: Sequence[str], code: str = "A", count: int = 1) -> bytes:
    """A 999: each set as its own segments."""
    rows = [f"AK1*HC*{group}*005010X222A1", *(row for rows in sets for row in rows)]
    return file(
        "ST*999*0001*005010X231A1", *rows, f"AK9*{code}*{count}*1*0", "SE*9*0001",
        guide="005010X231A1",
    )  # fmt: skip


def status(*claims: Sequence[str], above: Sequence[str] = (), usage: str = "T") -> bytes:
    """A 277CA: each claim as the segments behind its HL; `above`: those of receiver and biller."""
    rows = ["ST*277*0001*005010X214", "BHT*0085*08*CA1*20261205*0900*TH", "HL*1**20*1"]
    rows += ["NM1*AY*2*CLEARING HOUSE*****46*CLEARHOUSE", *above]
    for number, claim in enumerate(claims, 4):
        rows += [f"HL*{number}*3*PT", "NM1*QC*1*DOE*JANE****MI*A1", *claim]
    return file(*rows, "SE*9*0001", guide="005010X214", usage=usage)


def remittance(
    *claims: Sequence[str],
    usage: str = "T",
    payment: str = "CHK1",
    on: str = "",
    adjusted: Sequence[str] = (),
    payer: str = "MEDICARE PART B",
) -> bytes:
    """An 835 that balances: each claim as its segments; `adjusted`: its PLB; `on`: the day of the
    payment, where it has one of its own."""
    paid = _sum(row.split("*")[4] for rows in claims for row in rows if row.startswith("CLP*"))
    total = paid - _sum(part for row in adjusted for part in row.split("*")[4::2])
    rows = ["ST*835*0001", f"BPR*I*{total}*C{'*' * 13}{on}".rstrip("*")]
    rows += [f"TRN*1*{payment}*1512345678", f"N1*PR*{payer}"]
    rows += [*(row for claim in claims for row in claim), *adjusted]
    return file(*rows, "SE*9*0001", guide="005010X221A1", usage=usage)


def _sum(amounts: Iterable[str]) -> Decimal:
    """Of those that are amounts."""
    total = Decimal(0)
    for text in amounts:
        with suppress(InvalidOperation):
            total += Decimal(text.strip() or "0")
    return total
