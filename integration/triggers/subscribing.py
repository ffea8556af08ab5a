"""Our Subscriptions at an EHR: made, verified, repaired, removed; doing it twice changes nothing
(Q4, Q9).

Held by tests/contract/test_subscribing.py.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import structlog

from integration.configuration.service import HOOK_HEADER
from integration.configuration.settings import Settings
from integration.configuration.site import Site
from integration.ehr.client import EhrClient
from integration.ehr.fhir.answers import FHIR_JSON, Answer, Json
from integration.ehr.profile import Profile
from integration.errors import BadAnswer, ConfigurationError, Forbidden, NotFound, Refused
from integration.store import Db, Store, subscriptions
from integration.store.subscriptions import Subscribed
from integration.triggers import waking
from integration.work.engine import Engine, Job
from mappings.values import own_names
from mappings.values.identity import chosen_id

log = structlog.get_logger()

TASK, ALL = "watch-subscriptions", "watch"
KIND = "Subscription"
TAG = {"system": own_names.TAG, "code": "ferroclaim-subscription"}
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"
ACTIVATION_SECONDS = 30.0
_PLACE = re.compile(rf"{KIND}/([A-Za-z0-9\-.]{{1,64}})")

# `unknown`: the server has it and does not show it.
State = Literal["active", "requested", "error", "off", "missing", "unknown"]
WELL: tuple[State, ...] = ("active", "requested", "unknown")


@dataclass(frozen=True)
class WantedSubscription:
    """One Subscription that there shall be."""

    name: str
    form: Literal["rest-hook", "topic"]
    kind: str
    criteria: str


@dataclass(frozen=True)
class SubscriptionResult:
    """What was done about one, and how it stands now."""

    name: str
    did: Literal["created", "repaired", "kept", "removed"]
    status: str
    problem: str | None = None


def wanted(client: EhrClient) -> list[WantedSubscription]:
    """What the site's configuration asks for, and its server can do; none where it takes no
    Subscription (Q8)."""
    site, capability = client.site, client.capability
    form = site.subscriptions.form
    if form == "none" or (form == "auto" and not capability.creates(KIND)):
        return []
    if form == "topic":
        return [
            WantedSubscription(_name(kind), "topic", kind, topic)
            for kind, topic in sorted(site.subscriptions.topics.items())
        ]
    offered = [kind for kind in site.subscriptions.types if capability.offers(kind)]
    return [
        WantedSubscription(
            _name(kind), "rest-hook", kind, f"{kind}?{site.subscriptions.criteria.get(kind, '')}"
        )
        for kind in offered
    ]


def establish(store: Store, settings: Settings, client: EhrClient) -> list[SubscriptionResult]:
    """Makes and repairs all that are wanted, removes what is not wanted any more, and waits until
    they are active."""
    wishes = wanted(client)
    with store.transaction() as db:
        known = {
            subscribed.name: subscribed
            for subscribed in subscriptions.of_site(db, client.site.name)
        }
    results = [
        _remove(store, client, subscribed)
        for name, subscribed in known.items()
        if name not in {wish.name for wish in wishes}
    ]
    results += [_establish(store, settings, client, wish) for wish in wishes]
    return _activated(store, client, results)


def remove(store: Store, client: EhrClient) -> list[SubscriptionResult]:
    with store.transaction() as db:
        known = subscriptions.of_site(db, client.site.name)
    return [_remove(store, client, subscribed) for subscribed in known]


def _establish(
    store: Store, settings: Settings, client: EhrClient, wish: WantedSubscription
) -> SubscriptionResult:
    """The secret is kept before the server may call with it; the server's id, right after."""
    with store.transaction() as db:
        ours = subscriptions.want(db, client.site.name, wish.name, wish.form, wish.criteria)
    body = resource(
        client.site,
        hook_url(settings, client.site.name, wish.name),
        wish,
        ours,
        client.capability.profile,
    )
    there = _there(client, ours, body)
    if there is None:
        made = _created(client, ours, body)
        return _noted(store, client, wish, made, "created", again=ours.fhir_id is not None)
    if _says_the_same(there, body) and there.get("status") in ("active", "requested"):
        return _noted(store, client, wish, there, "kept", again=False)
    repaired = {**body, "id": there["id"]}
    headers = (
        {"If-Match": f'W/"{there["meta"]["versionId"]}"'}
        if (there.get("meta") or {}).get("versionId")
        else {}
    )
    answer = client.transport.write("PUT", f"{KIND}/{there['id']}", repaired, headers)
    made = _answered(client, ours, answer, repaired)
    return _noted(store, client, wish, made, "repaired", again=True)


