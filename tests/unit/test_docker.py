"""The container files agree with the rest. No Docker engine is needed, and none is tried."""

import re
from pathlib import Path

import pytest
import yaml

from integration.configuration import settings
from integration.serving import worker

DOCKER = Path(__file__).parents[2] / "docker"
SERVICES = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]


def test_compose_configures_a_site_that_we_accept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in SERVICES["ferroclaim"]["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-(\w+)\}", r"\1", value))
    loaded = settings.load()
    assert loaded.site("sandbox").base_url == "http://127.0.0.1:8080/fhir"
    assert loaded.database_url is not None


def test_compose_lets_the_service_end() -> None:
    """Docker's own patience is 10 seconds; behind it comes a kill."""
    (seconds,) = re.findall(r"^(\d+)s$", SERVICES["ferroclaim"]["stop_grace_period"])
    assert int(seconds) >= worker.CLOSE_SECONDS + worker.DRAIN_SECONDS + 5


def test_compose_runs_the_hapi_of_the_sandbox() -> None:
    pom = (DOCKER / "hapi" / "pom.xml").read_text()
    (version,) = re.findall(r"<hapi.version>(.*)</hapi.version>", pom)
    assert SERVICES["hapi"]["image"].startswith(f"hapiproject/hapi:v{version}-")


def test_the_image_gets_every_file_that_it_copies() -> None:
    lines = (DOCKER / "Dockerfile").read_text().splitlines()
    copied = {
        name
        for line in lines
        if line.startswith("COPY") and "--from" not in line
        for name in line.split()[1:-1]
    }
    let_through = [
        line[1:]
        for line in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
        if line[0] == "!"
    ]
    assert copied
    for name in copied:
        assert (DOCKER.parent / name).exists()
        assert name.split("/")[0] in let_through
