"""The ways in which systems write an element that nobody foresaw: an unknown code, an unknown
system, text only, a wrong form, capitals."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Bend = Callable[[Any], Any]
_SYSTEM = "urn:oid:1.2.3.4.5"
_UNKNOWN = "zz-unknown"
_NAMES = ("text", "display")


def _deep(value: Any, change: Callable[[str, Any], Any]) -> Any:
    """VALUE with each member of it and of what it holds changed."""
    if isinstance(value, list):
        return [_deep(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: change(name, _deep(item, change)) for name, item in value.items()}


def _without_names(value: Any) -> Any:
    """Codes without the words beside them, which could still be read."""
    if isinstance(value, list):
        return [_without_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _without_names(item) for name, item in value.items() if name not in _NAMES}


def _unknown_code(value: Any) -> Any:
    has_code = '"code"' in repr(value).replace("'", '"')
    if not has_code:
        return _deep(value, lambda name, item: _UNKNOWN if name in _NAMES else item)
    return _deep(_without_names(value), lambda name, item: _UNKNOWN if name == "code" else item)


def _unknown_system(value: Any) -> Any:
    if "coding" not in repr(value) and "'code'" not in repr(value):
        return {"coding": [{"system": _SYSTEM, "code": _UNKNOWN}]}
    placed = _deep(_without_names(value), lambda name, item: _SYSTEM if name == "system" else item)
    if isinstance(placed, list):
        return [_placed(item) for item in placed]
    return _placed(placed)


def _placed(value: Any) -> Any:
    """With a system where there was none."""
    if isinstance(value, dict) and "coding" in value:
        return {**value, "coding": [{"system": _SYSTEM, **coding} for coding in value["coding"]]}
    return {"system": _SYSTEM, **value} if isinstance(value, dict) else value


def _said(value: Any) -> str:
    """The words of a concept, else its code."""
    found = value[0] if isinstance(value, list) else value
    coding = (found.get("coding") or [{}])[0]
    names = (found.get("text"), coding.get("display"), found.get("display"), coding.get("code"))
    return next(filter(None, (*names, found.get("code"))), _UNKNOWN)


def _text_only(value: Any) -> Any:
    only = {"text": f"{_said(value)} (said otherwise)"}
    return [only] if isinstance(value, list) else only


def _display_only(value: Any) -> Any:
    return {"display": f"{_said(value)} (said otherwise)"}


def _capitals(value: Any) -> Any:
    words = ("code", "unit", *_NAMES)
    return _deep(value, lambda name, item: str(item).upper() if name in words else item)


def _as_text(value: Any) -> Any:
    return str(_said(value)) if isinstance(value, dict | list) else str(value)


_CONCEPT: dict[str, Bend] = {
    "unknown code": _unknown_code,
    "unknown system": _unknown_system,
    "text only": _text_only,
    "wrong form": _as_text,
    "capitals": _capitals,
}


def _quantity_text(value: Any) -> Any:
    return {**value, "value": f"about {value.get('value')}"}


def _unknown_unit(value: Any) -> Any:
    return {**value, "unit": _UNKNOWN, "code": _UNKNOWN}


def _in_words(_: Any) -> str:
    return "the 12th of last month"


def _period_in_words(value: Any) -> Any:
    return dict.fromkeys(value, _in_words(value))


def _references(change: Callable[[Any], Any]) -> Bend:
    return lambda value: (
        [change(part) for part in value] if isinstance(value, list) else change(value)
    )


def _kind(reference: Any) -> str:
    return str(reference.get("reference", "")).partition("/")[0]


_REFERENCE: dict[str, Bend] = {
    "unknown code": _references(lambda value: {"reference": f"{_kind(value)}/{_UNKNOWN}"}),
    "unknown system": _references(
        lambda value: {"reference": f"http://elsewhere.example.org/fhir/{_kind(value)}/1"}
    ),
    "text only": _references(lambda value: {"display": "somewhere"}),
    "wrong form": _references(lambda value: value.get("reference")),
}

BENDS: Mapping[str, Mapping[str, Bend]] = {
    "concept": _CONCEPT,
    "coding": {**_CONCEPT, "text only": _display_only},
    "word": {
        "unknown code": lambda value: _UNKNOWN,
        "wrong form": lambda value: {"coding": [{"code": value}]},
        "capitals": lambda value: str(value).upper(),
    },
    "quantity": {
        "unknown code": _unknown_unit,
        "unknown system": lambda value: {**_unknown_unit(value), "system": _SYSTEM},
        "text only": _quantity_text,
        "wrong form": lambda value: f"{value.get('value')} {value.get('unit')}",
        "capitals": _capitals,
    },
    "number-of": {
        "text only": _quantity_text,
        "wrong form": lambda value: str(value.get("value")),
    },
    "reference": _REFERENCE,
    "identifier": {
        "unknown code": lambda value: _deep(value, lambda n, v: _UNKNOWN if n == "value" else v),
        "unknown system": lambda value: _deep(value, lambda n, v: _SYSTEM if n == "system" else v),
        "wrong form": lambda value: _UNKNOWN,
    },
    "moment": {"text only": _in_words, "wrong form": lambda value: {"value": value}},
    "period": {"text only": _period_in_words, "wrong form": lambda value: str(value.get("start"))},
    "timing": {
        "unknown code": lambda value: {"code": {"coding": [{"code": _UNKNOWN}]}},
        "text only": lambda value: {"code": {"text": "now and then"}},
        "wrong form": lambda value: "weekly",
    },
    "text": {
        "unknown code": lambda value: _UNKNOWN,
        "wrong form": lambda value: {"value": value},
        "capitals": lambda value: str(value).upper(),
    },
    "texts": {
        "unknown code": lambda value: [_UNKNOWN],
        "wrong form": lambda value: {"value": value},
    },
    "flag": {"text only": lambda value: "maybe", "wrong form": lambda value: {"value": value}},
    "number": {
        "text only": lambda value: f"about {value}",
        "wrong form": lambda value: {"value": value},
    },
    "extension": {
        "unknown code": lambda value: _deep(
            value, lambda n, v: _UNKNOWN if n in ("code", "valueString") else v
        ),
        "unknown system": lambda value: _deep(value, lambda n, v: _SYSTEM if n == "url" else v),
        "wrong form": lambda value: [{**part, "valueBoolean": True} for part in _bare(value)],
    },
    "group": {"wrong form": lambda value: "written out in words"},
}


def _bare(extensions: Any) -> Iterator[dict[str, Any]]:
    """Extensions without what they hold."""
    for extension in extensions:
        yield {"url": extension.get("url")}
