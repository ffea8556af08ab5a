"""Notifications as vendors send them."""

import json
from typing import Any

Json = dict[str, Any]


def observation(identity: str = "o1", patient: str = "p1", version: str | None = "1") -> Json:
    return resource("Observation", identity, patient, version)


def administration(identity: str = "ma1", patient: str = "p1", version: str | None = "1") -> Json:
    return resource("MedicationAdministration", identity, patient, version)


def resource(kind: str, identity: str, patient: str, version: str | None = "1") -> Json:
    meta = {"meta": {"versionId": version}} if version else {}
    return {
        "resourceType": kind,
        "id": identity,
        "subject": {"reference": f"Patient/{patient}"},
        **meta,
    }


def event(number: int, focus: str | None = None, *context: str) -> Json:
    """A `notification-event` of the R4 backport."""
    parts: list[Json] = [
        {"name": "event-number", "valueString": str(number)},
        {"name": "timestamp", "valueInstant": "2026-11-23T15:00:00Z"},
    ]
    if focus:
        parts.append({"name": "focus", "valueReference": {"reference": focus}})
    parts += [
        {"name": "additional-context", "valueReference": {"reference": reference}}
        for reference in context
    ]
    return {"name": "notification-event", "part": parts}


def topic_r4(
    *events: Json,
    kind: str = "event-notification",
    since_start: int | None = None,
    entries: list[Json] | None = None,
) -> Json:
    """The Bundle of the Subscriptions R5 Backport IG in R4."""
    parameters: list[Json] = [
        {"name": "subscription", "valueReference": {"reference": "Subscription/s1"}},
        {"name": "status", "valueCode": "active"},
        {"name": "type", "valueCode": kind},
        *(
            [{"name": "events-since-subscription-start", "valueString": str(since_start)}]
            if since_start is not None
            else []
        ),
        *events,
    ]
    status = {"resource": {"resourceType": "Parameters", "parameter": parameters}}
    return {"resourceType": "Bundle", "type": "history", "entry": [status, *(entries or [])]}


def topic_r5(*events: Json, kind: str = "event-notification") -> Json:
    """As R4B, R5 and athenahealth have it."""
    status = {
        "resourceType": "SubscriptionStatus",
        "status": "active",
        "type": kind,
        "notificationEvent": list(events),
    }
    return {
        "resourceType": "Bundle",
        "type": "subscription-notification",
        "entry": [{"resource": status}],
    }


def encoded(body: Json) -> bytes:
    return json.dumps(body).encode()
