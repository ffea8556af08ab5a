"""R3: whether a text names a mixture, so that the strength of the vial is not the strength of what
was given.

Held by tests/unit/test_products.py.
"""

import re
from collections.abc import Collection
from decimal import Decimal

from mappings import codes
from mappings.reading.drugs.texts import SENTENCE

_NUMBER = r"(?<![\d.])(\d+(?:\.\d+)?)"
_MASS = rf"{_NUMBER}[ -]?(mcg|mg|milligram|gm?|gram)s?\b"
_VOLUME = r"(ml|cc|millilit(?:er|re)|l|lit(?:er|re))s?\b"
_MASSES, _VOLUMES = re.compile(_MASS), re.compile(rf"{_NUMBER}[ -]?{_VOLUME}")
_STRENGTHS = re.compile(
    rf"{_MASS}(?: (?:elemental )?(?:iron|fe)\b)? ?(?:/|per\b|in\b) ?(?:{_NUMBER}[ -]?)?{_VOLUME}"
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MG_PER = {"mcg": Decimal("0.001"), "g": Decimal(1000), "gm": Decimal(1000), "gram": Decimal(1000)}
_ML_PER = {"l": Decimal(1000), "liter": Decimal(1000), "litre": Decimal(1000)}


# A fluid beside the drug: it is named, and does not dilute it.
_BESIDE = re.compile(r"\b(?:flush\w*|lock\w*|kvo|tko|prim(?:ed|ing)|rinse\w*)\b", re.IGNORECASE)
# A dose by weight or time, and a strength, are no dose: "3 mg/kg", "200 mg per hour".
_RATED = re.compile(rf"{_MASS}\s*(?:/|per\b)\s*[a-z0-9]+", re.IGNORECASE)


def names_mixture(text: str, family: str | None) -> bool:
    """Whether words about a dose speak of a mixture: a fluid to dilute in, a bag, a strength that
    no vial of the family has."""
    if not text:
        return False
    if any(
        codes.products().diluents.named_in(part) and not _BESIDE.search(part)
        for part in SENTENCE.split(text)
    ):
        return True
    strengths = _STRENGTHS.findall(_THOUSANDS.sub("", text.lower())) if family else ()
    labels = {codes.families()[family].strength_mg_per_ml} - {None} if family else set()
    return any(
        not _is_label(_mg(mass, unit), _ml(volume or "1", per), labels)
        for mass, unit, volume, per in strengths
    )


# A needle: "22g PIV".
_GAUGE = re.compile(r"\b(?:1[4-9]|2[0-7]) ?g\b")


def masses_alone(text: str) -> list[Decimal]:
    """The masses in mg of a text that are no strength, rate or dose by weight."""
    said = _STRENGTHS.sub(" ", _THOUSANDS.sub("", _GAUGE.sub(" ", text.lower())))
    return [_mg(*found) for found in _MASSES.findall(_RATED.sub(" ", said))]


def is_mixture(text: str, families: Collection[str]) -> bool:
    """Whether a text names a bag, a fluid to dilute in, or a strength or volume that no vial of the
    families (of any, where empty) has."""
    return codes.products().diluents.named_in(text) or not _as_labeled(
        _THOUSANDS.sub("", text.lower()), families or codes.families()
    )


def _as_labeled(text: str, families: Collection[str]) -> bool:
    """A volume stands with its mass at the label's strength, or, where no mass is said, is that of
    a vial."""
    labels = {codes.families()[family].strength_mg_per_ml for family in families} - {None}
    vials = {package.ml for package in codes.packages().values() if package.family in families}
    strengths = [
        (_mg(mass, unit), _ml(volume or "1", per))
        for mass, unit, volume, per in _STRENGTHS.findall(text)
    ]
    rest = _STRENGTHS.sub(" ", text)
    masses = [_mg(*found) for found in _MASSES.findall(rest)]
    volumes = [_ml(*found) for found in _VOLUMES.findall(rest)]
    return all(_is_label(mg, ml, labels) for mg, ml in strengths) and all(
        any(_is_label(mg, ml, labels) for mg in masses) if masses else ml in vials for ml in volumes
    )


def _is_label(mg: Decimal, ml: Decimal, labels: Collection[Decimal | None]) -> bool:
    return any(label is not None and mg == label * ml for label in labels)


def _mg(number: str, unit: str) -> Decimal:
    return Decimal(number) * _MG_PER.get(unit, 1)


def _ml(number: str, unit: str) -> Decimal:
    return Decimal(number) * _ML_PER.get(unit, 1)
