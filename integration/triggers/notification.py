"""Notifications as EHRs send them, read into what they tell: which resources, of whom, with which
event numbers.

A body is a hint. It says where to look; what is assessed is read from the configured base.

Held by tests/unit/test_notification.py.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from integration.ehr.fhir.references import Bases, under
from mappings.reading.bundles.heads import SUBJECT
from mappings.reading.fhir.decoding import NotJson, TooDeep, decode
from mappings.values.stated import only

Json = dict[str, Any]
Shape = Literal["resource", "empty", "delete", "topic-r4", "topic-r5"]

DEEPEST = 64  # FHIR's own resources nest to about a dozen
MOST_ENTRIES = 1000
_RELATIVE = re.compile(
    r"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?"
)
_NUMBER = re.compile(r"[0-9]{1,19}")
_NO_HEADERS: Mapping[str, str] = {}
# Medplum tells of a deletion with the body {} and this header:
# https://www.medplum.com/docs/subscriptions/subscription-extensions
_DELETED = "X-Medplum-Deleted-Resource"
_KINDS = ("handshake", "heartbeat", "event-notification", "query-status", "query-event")


class Unusable(Exception):
    """REASON is one of a few words, for counting; the message is for the sender."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(message)


@dataclass(frozen=True)
class Told:
    """Something happened to this resource. `patient` is the FHIR id, where the notification says
    whose it is."""

    kind: str
    id: str | None
    patient: str | None = None

    @property
    def reference(self) -> str | None:
        return f"{self.kind}/{self.id}" if self.id else None


@dataclass(frozen=True)
class Notification:
    shape: Shape
    kind: str = "event-notification"
    told: tuple[Told, ...] = ()
    event_numbers: tuple[int, ...] = ()
    events_since_start: int | None = None
    status: str | None = None  # of the subscription, where the notification says so
    duplicate_key: str | None = None

    @property
    def last_number(self) -> int | None:
        return max(self.event_numbers, default=self.events_since_start)


def read(
    method: str, path: str, body: bytes, bases: Bases, headers: Mapping[str, str] = _NO_HEADERS
) -> Notification:
    """PATH is what follows the hook's own address: empty, or `Type/id` (HAPI). HEADERS are found in
    any case. Raises `Unusable`."""
    there = _path(path)
    if headers.get(_DELETED) is not None:
        return Notification("delete", told=(_deleted(headers[_DELETED], bases),))
    if method == "DELETE":
        if there is None:
            raise Unusable(400, "path", "A DELETE names the resource: .../{Type}/{id}.")
        return Notification("delete", told=(there,))
    if not body:
        return Notification("empty", told=(there,) if there else ())
    resource = _decoded(body)
    if resource["resourceType"] == "Bundle":
        return _bundle(resource, bases)
    told = _of_resource(resource, bases)
    if there is not None and (there.kind, there.id) != (told.kind, told.id):
        raise Unusable(400, "mismatch", "The body is another resource than the address names.")
    return Notification("resource", told=(told,), duplicate_key=_once(resource, body))


def _deleted(named: str, bases: Bases) -> Told:
    told = _reference({"reference": named.strip()}, bases)
    if told is None:
        raise Unusable(400, "deleted", f"{_DELETED} does not name a resource as {{Type}}/{{id}}.")
    return told


def _path(path: str) -> Told | None:
    if not path.strip("/"):
        return None
    found = _RELATIVE.fullmatch(path.strip("/"))
    if not found:
        raise Unusable(400, "path", "What follows the hook's address is not {Type}/{id}.")
    return Told(found[1], found[2])


def _decoded(body: bytes) -> Json:
    try:
        value = decode(body)
    except TooDeep:
        raise Unusable(400, "nesting", "The body is nested too deeply.") from None
    except NotJson:
        raise Unusable(400, "json", "The body is not JSON.") from None
    if _depth(value) > DEEPEST:
        raise Unusable(400, "nesting", "The body is nested too deeply.")
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        raise Unusable(422, "not-fhir", "The body is not a FHIR resource.")
    return value


def _depth(value: Any) -> int:
    """Level by level, so that depth costs no stack."""
    depth, level = 0, [value]
    while level and depth <= DEEPEST:
        depth += 1
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
    return depth


def _of_resource(resource: Json, bases: Bases) -> Told:
    kind, identity = resource["resourceType"], resource.get("id")
    if not isinstance(identity, str) or not _RELATIVE.fullmatch(f"{kind}/{identity}"):
        raise Unusable(422, "not-fhir", "The resource in the body has no id.")
    if kind == "Patient":
        return Told(kind, identity, identity)
    return Told(kind, identity, _patient(resource.get(SUBJECT.get(kind, "subject")), bases))


def _patient(reference: Any, bases: Bases) -> str | None:
    found = _reference(reference, bases)
    return found.id if found and found.kind == "Patient" else None


def _reference(reference: Any, bases: Bases) -> Told | None:
    """A reference into the configured base. One that leads elsewhere spoils the whole: nothing is
    fetched from there."""
    text = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(text, str) or not text or text.startswith("#"):
        return None
    local = under(text, bases)
    if "://" in local or local.startswith("//"):
        raise Unusable(
            422,
            "foreign",
            "The notification points to another server than the one it is configured for.",
        )
    found = _RELATIVE.fullmatch(local)
    return Told(found[1], found[2]) if found else None


