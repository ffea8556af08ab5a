"""All of a patient's write-backs in one transaction, together with the Provenance that says who wrote them."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from integration.ehr import bundles, issues
from integration.ehr.client import EhrClient
from integration.ehr.http import Answer, Json
from integration.ehr.issues import GAP_SYSTEM
from integration.errors import BadAnswer

DEVICE_SYSTEM = "urn:ferroclaim:device"
PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


@dataclass(frozen=True)
class Write:
    """One thing to send: `body` is made of `issue`, and of `current` where the server has that."""

    gap: str
    issue: Json
    body: Json
    current: Json | None = None

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


def own_id(gap: str) -> str:
    """The id that we choose for a gap: two writers who both create it write one resource (Q23)."""
    return f"fc-{hashlib.sha256(gap.encode()).hexdigest()[:40]}"


def if_none_exist(write: Write) -> str:
    identifier = next(i["value"] for i in write.body["identifier"] if i["system"] == GAP_SYSTEM)
    return f"identifier={GAP_SYSTEM}|{identifier}"


def send(client: EhrClient, writes: list[Write], devices: set[str], *, conditional: bool) -> list[Answer]:
    """One request. DEVICES are those that the server is known to have; HAPI checks that an author exists (Q25)."""
    authors = _authors(writes) - devices
    entries = [_entry(write, conditional) for write in writes]
    extra = [_device(author) for author in sorted(authors)]
    if client.capability.creates("Provenance"):
        extra.append(_provenance(writes, [entry["fullUrl"] for entry in entries]))
    body = {"resourceType": "Bundle", "type": "transaction", "entry": entries + extra}
    answer = client.transport.write("POST", "", body, what="the write-back")
    found = bundles.bundle(client.site.name, answer, "the write-back").entry or []
    if len(found) != len(entries) + len(extra):
        raise BadAnswer(client.site.name, f"a transaction of {len(entries) + len(extra)} came back with {len(found)}")
    devices |= authors
    return [_answer(entry) for entry in found[: len(writes)]]


def _entry(write: Write, conditional: bool) -> Json:
    request = {"method": write.method, "url": write.path}
    if write.current and (version := issues.version(write.current)):
        request["ifMatch"] = f'W/"{version}"'
    elif write.method == "POST" and conditional:
        request["ifNoneExist"] = if_none_exist(write)
    return {"fullUrl": write.location or f"urn:uuid:{uuid.uuid4()}", "resource": write.body, "request": request}


def _answer(entry: bundles.Entry) -> Answer:
    answer = entry.answer()
    location = entry.response.location if entry.response else None
    return Answer(answer.status, {**answer.headers, **({"Location": location} if location else {})}, answer.body)


def _authors(writes: list[Write]) -> set[str]:
    references = {str((write.body.get("author") or {}).get("reference", "")) for write in writes}
    return {reference for reference in references if reference.startswith("Device/")}


def _device(author: str) -> Json:
    identity = author.removeprefix("Device/")
    device = {
        "resourceType": "Device",
        "id": identity,
        "identifier": [{"system": DEVICE_SYSTEM, "value": identity}],
        "status": "active",
        "deviceName": [{"name": "ferroclaim", "type": "manufacturer-name"}],
        "type": {"text": "software that checks the documentation of intravenous iron"},
    }
    return {"fullUrl": author, "resource": device, "request": {"method": "PUT", "url": author}}


def _provenance(writes: list[Write], targets: list[str]) -> Json:
    author = next((write.body["author"] for write in writes if write.body.get("author")), {"display": "ferroclaim"})
    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": target} for target in targets],
        "recorded": datetime.now(UTC).isoformat(timespec="seconds"),
        "agent": [{"type": {"coding": [{"system": PARTICIPANT, "code": "assembler"}]}, "who": author}],
    }
    return {
        "fullUrl": f"urn:uuid:{uuid.uuid4()}",
        "resource": provenance,
        "request": {"method": "POST", "url": "Provenance"},
    }
