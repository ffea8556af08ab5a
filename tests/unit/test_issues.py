"""Ours beside theirs: when a DetectedIssue is the same, and how edits come together."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.ehr.writing import issues
from tests.fakes.chart import detected_issue, mitigation


def stored(**fields: object) -> dict[str, object]:
    """As a server gives it back."""
    meta = {
        "versionId": "1",
        "lastUpdated": "2026-11-23T10:00:00Z",
        "source": "#x",
        "tag": detected_issue()["meta"]["tag"],
    }
    return detected_issue() | {"id": "di1", "meta": meta, "text": {"status": "generated"}} | fields


def test_what_a_server_adds_makes_no_difference() -> None:
    assert issues.same(stored(), detected_issue())


def test_the_order_of_keys_makes_no_difference() -> None:
    assert issues.digest(dict(reversed(detected_issue().items()))) == issues.digest(
        detected_issue()
    )


@pytest.mark.parametrize(
    "change", [{"detail": "80 days"}, {"status": "final"}, {"mitigation": [mitigation("x")]}]
)
def test_what_it_says_makes_a_difference(change: dict[str, object]) -> None:
    assert not issues.same(stored(), detected_issue() | change)


def test_a_lost_tag_makes_a_difference() -> None:
    assert not issues.same(stored(meta={"versionId": "1"}), detected_issue())


def test_ours_wins_where_nobody_else_wrote() -> None:
    merged = issues.merged(stored(), stored(), detected_issue(detail="new", status="amended"))
    assert (merged["detail"], merged["status"], merged["id"]) == ("new", "amended", "di1")


def test_theirs_wins_where_they_wrote_since() -> None:
    theirs = stored(status="entered-in-error", severity="high")
    merged = issues.merged(stored(), theirs, detected_issue(detail="new"))
    assert (merged["status"], merged["severity"], merged["detail"]) == (
        "entered-in-error",
        "high",
        "new",
    )


def test_what_they_took_away_stays_away() -> None:
    theirs = stored()
    del theirs["severity"]
    assert "severity" not in issues.merged(stored(), theirs, detected_issue())


def test_without_a_base_a_judgment_stays() -> None:
    assert issues.merged(None, stored(status="final"), detected_issue())["status"] == "final"
    assert issues.merged(None, stored(), detected_issue(status="amended"))["status"] == "amended"


def test_their_tags_are_kept() -> None:
    theirs = stored(
        meta={"versionId": "3", "tag": [{"system": "urn:hospital", "code": "reviewed"}]}
    )
    assert [
        tag["code"] for tag in issues.merged(None, theirs, detected_issue())["meta"]["tag"]
    ] == ["reviewed", "iron-billing-check"]


def test_amounts_are_written_as_numbers() -> None:
    assert issues.digest({"a": Decimal("1.0")}) != issues.digest({"a": "1.0"})


texts = st.text(max_size=3)
mitigations = st.lists(texts.map(mitigation), max_size=4)


@given(base=mitigations, theirs=mitigations, ours=mitigations)
def test_no_mitigation_is_ever_lost(
    base: list[object], theirs: list[object], ours: list[object]
) -> None:
    merged = issues.merged(
        stored(mitigation=base), stored(mitigation=theirs), detected_issue(mitigation=ours)
    )
    kept = merged.get("mitigation", [])
    assert all(m in kept for m in theirs + ours)
    assert kept[: len(theirs)] == theirs


@given(
    theirs=mitigations,
    ours=mitigations,
    status=st.sampled_from(["preliminary", "final", "amended"]),
    detail=texts,
)
def test_merging_twice_is_merging_once(
    theirs: list[object], ours: list[object], status: str, detail: str
) -> None:
    wanted = detected_issue(status=status, detail=detail, mitigation=ours)
    once = issues.merged(stored(), stored(mitigation=theirs), wanted)
    assert issues.same(issues.merged(once, once, wanted), once)
    assert msgspec.json.encode(once)


class TestWordsAlone:
    """A new release words things anew; charts and their history are left alone by that."""

    def test_are_no_difference(self) -> None:
        held = stored(extension=decided("one"))
        anew = detected_issue(extension=decided("one"), detail="Other words, within 30 days.")
        assert issues.same(held, anew)
        assert issues.digest(held) == issues.digest(anew)

    def test_are_none_where_a_server_or_a_former_release_does_not_tell_what_was_decided(
        self,
    ) -> None:
        anew = detected_issue(
            extension=decided("one"), detail="Of 2026-11-01, 90 days before: no ferritin."
        )
        assert issues.same(stored(), anew)
        assert not issues.same(stored(), anew | {"detail": "Ferritin 80 of 2026-11-01, 90 days."})

    def test_go_out_with_what_was_decided_anew(self) -> None:
        held = stored(extension=decided("one"))
        anew = detected_issue(extension=decided("other"), detail="Other words.")
        assert not issues.same(held, anew)
        assert issues.merged(held, held, anew)["detail"] == "Other words."


def decided(digest: str) -> list[dict[str, str]]:
    return [{"url": "urn:ferroclaim:decided", "valueString": digest}]
