"""The `sekmet` fixture: sekmet-fhir 0.1.1, an independent R4 server with SMART Backend Services and
without DetectedIssue.

It has an environment of its own (.venv-sekmet, made by make), because its pins contradict ours.
"""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from integration.configuration.site import Site
from integration.ehr.transport.keys import Keyring, generate
from tests.plugins.hapi import must_run

ROOT = Path(__file__).parents[2]
COMMAND = ROOT / ".venv-sekmet" / "bin" / "sekmet"
START_LIMIT = 120.0  # seconds; 8 on an idle machine


@dataclass(frozen=True)
class Sekmet:
    base_url: str
    key_file: Path

    def site(self, **settings: object) -> Site:
        auth = {"method": "private_key_jwt", "client_id": "ferroclaim", "key_file": self.key_file}
        return Site.adhoc(self.base_url, **{"name": "sekmet", "auth": auth, **settings})


@pytest.fixture(scope="session")
def sekmet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sekmet]:
    """A running server that knows our key."""
    built = subprocess.run(
        ["make", "--quiet", ".venv-sekmet/.done"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        (pytest.fail if must_run() else pytest.skip)(
            f"sekmet-fhir could not be installed: {built.stderr[-500:]}"
        )
    folder = tmp_path_factory.mktemp("sekmet")
    ring = Keyring((generate("ES384"),))
    ring.save(folder / "keys.json")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}/fhir"
    client = {"client_id": "ferroclaim", "jwks": ring.jwks(), "scopes": "system/*.*"}
    settings = {
        "base_url": base,
        "host": "127.0.0.1",
        "port": port,
        "data_dir": str(folder / "data"),
        "server_auth": {"types": ["smart"], "smart_clients": [client]},
        "simulator": {"enabled": False},
    }
    (folder / "settings.yaml").write_text(json.dumps(settings))  # JSON is YAML
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(COMMAND), "serve", "--config", "settings.yaml"], cwd=folder, stdout=log, stderr=log
        )
    try:
        _await(process, base, folder / "log")
        yield Sekmet(base, folder / "keys.json")
    finally:
        process.terminate()
        process.wait(timeout=30)


def _await(process: "subprocess.Popen[bytes]", base: str, log: Path) -> None:
    limit = time.monotonic() + START_LIMIT
    while process.poll() is None and time.monotonic() < limit:
        try:
            if requests.get(f"{base}/metadata", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.2)
    pytest.fail(
        f"sekmet-fhir did not start. The end of its log:\n{log.read_text()[-2000:]}", pytrace=False
    )
