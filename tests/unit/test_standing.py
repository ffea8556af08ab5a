"""What a claim is by all that was answered of it."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.writing.answers.standing import SaidOfClaim, standing

NAMES = {
    "accepted": ("277CA", "accepted", "0"),
    "refused": ("277CA", "rejected", "0"),
    "told": ("told", "rejected", "0"),
    "paid": ("835", "paid", "80"),
    "back": ("835", "reversed", "-80"),
    "denied": ("835", "denied", "0"),
    "void": ("835", "rejected", "0"),  # MA130
}


def said(text: str) -> list[SaidOfClaim]:
    """`denied 5`: on the 5th; `?`: a reversal of what was never read."""
    words = text.split()
    return [
        SaidOfClaim(
            *NAMES[name.rstrip("?")][:2],  # type: ignore[arg-type]
            date(2026, 12, int(on)),
            Decimal(NAMES[name.rstrip("?")][2]),
            counts="?" not in name,
        )
        for name, on in zip(words[::2], words[1::2], strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("", "sent"),
        ("accepted 1", "accepted"),
        ("refused 1", "rejected"),
        # The newest of a front end; of one day the gravest.
        ("accepted 1 refused 2", "rejected"),
        ("refused 1 accepted 2", "accepted"),
        ("refused 1 accepted 1", "rejected"),
        # A payer comes before its front end.
        ("refused 1 paid 5", "paid"),
        ("paid 1 refused 5", "paid"),
        ("denied 1 refused 5", "denied"),
        ("accepted 1 denied 5 accepted 9", "denied"),
        # Payments count whenever.
        ("paid 1 denied 5", "paid"),
        ("denied 1 paid 5", "paid"),
        ("paid 1 told 5", "paid"),
        ("paid 1 back 5", "accepted"),
        ("paid 1 back 5 refused 7", "rejected"),
        ("paid 1 back 5 refused 3", "accepted"),
        ("paid 1 back 5 denied 5", "denied"),
        ("paid 1 back 5 paid 5", "paid"),
        # Another payer refused before the first took its payment back.
        ("paid 1 denied 3 back 5", "accepted"),
        ("denied 1 void 5", "rejected"),
        ("void 1 denied 5", "denied"),
        ("void 1 paid 5", "paid"),
        # What a person says of it.
        ("denied 1 told 2", "rejected"),
        ("denied 3 told 2", "denied"),
        ("told 2 accepted 3", "accepted"),
        ("accepted 1 told 2", "rejected"),
        ("back? 1", "accepted"),
        ("refused 1 back? 2", "accepted"),
        ("back? 5 paid 5", "paid"),
    ],
)
def test_what_a_claim_is(text: str, state: str) -> None:
    assert standing(said(text)) == state
    assert standing(said(text)[::-1]) == state


ANSWER = st.builds("{} {}".format, st.sampled_from(list(NAMES)), st.integers(1, 9))


@given(st.lists(ANSWER, max_size=7), st.randoms())
def test_no_order_changes_what_a_claim_is(answers: list[str], chance: object) -> None:
    first = said(" ".join(answers))
    second = list(first)
    chance.shuffle(second)  # type: ignore[attr-defined]
    assert standing(first) == standing(second)


@given(st.lists(ANSWER, max_size=7))
def test_money_that_stays_is_paid(answers: list[str]) -> None:
    """Whatever else is said, one payment more than was taken back."""
    found = said(" ".join(["paid 1", *answers]))
    more = sum(one.says == "paid" for one in found) - sum(one.says == "reversed" for one in found)
    if more > 0:
        assert standing(found) == "paid"
