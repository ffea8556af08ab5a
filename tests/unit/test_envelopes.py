"""Properties of every claim file: no text, name or amount breaks an envelope, and totals match."""

import io
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mappings.record import Address, Name, Practitioner
from mappings.site import BillingProvider, Receiver
from mappings.writing.checks.file import check
from mappings.writing.form837.interchange import Interchange
from mappings.writing.form837.resending import Voiding, voided
from mappings.writing.preparing.drafts import draft_of, service_lines
from mappings.writing.preparing.insurance import Insurance
from mappings.writing.preparing.parties import Parties, carried_address
from mappings.writing.preparing.prepared import Claim, claim_number
from mappings.writing.x12.reading import segments
from mappings.writing.x12.segments import carried, parsed, text
from tests import claims
from tests.unit.test_charges import line

NOW = datetime.fromisoformat("2026-11-23T18:00:00-05:00")
ANYTHING = st.text(max_size=70)
# What tries hardest: delimiters, line breaks, segments of its own.
PIECES = ["~", "*", ":", "^", "\n", "\r", "CLM*1*9", "SE*1*1~", "IEA*1", "DOE", "Ł", "é"]
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
TEXTS = ANYTHING | HOSTILE
AMOUNTS = st.decimals("0.01", "9000", places=2)
# Units differ, since two lines that say the same are one too many.
CHARGES = st.lists(
    st.tuples(AMOUNTS, st.integers(1, 2000)),
    min_size=1,
    max_size=6,
    unique_by=lambda segment: segment[1],
)
PROVIDER = claims.PROVIDER
RECEIVER = Receiver(name="Clearing House", id="CLEAR", sender_id="RIVER")


def named(family: str, given: str) -> Name:
    return Name(text(family, 60), text(given, 35))


def insured(member: str, payer: str) -> Insurance:
    return Insurance(
        relationship="18",
        subscriber=Name("DOE", "JANE"),
        member_id=carried(member),
        group_number=carried(member),
        plan_name="",
        payer=text(payer, 60),
        payer_id="SHP01",
        filing="CI",
    )


def claim(
    words: list[str], charges: list[tuple[Decimal, int]], number: int, provider: BillingProvider
) -> Claim:
    """One of a patient whose every text is WORDS."""
    family, given, street, member = words
    who = Parties(
        lacking=(),
        patient=named(family, given),
        address=carried_address(
            Address(line=(street,), city=family, state="OH", postal_code="43215")
        ),
        born=date(1955, 2, 14),
        sex="F",
        first=replace(insured(member, given), subscriber=named(family, given)),
        others=(),
        practitioner=Practitioner(npi="1598765430", name=named(given, family)),
        facility=None,
        aliases=("SHP01",),
    )
    segments = [
        line(id=f"{number:08}{place:08}{0:016}", units=units, prior_authorization=member or None)
        for place, (_, units) in enumerate(charges)
    ]
    services = [
        part
        for one, (charge, _) in zip(segments, charges, strict=True)
        for part in service_lines(one, charge)
    ]
    draft = draft_of(f"Patient/{number}", segments)
    return Claim(
        number=claim_number(draft.id),
        draft=draft,
        who=who,
        services=tuple(services),
        provider=provider,
        receiver=RECEIVER,
    )


def file_of(found: list[Claim]) -> tuple[str, int]:
    """The file of those that nothing is wrong with, and how many these are."""
    parts: list[str] = []
    file = Interchange(parts.append, RECEIVER, "professional", NOW, count(1), test=True)
    for one in found:
        file.add([one])
    file.close()
    return "".join(parts), file.claims


def of_names(segments: list[tuple[str, ...]], *names: str) -> list[tuple[str, ...]]:
    return [segment for segment in segments if segment[0] in names]


