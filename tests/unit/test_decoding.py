"""Text that is no text: where it stands is marked, and everything else is read as it is."""

import json
from decimal import Decimal
from typing import Any

import pytest

from mappings.reading import NotJson, decode
from mappings.reading.fhir.decoding import Damaged, cleaned, is_text
from mappings.reading.fhir.twofold import Twofold

BROKEN = [
    rb"\u0000",
    rb"\ud800",
    rb"\udc00",
    rb"\udc00\ud800",
    rb"\\\u0000",
    b"\xff",
    b"\xed\xa0\x80",
    rb"\uD83Dx",
]
SOUND = [
    rb"\ud83d\ude00",
    rb"\uD83D\uDE00",
    rb"\\u0000",
    rb"\\\\ud800",
    b"\xf0\x9f\x98\x80",
    rb"\u0001",
    rb"\"\\",
    "\ufffd".encode(),
]


@pytest.mark.parametrize("text", BROKEN)
def test_what_holds_broken_text_is_marked_up_to_the_top_and_nothing_else(text: bytes) -> None:
    found: Any = decode(b'{"a": [{"b": {"c": "x' + text + b'y"}}], "d": {"e": 1.50}, "f": [{}]}')
    assert [type(node) for node in (found, found["a"][0], found["a"][0]["b"])] == [Damaged] * 3
    assert [type(node) for node in (found["d"], found["f"][0])] == [dict] * 2
    assert str(found["d"]["e"]) == "1.50"
    said = found["a"][0]["b"]["c"]
    assert is_text(said)
    assert said[0] + said[-1] == "xy"
    assert "\ufffd" in said


@pytest.mark.parametrize("text", SOUND)
def test_sound_text_stands_as_it_is_also_beside_broken(text: bytes) -> None:
    written = b'{"a": "' + text + b'"}'
    assert decode(written) == json.loads(written)
    assert type(decode(written)) is dict
    beside: Any = decode(b"[" + written + rb', {"b": "\u0000 of a Medication"}]')
    assert beside[0] == json.loads(written)
    assert [isinstance(node, Damaged) for node in beside] == [False, True]


def test_a_name_of_an_element_may_be_broken_too() -> None:
    found = decode(rb'{"a\u0000": 1}')
    assert found == {"a\ufffd": 1}
    assert isinstance(found, Damaged)


def test_text_and_a_byte_order_mark_are_read() -> None:
    assert decode('{"a": "x\ud800"}')["a"][:2] == "x\ufffd"
    assert decode(b'\xef\xbb\xbf{"a": 1.0}') == {"a": Decimal("1.0")}


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"\xff\xfe",
        rb'{"a": "\u00"}',
        rb'{"a": "\ud800}',
        b'{"a": NaN}',
        b'{"a": "\0"}',
        rb"\u0000",
    ],
)
def test_what_is_no_json_stays_none(text: bytes) -> None:
    with pytest.raises(NotJson):
        decode(text)


def test_depth_is_no_crash() -> None:
    with pytest.raises(NotJson, match="nested too deeply"):
        decode(b"[" * 100_000 + b"]" * 100_000)
    with pytest.raises(NotJson, match="nested too deeply"):
        decode(b"[" * 5_000 + rb'"\u0000"' + b"]" * 5_000)
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    with pytest.raises(NotJson, match="nested too deeply"):
        cleaned(deep)


def test_what_is_whole_is_not_copied() -> None:
    """An EHR sends whole charts with an order, and waits for the answer."""
    whole: Any = {"a": ["x", {"b": Decimal("1.50")}], "c": r"\u0041"}
    assert cleaned(whole) is whole
    for broken in ("a\0b", "a\ud800b", "a\ufdd0b"):
        assert type(cleaned({"a": [broken]})) is Damaged
        assert type(cleaned({broken: 1})) is Damaged


@pytest.mark.parametrize(
    ("text", "is_twofold"),
    [
        (b'{"value": 100, "value": 200}', True),
        (b'{"value" : 100, "value"\n: 200}', True),
        (rb'{"val\u0075e": 100, "value": 200}', True),
        (rb'{"says": "a\u0022: b", "value": 100, "value": 200}', True),
        (rb'{"says": "a\u0022: b", "also": "\":", "value": 200}', False),
        (b'{"value": 200, "value": 200}', False),
        (b'{"value": [{"value": 200}]}', False),
    ],
)
def test_an_element_that_stands_twice_and_not_alike_is_marked_up_to_the_top(
    text: bytes, is_twofold: bool
) -> None:
    found: Any = decode(b'[{"a": [' + text + b'], "b": {"c": 1.50}}, {"c": "Medication"}]')
    kind = Twofold if is_twofold else dict
    assert [type(node) for node in (found[0], found[0]["a"][0])] == [kind] * 2
    assert [type(node) for node in (found[0]["b"], found[1])] == [dict] * 2
    assert str(found[0]["b"]["c"]) == "1.50"
    assert found[0]["a"][0] == json.loads(text)


def test_what_stands_twice_is_told_beside_broken_text() -> None:
    found: Any = decode(rb'[{"a": 1, "a": 2}, {"b": "\u0000 of a Medication"}]')
    assert [type(node) for node in found] == [Twofold, Damaged]
