"""Validators of claim files that others wrote: what each says against a file, less what it is known
to be wrong about."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pydantic
import pytest
from x12sdk.io import X12ModelReader

from tests.plugins.hapi import must_run

HERE = Path(__file__).parent
CLASSPATH = HERE / "target" / "classpath"
IGS = HERE.parent / "data" / "igs"
US_CORE = "us_core_700.tgz"
JAVA = ("-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC")

# imsweb's parser (1.13) allows one HI in a claim, where X223 has one of each kind.
_IMSWEB_WRONG = "HI in loop 2300 appears too many times"
# x12sdk (2.2) asks every NDC of an 837I for a prescription number (2410 REF), which is situational,
# and knows no billing note of a claim there (2300 NTE*ADD).
_X12SDK_WRONG = (("loop_2410", "ref_segment"), ("nte_segment", "note_reference_code"))


def of_x12sdk(text: str) -> list[str]:
    """What x12sdk says against an 837."""
    try:
        with X12ModelReader(text) as reader:
            return [] if list(reader.models()) else ["no transaction"]
    except pydantic.ValidationError as problem:
        found = [(error["loc"], error["msg"]) for error in problem.errors()]
    except (ValueError, KeyError, AttributeError) as problem:
        return [f"unreadable: {problem}"]
    return [f"{place}: {says}" for place, says in found if not _is_known(place)]


def _is_known(place: Sequence[str | int]) -> bool:
    names = tuple(part for part in place if isinstance(part, str))
    return names[-2:] in _X12SDK_WRONG


def of_java(files: Iterable[Path]) -> dict[Path, list[str]]:
    """What imsweb's parser says against `.x12`, and the HL7 FHIR validator against `.json`: all in
    one JVM."""
    found: dict[Path, list[str]] = {path: [] for path in files}
    for line in _said(list(map(str, found))):
        file, _, says = line.partition("\t")
        if says != _IMSWEB_WRONG:
            found[Path(file)].append(says)
    return found


def by_guides(files: Iterable[Path], guides: Iterable[str]) -> dict[str, dict[Path, list[str]]]:
    """What the HL7 FHIR validator says against each file by each guide (`tests/data/igs`), with US
    Core: all in one JVM."""
    listed = list(files)
    found: dict[str, dict[Path, list[str]]] = {}
    asked: list[str] = []
    for guide in guides:
        found[guide] = {path: [] for path in listed}
        asked += [f"--igs={guide},{US_CORE}", *(f"{path}" for path in listed)]
    order = iter(found.values())
    for line in _said(asked):
        if line.startswith("--igs="):
            said = next(order)
            continue
        file, _, says = line.partition("\t")
        said[Path(file)].append(says)
    return found


def _said(asked: Sequence[str]) -> list[str]:
    """Lines of Validate.java."""
    classpath = os.pathsep.join((_classpath(), str(IGS)))
    command = ["java", *JAVA, "-cp", classpath, str(HERE / "Validate.java"), *asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.splitlines()


def _classpath() -> str:
    """Maven downloads the validators (150 MB) the first time."""
    if not (shutil.which("javac") and shutil.which("mvn")):
        says = "imsweb's parser and the HL7 validator need Java 17 and Maven."
        pytest.fail(says, pytrace=False) if must_run() else pytest.skip(says)
    pom = HERE / "pom.xml"
    if not _is_current(pom):
        CLASSPATH.parent.mkdir(exist_ok=True)
        file = f"-Dmdep.outputFile={CLASSPATH}"
        command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:build-classpath", file]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:]
    return CLASSPATH.read_text()


def _is_current(pom: Path) -> bool:
    if not CLASSPATH.exists() or CLASSPATH.stat().st_mtime < pom.stat().st_mtime:
        return False
    return all(Path(jar).exists() for jar in CLASSPATH.read_text().split(os.pathsep))
