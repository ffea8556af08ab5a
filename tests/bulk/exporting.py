"""Exports of a fake server, and what was said and waited for meanwhile."""

import json
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer

from integration.bulk import run
from integration.bulk.export.asking import ExportRequest
from integration.bulk.export.export import Export, Exported
from integration.bulk.export.fetching import Listening
from integration.bulk.export.job import ExportPlace
from integration.bulk.export.pausing import Pause
from integration.configuration.site import Site
from integration.ehr.transport.auth import Tokens
from integration.ehr.transport.http import Transport
from integration.ehr.transport.keys import Keyring, generate
from mappings.policy import choosing
from mappings.site import Site as Facts
from tests import builders
from tests.fakes.authorization import FakeAuthorization
from tests.fakes.bulk_data import FakeBulkData, File, lines

CHART = builders.chart()
GROUP = ExportRequest("Group/g1")
NOW = 1_795_000_000.0


class Seen:
    """What the client said, and how long it waited."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []
        self.waited: list[float] = []
        self.pause = Pause(self.waited.append, lambda: NOW)


def chart_file(*resources: Any, **settings: Any) -> File:
    return File("Patient", lines(*(resources or CHART)), **settings)


def export(server: FakeBulkData, out: Path, seen: Seen, **site: Any) -> Export:
    made = Site.adhoc(server.base_url, **{"name": "general", **site})
    transport = Transport(made, tokens=Tokens())
    listening = Listening(seen.said.append, seen.warned.append)
    return Export(transport, ExportPlace(out), seen.pause, listening)


def fetch(
    server: FakeBulkData, out: Path, seen: Seen, asked: ExportRequest = GROUP, **site: Any
) -> Exported:
    client = export(server, out, seen, **site)
    with client.transport:
        return client.fetch(asked)


def assessed(found: Exported, out: Path) -> list[Any]:
    """The documents of what was exported."""
    run.bulk(
        str(found.folder),
        out,
        lambda _: Facts(),
        choosing.built_in(),
        builders.AS_OF,
        1,
        known=found.problems,
    )
    return [json.loads(line) for line in (out / "assessments.ndjson").read_bytes().splitlines()]


def content(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "export").rglob("*.ndjson*"))}


def signed_in(ehr_server: HTTPServer, tmp_path: Path, **settings: Any) -> dict[str, Any]:
    """A backend service with a key, and the server that knows it."""
    keys = Keyring((generate("ES384"),))
    keys.save(tmp_path / "keys.json")
    server = FakeAuthorization(ehr_server, jwks=keys.jwks(), **settings)
    auth = {
        "method": "private_key_jwt",
        "client_id": server.client_id,
        "key_file": tmp_path / "keys.json",
    }
    return {"authorization": server, "auth": auth}
