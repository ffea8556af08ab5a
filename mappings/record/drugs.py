"""Drugs, amounts of them, and the containers that they came in.

Held by tests/unit/test_reading_administrations.py.
"""

from decimal import Decimal

from msgspec import Struct

from mappings.record.sources import Source
from mappings.values.stated import Unread


class Amount(Struct, frozen=True, gc=False):
    """A quantity as recorded. `unit` is ours (mg, ug, g, mL, L, vial), None where it can't be read;
    `problem`: why it can't be used; `contradicted` where the record says two things of it;
    `rate`: what stands there is one."""

    value: Decimal | None = None
    unit: str | None = None
    problem: str | None = None
    says: str = ""
    contradicted: bool = False
    rate: bool = False


class Drug(Struct, frozen=True, gc=False):
    """What a medication says of itself. `family` is None for no IV iron, or where the evidence
    `clash`es.

    `unread_ndcs`: what stands in the place of an NDC and is none. `weakly`: the element that
    alone names it, where that is weaker evidence; `unnamed`: nothing names a drug; `doubt`: a
    status that says that the Medication never was, or that is not understood. `strength`: mg in
    so many mL, where the record says it; `bag_mg`: in the whole of a mixture; `diluted`: not as
    in the vial.
    """

    family: str | None = None
    use: str | None = None
    clash: str | None = None
    ndcs: tuple[str, ...] = ()
    unread_ndcs: tuple[str, ...] = ()
    unsaid_ndcs: tuple[str, ...] = ()
    strength: tuple[Decimal, Decimal] | None = None
    bag_mg: Decimal | None = None
    diluted: bool = False
    lost: str | None = None
    weakly: str | None = None
    unnamed: bool = False
    doubt: Unread | None = None
    says: str = ""

    @property
    def concerns_us(self) -> bool:
        """Whether anything says that this is an intravenous iron."""
        return self.family is not None or self.clash is not None


class Container(Struct, frozen=True, gc=False):
    """Containers opened: mg in one (None where neither NDC nor size is known), how many, and where
    it is said."""

    mg: Decimal | None
    count: int
    ndc: str | None = None
    source: Source | None = None


class Discard(Struct, frozen=True, gc=False):
    """A documented discard. Zero says that nothing was discarded. `perhaps`: the one amount of a
    note that may be an instruction ("waste 50 mg"): it counts where the containers leave just
    that."""

    amount: Amount
    source: Source
    from_note: bool = False
    perhaps: Amount | None = None
