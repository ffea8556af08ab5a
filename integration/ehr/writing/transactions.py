"""All of a patient's write-backs in one transaction, together with the Provenance that says who
wrote them.

Held by tests/contract/test_ehr_writeback.py.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from integration.ehr.client import EhrClient
from integration.ehr.fhir import bundles
from integration.ehr.fhir.answers import Answer, Json
from integration.ehr.writing import issues
from integration.errors import BadAnswer, EhrError
from mappings.values import own_names

PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


@dataclass(frozen=True)
class Write:
    """One thing to send: `body` is made of `issue`, and of `current` where the server has that."""

    gap: str
    issue: Json
    body: Json
    current: Json | None = None

    @cached_property
    def digest(self) -> str:
        return issues.digest(self.issue)

    @property
    def path(self) -> str:
        return self.location or self.body["resourceType"]

    @property
    def location(self) -> str | None:
        """`DetectedIssue/12`, where the id is known before."""
        return f"{self.body['resourceType']}/{self.body['id']}" if "id" in self.body else None

    @property
    def method(self) -> str:
        return "PUT" if "id" in self.body else "POST"


def if_none_exist(write: Write) -> str:
    identifier = next(i["value"] for i in write.body["identifier"] if i["system"] == own_names.GAP)
    return f"identifier={own_names.GAP}|{identifier}"


def send(
    client: EhrClient, writes: list[Write], devices: dict[str, str], *, bare: bool = False
) -> list[Answer]:
    """One request. DEVICES: under which reference the server has those that it is known to have.

    HAPI checks that an author exists (Q25), so the Device goes first where it is new. BARE: without
    a new Device and the Provenance.
    """
    own_ids = client.capability.own_ids("Device")
    authors = _known_by(client, writes, devices, own_ids=own_ids, bare=bare)
    extra = [
        _device(author, known, own_ids)
        for author, known in sorted(authors.items())
        if known and author not in devices
    ]
    entries = [_entry(_by(write, authors), client) for write in writes]
    if client.creates("Provenance") and not bare:
        author = next(
            (e["resource"]["author"] for e in entries if "author" in e["resource"]),
            {"display": "ferroclaim"},
        )
        made = provenance([entry["fullUrl"] for entry in entries], author)
        extra.append({"resource": made, "request": {"method": "POST", "url": "Provenance"}})
    body = {"resourceType": "Bundle", "type": "transaction", "entry": entries + extra}
    answer = client.transport.write("POST", "", body, what="the write-back")
    found = bundles.bundle(client.site.name, answer, "the write-back").entries
    if len(found) != len(entries) + len(extra):
        raise BadAnswer(
            client.site.name,
            f"a transaction of {len(entries) + len(extra)} came back with {len(found)}",
        )
    devices.update({author: known for author, known in authors.items() if known and own_ids})
    return [_answer(entry) for entry in found[: len(writes)]]


def _known_by(
    client: EhrClient,
    writes: list[Write],
    devices: dict[str, str],
    *,
    own_ids: bool,
    bare: bool,
) -> dict[str, str]:
    """Each author's reference in the transaction; none where the server has no such Device, and we
    may not make one."""
    may_make = client.creates("Device") and (client.updates("Device") or not own_ids) and not bare
    known = {}
    for author in _authors(writes):
        new = author if own_ids else f"urn:uuid:{uuid.uuid4()}"
        known[author] = devices.get(author) or (new if may_make else "")
    return known


def alone(write: Write, devices: dict[str, str]) -> Write:
    """The write as it can go without a transaction: it names no author whom the server may not
    have."""
    unknown = {author: "" for author in _authors([write]) if author not in devices}
    return _by(write, unknown)


def say_who(client: EhrClient, targets: list[str]) -> None:
    """The Provenance of what was written one by one, where the server takes it."""
    if not targets or not client.creates("Provenance"):
        return
    try:
        client.transport.write("POST", "Provenance", provenance(targets, {"display": "ferroclaim"}))
    except EhrError:
        pass  # the write stands, and the resource itself names its author


def _by(write: Write, authors: dict[str, str]) -> Write:
    """With its author as the server knows it."""
    author = write.body.get("author")
    if write.current or not author or (known := authors.get(str(author.get("reference")))) is None:
        return write
    named = {"reference": known} if known else {"display": "ferroclaim"}
    return replace(write, body={**write.body, "author": named})


def _entry(write: Write, client: EhrClient) -> Json:
    request = {"method": write.method, "url": write.path}
    if write.current and (version := issues.version(write.current)):
        request["ifMatch"] = f'W/"{version}"'
    elif write.method == "POST" and client.capability.conditional_create(
        write.body["resourceType"]
    ):
        request["ifNoneExist"] = if_none_exist(write)
    return {
        "fullUrl": write.location or f"urn:uuid:{uuid.uuid4()}",
        "resource": write.body,
        "request": request,
    }


def _answer(entry: bundles.Entry) -> Answer:
    answer = entry.answer()
    return Answer(
        answer.status,
        {**answer.headers, **({"Location": entry.location} if entry.location else {})},
        answer.body,
    )


def _authors(writes: list[Write]) -> list[str]:
    """Who writes something new; what is there already keeps its author."""
    named = {
        str((write.body.get("author") or {}).get("reference", ""))
        for write in writes
        if not write.current
    }
    return sorted(reference for reference in named if reference.startswith("Device/"))


def _device(author: str, known: str, own_ids: bool) -> Json:
    identity = author.removeprefix("Device/")
    device = {
        "resourceType": "Device",
        "identifier": [{"system": own_names.DEVICE, "value": identity}],
        "status": "active",
        "deviceName": [{"name": "ferroclaim", "type": "manufacturer-name"}],
        "type": {"text": "software that checks the documentation of intravenous iron"},
    }
    if own_ids:
        return {
            "fullUrl": known,
            "resource": {**device, "id": identity},
            "request": {"method": "PUT", "url": author},
        }
    condition = f"identifier={own_names.DEVICE}|{identity}"
    return {
        "fullUrl": known,
        "resource": device,
        "request": {"method": "POST", "url": "Device", "ifNoneExist": condition},
    }


def provenance(targets: list[str], author: Json) -> Json:
    return {
        "resourceType": "Provenance",
        "target": [{"reference": target} for target in targets],
        "recorded": datetime.now(UTC).isoformat(timespec="seconds"),
        "agent": [
            {"type": {"coding": [{"system": PARTICIPANT, "code": "assembler"}]}, "who": author}
        ],
    }