def _noted(
    store: Store,
    client: EhrClient,
    wish: WantedSubscription,
    made: Json,
    did: Literal["created", "repaired", "kept"],
    *,
    again: bool,
) -> SubscriptionResult:
    status = str(made.get("status") or "requested")
    with store.transaction() as db:
        if did == "kept":
            subscriptions.verified(db, client.site.name, wish.name, status)
        else:
            subscriptions.made(
                db, client.site.name, wish.name, str(made["id"]), status, again=again
            )
    return SubscriptionResult(wish.name, did, status, _problem(made))


def resource(
    site: Site, endpoint: str, wish: WantedSubscription, ours: Subscribed, profile: Profile
) -> Json:
    """The Subscription as we want it to stand there."""
    channel: Json = {
        "type": "rest-hook",
        "endpoint": endpoint,
        "header": [f"{HOOK_HEADER}: {ours.secret}"],
    }
    body: Json = {
        "resourceType": KIND,
        "meta": {"tag": [TAG]},
        "status": "requested",
        "reason": "ferroclaim looks at the documentation of intravenous iron",
        "criteria": wish.criteria,
        "channel": channel,
    }
    content = site.subscriptions.content
    if wish.form == "topic":
        extra = site.subscriptions.criteria.get(wish.kind)
        body["meta"]["profile"] = [f"{BACKPORT}subscription"]
        body["_criteria"] = _extension(
            f"{BACKPORT}filter-criteria", valueString=f"{wish.kind}?{extra or ''}"
        )
        channel |= {
            "payload": FHIR_JSON,
            "_payload": _extension(f"{BACKPORT}payload-content", valueCode=content),
        }
    elif content != "empty":
        channel["payload"] = FHIR_JSON
    if profile.tells_of_deletions_by and wish.form == "rest-hook" and content != "empty":
        channel |= _extension(profile.tells_of_deletions_by, valueBoolean=True)
    if profile.signs_with:
        body |= _extension(profile.signs_with, valueString=ours.secret)
    return body


def hook_url(settings: Settings, site: str, name: str) -> str:
    """Where the EHR calls us. Raises where nobody said how it reaches us."""
    service = settings.service
    base = (
        service.hooks_url
        or settings.web.public_url
        or (f"http://{service.host}:{service.port}" if service.port else None)
    )
    if base is None:
        raise ConfigurationError(
            "EHRs need an address to call: set service.hooks_url or web.public_url."
        )
    return f"{base.rstrip('/')}/hooks/{site}/{name}"


def _there(client: EhrClient, ours: Subscribed, body: Json) -> Json | None:
    """Ours on the server: by its id, else by our endpoint (a create whose answer never came). A
    second one is removed."""
    if ours.fhir_id is not None:
        try:
            return client.read(KIND, ours.fhir_id, fresh=True)
        except NotFound:
            pass
    if not client.capability.takes(KIND, "url") or not client.capability.offers(KIND):
        return None
    endpoint = body["channel"]["endpoint"]
    found = [
        resource
        for resource in client.search(KIND, {"url": endpoint}, fresh=True)
        if resource.get("channel", {}).get("endpoint") == endpoint
    ]
    for surplus in found[1:]:
        client.transport.write("DELETE", f"{KIND}/{surplus['id']}", None)
    return found[0] if found else None


def _created(client: EhrClient, ours: Subscribed, body: Json) -> Json:
    """Under an id of ours where the server lets us choose: then doing it twice makes one."""
    if client.capability.own_ids(KIND):
        identity = chosen_id(body["channel"]["endpoint"])
        named = {**body, "id": identity}
        answer = client.transport.write("PUT", f"{KIND}/{identity}", named)
        return _answered(client, ours, answer, named)
    return _answered(client, ours, client.transport.write("POST", KIND, body), body)


