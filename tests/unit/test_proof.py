"""Secrets and signatures of notifications."""

import hashlib
import hmac

import pytest
from starlette.datastructures import Headers

from integration.triggers.proof import Gate, Proof

BODY = b'{"a":  1}'
SIGNED = hmac.new(b"shibboleth", BODY, hashlib.sha256).hexdigest()


def test_a_secret_in_a_header() -> None:
    proof = Proof("header", "X-Ferroclaim-Secret", b"shibboleth")
    assert proof.holds(Headers({"x-ferroclaim-secret": "shibboleth"}), b"")
    assert not proof.holds(Headers({"x-ferroclaim-secret": "sibboleth"}), b"")
    assert not proof.holds(Headers({}), b"")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Signature", SIGNED),
        ("X-Hub-Signature", f"sha256={SIGNED}"),
        ("X-Signature", SIGNED.upper()),
    ],
)
def test_a_signature_of_the_raw_body(header: str, value: str) -> None:
    proof = Proof("hmac-sha256", header, b"shibboleth")
    assert proof.holds(Headers({header: value}), BODY)
    assert not proof.holds(Headers({header: value}), b'{"a":1}')  # the same JSON, other bytes
    assert not proof.holds(Headers({header: value[:-1]}), BODY)


def test_what_is_not_latin_is_wrong_and_no_crash() -> None:
    assert not Proof("header", "X", b"shibboleth").holds({"X": "шибболет"}, b"")
    assert not Proof("hmac-sha256", "X", b"shibboleth").holds({"X": "шибболет"}, b"")


def test_one_proof_of_several_is_enough() -> None:
    gate = Gate(
        (Proof("header", "A", b"shibboleth"), Proof("hmac-sha256", "X-Signature", b"shibboleth")),
        counts_events=False,
    )
    assert gate.opens(Headers({"A": "shibboleth"}), BODY)
    assert gate.opens(Headers({"X-Signature": SIGNED}), BODY)
    assert not gate.opens(Headers({}), BODY)


def test_a_secret_that_is_not_there_opens_nothing() -> None:
    for kind in ("header", "hmac-sha256"):
        proof = Proof(kind, "X", b"")
        assert not proof.holds(Headers({}), b"")
        assert not proof.holds(Headers({"X": ""}), b"")
        assert not proof.holds(Headers({"X": hmac.new(b"", b"", hashlib.sha256).hexdigest()}), b"")
