"""The envelopes of an 837: one interchange with one functional group, in it transaction sets of at
most 5,000 claims. Claims are written as they come, and none is kept.

Held by tests/unit/test_envelopes.py.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime

from mappings import codes
from mappings.site import BillingProvider, ClaimKind, Receiver
from mappings.writing.checks.file import loop_faults
from mappings.writing.form837.claim_loops import address, subscriber_loops
from mappings.writing.form837.resending import numbered
from mappings.writing.preparing.parties import carried_address
from mappings.writing.preparing.prepared import Claim
from mappings.writing.x12.segments import (
    COMPONENT,
    REPETITION,
    Segment,
    segment,
    text,
    written,
)

GUIDE: dict[ClaimKind, str] = {"professional": "005010X222A1", "institutional": "005010X223A2"}


class Interchange:
    """Writes one file of one kind of claims for one receiver.

    `numbers` gives a number of at most nine digits that was never given before, each time; `now` is
    aware, in the site's zone. Call `close` at the end, also where nothing was added.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        receiver: Receiver,
        kind: ClaimKind,
        now: datetime,
        numbers: Iterator[int],
        *,
        test: bool,
        phone: str | None = None,
    ) -> None:
        self.receiver, self.kind, self.phone = receiver, kind, phone
        self.production = receiver.production and not test
        self.control = next(numbers)
        self.claims = 0
        self._write, self._now, self._numbers = write, now, numbers
        self._sets = self._in_set = self._segments = self._level = self._biller_level = 0
        self._set_number = ""
        self._biller: BillingProvider | None = None
        self._open()

    def add(self, claims: Sequence[Claim]) -> list[str]:
        """Writes claims of one patient under one policy and one biller, or none of them and gives
        back what is wrong with them."""
        loops, faults = checked(claims, self._now.date())
        if not faults:
            self._add(claims, loops)
        return faults

    def _add(self, claims: Sequence[Claim], loops: Sequence[Segment]) -> None:
        biller = claims[0].provider
        most = codes.claim_forms().limits.claims_in_set
        if not self._set_number or self._in_set + len(claims) > most:
            self._close_set()
            self._open_set(biller)
        if biller != self._biller:
            self._begin_biller(biller)
        loops = numbered(loops, self._level + 1, self._biller_level)
        self._level += sum(segment[0] == "HL" for segment in loops)
        self._in_set += len(claims)
        self.claims += len(claims)
        self._put(loops)

    def add_again(self, biller: Sequence[Segment], loops: Sequence[Segment]) -> list[str]:
        """Writes a claim that left before, under its biller as it was; or gives back its faults."""
        name = next(segment for segment in biller if segment[:2] == ("NM1", "85"))
        segments = numbered(loops, 2, 1)
        faults = loop_faults(segments, self.kind, self._now.date(), name, is_draft=False)
        if faults:
            return faults
        self._close_set()
        self._open_set_for(name)
        self._put([("HL", "1", "", "20", "1"), *biller[1:], *segments])
        self.claims += 1
        self._close_set()
        return []

    def close(self) -> None:
        self._close_set()
        self._write(written([segment("GE", self._sets, self.control)]))
        self._write(written([segment("IEA", 1, f"{self.control:09}")]))

    def _open(self) -> None:
        to, now, there = self.receiver, self._now, self._receiver_id()
        sender, day, time = to.sender_id, f"{now:%y%m%d}", f"{now:%H%M}"
        segments: list[Segment] = [
            ("ISA", "00", " " * 10, "00", " " * 10, to.sender_qualifier, f"{sender:15}",
             to.qualifier, f"{there:15}", day, time, REPETITION, "00501", f"{self.control:09}", "1",
             "P" if self.production else "T", COMPONENT),
            segment("GS", "HC", sender, there, f"20{day}", time, self.control, "X",
                    GUIDE[self.kind]),
        ]  # fmt: skip
        self._write(written(segments))

    def _receiver_id(self) -> str:
        own = None if self.production else self.receiver.test_id
        return own or self.receiver.id

    def _open_set_for(self, biller: Segment) -> None:
        """For a biller as an earlier file named it."""
        contact = self.receiver.sender_name or biller[3]
        self._open_set(BillingProvider(name=contact, npi=biller[9], tax_id="", phone=self.phone))

    def _open_set(self, provider: BillingProvider) -> None:
        number, now, to = next(self._numbers), self._now, self.receiver
        self._set_number, self._sets = f"{number:09}", self._sets + 1
        self._in_set = self._segments = self._level = 0
        self._biller = None
        sender = text(to.sender_name or provider.name, 60)
        self._put(
            [
                segment("ST", "837", self._set_number, GUIDE[self.kind]),
                segment(
                    "BHT", "0019", "00", self._set_number, f"{now:%Y%m%d}", f"{now:%H%M}", "CH"
                ),
                segment("NM1", "41", 2, sender, *[""] * 4, "46", to.sender_id),
                segment("PER", "IC", sender, "TE", provider.phone),
                segment("NM1", "40", 2, text(to.name, 60), *[""] * 4, "46", self._receiver_id()),
            ]
        )

    def _begin_biller(self, provider: BillingProvider) -> None:
        self._level += 1
        self._biller, self._biller_level = provider, self._level
        self._put(_billing_provider(provider, self._level))

    def _close_set(self) -> None:
        if self._set_number:
            self._put([segment("SE", self._segments + 1, self._set_number)])
        self._set_number = ""

    def _put(self, segments: Sequence[Segment]) -> None:
        self._segments += len(segments)
        self._write(written(segments))


def checked(claims: Sequence[Claim], written_on: date) -> tuple[list[Segment], list[str]]:
    """The loops of claims of one patient under one policy, and what is wrong with them, in whatever
    form they leave."""
    loops = subscriber_loops(claims)
    is_draft = claims[0].note is not None
    name = _name_of(claims[0].provider)
    return loops, loop_faults(loops, claims[0].kind, written_on, name, is_draft=is_draft)


def _name_of(provider: BillingProvider) -> Segment:
    """NM1*85."""
    kind, given = (1, text(provider.given, 35)) if provider.given else (2, "")
    name = text(provider.name, 60)
    return segment("NM1", "85", kind, name, given, *[""] * 3, "XX", provider.npi)


def _billing_provider(provider: BillingProvider, level: int) -> list[Segment]:
    """2000A, 2010AA and 2010AB."""
    name = _name_of(provider)
    pay_to = carried_address(provider.pay_to) if provider.pay_to else None
    return [
        segment("HL", level, "", 20, 1),
        *([segment("PRV", "BI", "PXC", provider.taxonomy)] if provider.taxonomy else []),
        name,
        *address(carried_address(provider.address)),
        segment("REF", provider.tax_id_kind, provider.tax_id),
        *([segment("NM1", "87", name[2]), *address(pay_to)] if pay_to else []),
    ]