def _once(resource: Json, body: bytes) -> str | None:
    """What tells a repetition from news: version and content, where there is a version."""
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    if not isinstance(version, str) or not version:
        return None
    digest = hashlib.sha256(body).hexdigest()[:32]
    return f"{resource['resourceType']}/{resource['id']}/_history/{version[:64]}#{digest}"


# Topics: R4 with the backport's Parameters, R4B and R5 with a SubscriptionStatus (athenahealth
# sends that in R4, too)


def _bundle(bundle: Json, bases: Bases) -> Notification:
    entries = [entry for entry in _list(bundle.get("entry")) if isinstance(entry, dict)]
    if len(entries) > MOST_ENTRIES:
        raise Unusable(413, "too-large", f"The Bundle has more than {MOST_ENTRIES} entries.")
    status = entries[0].get("resource") if entries else None
    kind = status.get("resourceType") if isinstance(status, dict) else None
    if isinstance(status, dict) and kind == "Parameters":
        shape, said = "topic-r4", _of_parameters(status)
    elif isinstance(status, dict) and kind == "SubscriptionStatus":
        shape, said = "topic-r5", _of_status(status)
    else:
        raise Unusable(
            422,
            "not-a-notification",
            "The Bundle is not a subscription notification: its first entry is not a status.",
        )
    if said.get("type") not in _KINDS:
        raise Unusable(
            422, "not-a-notification", "The notification does not say of which type it is."
        )
    events = said["events"]
    told = set(chain.from_iterable(_of_event(event, bases) for event in events))
    told.update(_of_entries(entries[1:], bases))
    return Notification(
        "topic-r4" if shape == "topic-r4" else "topic-r5",
        str(said["type"]),
        tuple(
            sorted(
                _without_doubles(told), key=lambda one: (one.kind, one.id or "", one.patient or "")
            )
        ),
        tuple(
            sorted(
                {
                    number
                    for event in events
                    if (number := _number(event.get("event-number"))) is not None
                }
            )
        ),
        _number(said.get("events-since-subscription-start")),
        said.get("status") if isinstance(said.get("status"), str) else None,
    )


def _of_parameters(parameters: Json) -> Json:
    parts = [_part(part) for part in _list(parameters.get("parameter")) if isinstance(part, dict)]
    said: Json = {name: value for name, value, _ in parts}
    said["events"] = [_named(inner) for name, _, inner in parts if name == "notification-event"]
    return said


def _part(part: Json) -> tuple[str, Any, list[Json]]:
    value = next((part[key] for key in part if key.startswith("value")), None)
    return (
        str(part.get("name")),
        value,
        [inner for inner in _list(part.get("part")) if isinstance(inner, dict)],
    )


def _named(parts: list[Json]) -> Json:
    """A part's parts; `additional-context` may come several times."""
    named: Json = {"additional-context": []}
    for name, value, _ in map(_part, parts):
        if name == "additional-context":
            named[name].append(value)
        else:
            named[name] = value
    return named


def _of_status(status: Json) -> Json:
    events = [event for event in _list(status.get("notificationEvent")) if isinstance(event, dict)]
    return {
        "type": status.get("type"),
        "status": status.get("status"),
        "events-since-subscription-start": status.get("eventsSinceSubscriptionStart"),
        "events": [
            {
                "event-number": event.get("eventNumber"),
                "focus": event.get("focus"),
                "additional-context": _list(event.get("additionalContext")),
            }
            for event in events
        ],
    }


def _of_event(event: Mapping[str, Any], bases: Bases) -> Iterator[Told]:
    """The focus, with the patient that stands beside it."""
    patients = [
        patient for context in event["additional-context"] if (patient := _patient(context, bases))
    ]
    focus = _reference(event.get("focus"), bases)
    if focus is not None:
        own = focus.id if focus.kind == "Patient" else None
        yield Told(focus.kind, focus.id, own or only(patients))
    elif event.get("focus"):
        # A proprietary id: it may be anything.
        yield Told("?", None, only(patients))


def _of_entries(entries: list[Json], bases: Bases) -> Iterator[Told]:
    """Resources that came along, full or as the address of a deleted or unsent one."""
    for entry in entries:
        resource, request = entry.get("resource"), entry.get("request")
        if isinstance(resource, dict) and isinstance(resource.get("resourceType"), str):
            yield _of_resource(resource, bases)
        elif isinstance(request, dict) and (
            found := _reference({"reference": request.get("url")}, bases)
        ):
            yield found


def _without_doubles(told: set[Told]) -> Iterator[Told]:
    """A focus whose resource came along is told once, with its patient."""
    with_patient = {one.reference for one in told if one.patient}
    return (one for one in told if one.patient or one.reference not in with_patient)


def _number(value: Any) -> int | None:
    """An event number: a string in R4, an integer64 (also a string) in R5."""
    text = str(value)
    return int(text) if _NUMBER.fullmatch(text) and int(text) < 2**63 else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