CLAIMS = st.lists(
    st.tuples(
        st.tuples(TEXTS, TEXTS, TEXTS, TEXTS).map(list),
        CHARGES,
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(CLAIMS, TEXTS)
def test_no_text_name_or_amount_breaks_an_envelope(
    made: list[tuple[list[str], list[tuple[Decimal, int]]]], biller: str
) -> None:
    provider = replace(PROVIDER, name=text(biller, 60) or "RIVERSIDE")
    written, added = file_of(
        [claim(words, charges, number, provider) for number, (words, charges) in enumerate(made)]
    )
    segments = parsed(written)
    assert len(of_names(segments, "CLM")) == added
    assert len(of_names(segments, "ISA")) == len(of_names(segments, "IEA")) == 1
    assert [segment[0] for segment in segments[:2]] == ["ISA", "GS"]
    for transaction in of_names(segments, "SE"):
        start = next(place for place, segment in enumerate(segments) if segment[0] == "ST")
        end = next(place for place, segment in enumerate(segments) if segment == transaction)
        assert int(transaction[1]) == end - start + 1
    if added:
        assert [fault.sentence for fault in check(io.BytesIO(written.encode()))] == []


@settings(deadline=None, max_examples=50)
@given(CHARGES)
def test_totals_match_to_the_cent(charges: list[tuple[Decimal, int]]) -> None:
    words = ["Doe", "Jane", "12 Elm Street", "W123"]
    written, added = file_of([claim(words, charges, 1, PROVIDER)])
    assert added == 1
    segments = parsed(written)
    (head,) = of_names(segments, "CLM")
    assert Decimal(head[2]) == sum(Decimal(segment[2]) for segment in of_names(segments, "SV1"))
    assert Decimal(head[2]) == sum(charge for charge, _ in charges)


@settings(deadline=None, max_examples=50)
@given(CHARGES)
def test_a_void_has_the_lines_and_the_sum_of_what_it_voids(
    charges: list[tuple[Decimal, int]],
) -> None:
    words = ["Doe", "Jane", "12 Elm Street", "W123"]
    one = claim(words, charges, 1, PROVIDER)
    written, _ = file_of([one])
    resent = voided(segments(io.BytesIO(written.encode())), Voiding(one.number, "V1", "ICN1"))
    assert resent is not None
    assert resent.total == one.total
    parts: list[str] = []
    file = Interchange(
        parts.append, RECEIVER, "professional", NOW, count(9), test=True, phone="5555551234"
    )
    assert file.add_again(resent.biller, resent.loops) == []
    file.close()
    text_of = "".join(parts)
    assert claims.faults(text_of) == []
    assert of_names(parsed(text_of), "SV1", "LIN") == of_names(parsed(written), "SV1", "LIN")


def test_five_thousand_claims_stand_in_a_set() -> None:
    words = ["Doe", "Jane", "12 Elm Street", "W123"]
    parts: list[str] = []
    file = Interchange(parts.append, RECEIVER, "professional", NOW, count(1), test=True)
    one = claim(words, [(Decimal("1.00"), 1)], 1, PROVIDER)
    for number in range(5001):
        file.add([replace(one, number=f"C{number}")])
    file.close()
    segments = parsed("".join(parts))
    ends = [place for place, segment in enumerate(segments) if segment[0] == "SE"]
    assert len(ends) == 2
    assert len(of_names(segments[: ends[0]], "CLM")) == 5000
    assert len({segment[2] for segment in of_names(segments, "ST")}) == 2
    assert of_names(segments, "GE") == [("GE", "2", "1")]


@given(st.binary(max_size=400))
def test_no_bytes_break_the_check(data: bytes) -> None:
    assert list(check(io.BytesIO(data)))


OFFICE = Path(__file__).parents[1] / "data" / "claims" / "837P_office.x12"


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_no_edit_breaks_the_check(data: st.DataObject) -> None:
    """Whatever became of a file, the check ends and says what it found."""
    whole = OFFICE.read_text()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 60)))
    edited = whole[:start] + data.draw(HOSTILE) + whole[end:]
    assert isinstance(list(check(io.BytesIO(edited.encode()))), list)
