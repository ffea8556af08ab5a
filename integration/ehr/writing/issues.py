"""A DetectedIssue of ours beside the server's: the same or not, and how both sides' edits come
together (R13).

Held by tests/unit/test_issues.py.
"""

import hashlib
from typing import Any

import msgspec

from integration.ehr.fhir.answers import Json
from mappings.values.own_names import DECIDED
from mappings.values.sentences import amounts

# A server sets these, or they say who found it first and when, which a later look must not change.
_FIRST = ("identifiedDateTime", "author")
_NOT_CONTENT = ("id", "meta", "text", *_FIRST)
# In no set: what stands in a chart may be no text.
WITHDRAWN = ("cancelled", "entered-in-error")
CLOSED = (*WITHDRAWN, "final")
_stable = msgspec.json.Encoder(order="deterministic", decimal_format="number")


def is_closed(issue: Json) -> bool:
    return issue.get("status") in CLOSED


def digest(resource: Json) -> str:
    """Of what a resource decides, in whatever words and in whatever order its keys stand."""
    decided = _decided(resource) or _amounts_of_detail(resource)
    return hashlib.sha256(_stable.encode([_wordless(resource), decided])).hexdigest()


def same(one: Json, other: Json) -> bool:
    return says_the_same(one, other) and _tags(other) <= _tags(one)


def says_the_same(one: Json, other: Json) -> bool:
    """Whether both decide the same, in whatever words. Where one does not tell what it was decided
    from (an older one, or its server dropped that), the amounts of the text count."""
    if _stable.encode(_content(one)) == _stable.encode(_content(other)):
        return True
    if _stable.encode(_wordless(one)) != _stable.encode(_wordless(other)):
        return False
    decided = [_decided(one), _decided(other)]
    if None in decided:
        return _amounts_of_detail(one) == _amounts_of_detail(other)
    return decided[0] == decided[1]


def merged(base: Json | None, theirs: Json, ours: Json) -> Json:
    """OURS, with every edit that others made to THEIRS since BASE, which ours was decided from.

    Mitigations are never lost. Without a BASE (we did not know that it existed) a status that is no
    longer `preliminary` stays: somebody has judged.
    """
    result = {**ours, "id": theirs["id"]}
    if base is None:
        foreign = {"status"} if theirs.get("status") != "preliminary" else set()
    else:
        keys = (base.keys() | theirs.keys()) - {*_NOT_CONTENT, "mitigation"}
        foreign = {key for key in keys if base.get(key) != theirs.get(key)}
    for key in (*foreign, *_FIRST):
        if key in theirs:
            result[key] = theirs[key]
        elif key in foreign:
            result.pop(key, None)
    if mitigations := _both(theirs.get("mitigation"), ours.get("mitigation")):
        result["mitigation"] = mitigations
    if meta := _meta(theirs, ours):
        result["meta"] = meta
    return result


def version(resource: Json) -> str | None:
    return (resource.get("meta") or {}).get("versionId")


def _content(resource: Json) -> Json:
    """What it says, without what it was decided from."""
    content = {key: value for key, value in resource.items() if key not in _NOT_CONTENT}
    others = [
        extension for extension in content.pop("extension", ()) if extension.get("url") != DECIDED
    ]
    return content | ({"extension": others} if others else {})


def _wordless(resource: Json) -> Json:
    """Its content without the sentences that we made; of evidence the amounts."""
    content = {key: value for key, value in _content(resource).items() if key != "detail"}
    if isinstance(code := content.get("code"), dict):
        content["code"] = {key: value for key, value in code.items() if key != "text"}
    if isinstance(evidence := content.get("evidence"), list):
        content["evidence"] = [_amounts_of(item) for item in evidence]
    return content


def _amounts_of(evidence: Json) -> Json:
    said = " ".join(str(code.get("text")) for code in evidence.get("code") or ())
    return {**evidence, "code": amounts(said)}


def _amounts_of_detail(resource: Json) -> list[str]:
    return amounts(str(resource.get("detail")))


def _decided(resource: Json) -> str | None:
    """The digest that we wrote of what it rests on."""
    found = (
        extension
        for extension in resource.get("extension") or ()
        if extension.get("url") == DECIDED
    )
    return next((extension.get("valueString") for extension in found), None)


def _both(theirs: Any, ours: Any) -> list[Any]:
    first = list(theirs or [])
    return first + [mitigation for mitigation in ours or [] if mitigation not in first]


def _meta(theirs: Json, ours: Json) -> Json:
    """Tags, profiles and labels of both; version, time and source are the server's to set."""
    old, new = theirs.get("meta") or {}, ours.get("meta") or {}
    lists = {key: _both(old.get(key), new.get(key)) for key in ("profile", "security", "tag")}
    return {key: value for key, value in lists.items() if value}


def _tags(resource: Json) -> set[tuple[str, str]]:
    return {
        (str(t.get("system")), str(t.get("code")))
        for t in (resource.get("meta") or {}).get("tag") or []
    }
