"""Every claim file of every sample before four validators that others wrote: pyx12, x12sdk,
imsweb's X12 parser and the HL7 FHIR validator."""

import json
import shutil
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from integration import samples
from integration.cli import app
from mappings.writing.drafting import x12
from mappings.writing.fhir_claim import claims as claim_bundle
from mappings.writing.x12.segments import parsed
from tests import builders, claims, validators

pytestmark = pytest.mark.slow

EXAMPLE = Path(samples.__file__).parent / "claims"
NOW = "2026-11-23T18:00:00-05:00"
DATA = Path(__file__).parents[1] / "data" / "claims"


def run(folder: Path, *arguments: str, released: str = "released.csv") -> None:
    asked = ["claims", "write", "samples", "--site", "example", "--now", NOW]
    files = ["--config", str(folder / "ferroclaim.toml"), "--out", str(folder / "out")]
    named = ["--released", str(folder / released)]
    result = CliRunner().invoke(app, [*asked, *files, *named, *arguments])
    assert not isinstance(result.exception, Exception), result.exception


def of_the_example(folder: Path) -> Iterator[Path]:
    """What the shipped example gives: claims, a hospital's own, replaced and voided ones; in X12
    and FHIR."""
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    run(folder)
    run(folder, "--format", "fhir")
    with (folder / "facility.csv").open("a") as file:
        file.write("farid,2026-10-28,line,96365,355.00,2026-10-28,1,,0260\n")
        file.write("farid,2026-10-28,priority,2,,,,,\n")
    run(folder)
    for number, payer, place in correctable(folder / "out"):
        option, reason = (("--void", "D5"), ("--replace", "D9"))[place % 2]
        run(folder, option, f"{number}=ICN{place}{f',{reason}' if payer == 'MA' else ''}")
    run(folder, "--format", "fhir")
    yield from (folder / "out").glob("*.x12")
    yield from (folder / "out").glob("*.json")


def correctable(folder: Path) -> Iterator[tuple[str, str, int]]:
    """Numbers of written claims, what kind of payer each has (SBR09), and their places among those
    of that kind and form; without Medicare's Part B, which takes no corrections."""
    found: set[tuple[str, str, str]] = set()
    for path in folder.glob("*.x12"):
        payer = ""
        for segment in parsed(path.read_text()):
            if segment[0] == "HL":
                payer = ""
            elif segment[0] == "SBR":
                payer = payer or segment[9]
            elif segment[0] == "CLM" and payer != "MB":
                found.add((segment[5].split(":")[1], payer, segment[1]))
    for _, alike in groupby(sorted(found), key=itemgetter(0, 1)):
        yield from ((number, payer, place) for place, (_, payer, number) in enumerate(alike))


def of_charts(folder: Path) -> Iterator[Path]:
    """What leaves of each kind of chart, and the drafts of it."""
    for name, chart in claims.CHARTS.items():
        text, _ = claims.leaving(chart)
        yield from kept(folder / f"{name}.x12", text)
        made, records = claims.assessed(chart)
        draft, problems = x12(made, records, claims.SITE, claims.NOW)
        assert problems == []
        yield from kept(folder / f"draft-{name}.x12", draft)
        bundle = claim_bundle(made, records, claims.SITE, claims.NOW)
        yield from kept(folder / f"draft-{name}.json", as_text(bundle))


def as_text(resource: builders.Resource) -> str:
    return msgspec.json.Encoder(decimal_format="number").encode(resource).decode()


def kept(path: Path, text: str) -> Iterator[Path]:
    """Several interchanges are several files: others read one."""
    for number, part in enumerate(text.split("ISA*")[1:] if path.suffix == ".x12" else [text]):
        own = path.with_stem(f"{path.stem}-{number}")
        own.write_text(f"ISA*{part}" if path.suffix == ".x12" else part)
        yield own


def of_samples(folder: Path) -> Iterator[Path]:
    """The drafts of every sample patient."""
    config = ["--config", str(EXAMPLE / "ferroclaim.toml"), "--site", "example"]
    for name, bundle in samples.bundles().items():
        source = folder / f"{name}-chart.bundle"
        source.write_text(json.dumps(bundle, default=float))
        for form, ending in (("x12", "x12"), ("fhir", "json")):
            out = folder / f"{name}.{ending}"
            asked = ["assess", str(source), "--as-of", NOW, "--format", form, "--out", str(out)]
            result = CliRunner().invoke(app, [*asked, *config])
            assert not isinstance(result.exception, Exception), result.exception
            yield from kept(folder / f"draft-{name}.{ending}", out.read_text())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    made: tuple[Callable[[Path], Iterator[Path]], ...] = (of_the_example, of_charts, of_samples)
    found = [path for make in made for path in make(tmp_path_factory.mktemp("files"))]
    valid = [path for path in DATA.glob("*.x12") if path.name.startswith("837")]
    text = "".join(path.read_text() for path in found)
    assert len(found) > 40
    assert all(
        wanted in text for wanted in (":B:7*", ":A:7*", ":B:8*", ":A:8*", "72:A:2*", "13:A:1*")
    )
    return [*found, *valid]


@pytest.fixture(scope="module")
def texts(files: list[Path]) -> dict[str, str]:
    return {path.name: path.read_text() for path in files if path.suffix == ".x12"}


def test_pyx12_takes_every_837(texts: dict[str, str]) -> None:
    said = {name: claims.validated(text) for name, text in texts.items()}
    assert {name: text for name, text in said.items() if text} == {}


def test_x12sdk_takes_every_837(texts: dict[str, str]) -> None:
    said = {name: validators.of_x12sdk(text) for name, text in texts.items()}
    assert {name: found for name, found in said.items() if found} == {}


def test_imsweb_and_hl7_take_every_837_and_every_fhir_claim(
    files: list[Path], tmp_path: Path
) -> None:
    """They are asked about two broken files as well, so that silence means something."""
    broken = tmp_path / "broken.x12", tmp_path / "broken.json"
    broken[0].write_text((DATA / "m22_51lines.x12").read_text())
    bundle = json.loads(next(path for path in files if path.suffix == ".json").read_text())
    del bundle["entry"][0]["resource"]["priority"]
    broken[1].write_text(json.dumps(bundle))
    said = validators.of_java([*files, *broken])
    assert "2400 appears too many times" in said[broken[0]]
    assert any("Claim.priority: minimum required = 1" in row for row in said[broken[1]])
    assert {path.name: found for path, found in said.items() if found and path not in broken} == {}


def test_x12sdk_sees_what_is_missing() -> None:
    text = (DATA / "837I_outpatient_131.x12").read_text()
    assert validators.of_x12sdk(text) == []
    assert validators.of_x12sdk(text.replace("CL1*3*1*01~\n", ""))