def _answered(client: EhrClient, ours: Subscribed, answer: Answer, sent: Json) -> Json:
    """The resource as the server has it: as it sends it back, else by its address, else as it is
    found."""
    try:
        return client.one(answer, KIND)
    except BadAnswer:
        pass  # nothing, or an OperationOutcome
    place = _PLACE.search(answer.headers.get("Location", ""))
    identity = place[1] if place else sent.get("id")
    there = client.read(KIND, identity, fresh=True) if identity else _there(client, ours, sent)
    if there is None:
        raise Refused(client.site.name, "it does not say under which id it keeps a Subscription")
    return there


def _activated(
    store: Store, client: EhrClient, results: list[SubscriptionResult]
) -> list[SubscriptionResult]:
    """Q4: a Subscription is asked for, and turns active by itself, or not."""
    until = time.monotonic() + ACTIVATION_SECONDS
    while any(result.status == "requested" for result in results) and time.monotonic() < until:
        time.sleep(0.5)
        results = [
            _checked(store, client, result) if result.status == "requested" else result
            for result in results
        ]
    return results


def _checked(store: Store, client: EhrClient, result: SubscriptionResult) -> SubscriptionResult:
    with store.transaction() as db:
        ours = subscriptions.find(db, client.site.name, result.name)
    state, problem = _state(client, ours)
    with store.transaction() as db:
        subscriptions.verified(db, client.site.name, result.name, state, problem)
    return SubscriptionResult(result.name, result.did, state, problem)


def _state(client: EhrClient, ours: Subscribed | None) -> tuple[str, str | None]:
    if ours is None or ours.fhir_id is None:
        return "missing", None
    try:
        there = client.read(KIND, ours.fhir_id, fresh=True)
    except NotFound:
        return "missing", "the server has it no more"
    except (Forbidden, Refused, BadAnswer) as error:
        return "unknown", error.problem
    return str(there.get("status")), _problem(there)


def _remove(store: Store, client: EhrClient, ours: Subscribed) -> SubscriptionResult:
    if ours.fhir_id is not None:
        try:
            client.transport.write("DELETE", f"{KIND}/{ours.fhir_id}", None)
        except NotFound:
            pass  # gone already
    with store.transaction() as db:
        subscriptions.forget(db, client.site.name, ours.name)
    return SubscriptionResult(ours.name, "removed", "off")


# Watching


def watch_all(engine: Engine, _: Job) -> None:
    with engine.store.transaction() as db:
        for site in engine.sites:
            if subscriptions.of_site(db, site):
                _queue(db, engine, site)


def _queue(db: Db, engine: Engine, site: str) -> None:
    engine.queue.add(db, TASK, f"{TASK}:{site}", {"site": site})


def watch(engine: Engine, job: Job) -> None:
    """Those that the server dropped, turned off or broke are made again; what went by meanwhile is
    searched for."""
    site = str(job.site)
    client, _ = engine.clients.of(site)
    with engine.store.transaction() as db:
        by_name = {subscribed.name: subscribed for subscribed in subscriptions.of_site(db, site)}
    wants = {wish.name: wish for wish in wanted(client)}
    broken = []
    for name, ours in by_name.items():
        state, problem = _state(client, ours)
        with engine.store.transaction() as db:
            subscriptions.verified(db, site, name, state, problem)
        if state not in WELL and name in wants:
            broken.append(name)
    for name in broken:
        result = _establish(engine.store, engine.settings, client, wants[name])
        log.warning("subscription made again", site=site, subscription=name, was=result.did)
    if broken:
        with engine.store.transaction() as db:
            waking.search(db, engine.queue, site)


def _says_the_same(there: Mapping[str, object], body: Json) -> bool:
    """Whether what stands there asks for the same. Servers add to it, and may hide the header."""
    channel, ours = there.get("channel"), body["channel"]
    if not isinstance(channel, dict) or there.get("criteria") != body["criteria"]:
        return False
    unlike = {key for key in {*ours, "payload"} if channel.get(key) != ours.get(key)}
    return unlike <= ({"header"} if "header" not in channel else set())


def _problem(there: Json) -> str | None:
    """What the server says went wrong, shortened: it is a server's text."""
    text = there.get("error")
    return text[:200] if isinstance(text, str) else None


def _name(kind: str) -> str:
    """`medication-administration` of MedicationAdministration."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind).strip(
        "-"
    )


def _extension(url: str, **value: object) -> Json:
    return {"extension": [{"url": url, **value}]}
