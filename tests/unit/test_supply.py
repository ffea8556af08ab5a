"""The bill of materials names what is installed, and an audit without advisories is no pass."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

CI = Path(__file__).parents[2] / ".ci"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"ci_{name}", CI / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


GOOD = {"name": "requests", "version": "2.32.0", "vulns": []}
BAD = {"name": "urllib3", "version": "1.0", "vulns": [{"id": "PYSEC-1"}]}
SKIPPED = {"name": "uvloop", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("rows", "status", "says"),
    [
        ([GOOD], 0, "1 packages audited: nothing is known."),
        ([GOOD, BAD], 1, "urllib3 1.0: PYSEC-1"),
        ([GOOD, SKIPPED], 2, "COULD NOT BE AUDITED: 1 of 2 packages"),
        ([SKIPPED, BAD], 1, "urllib3 1.0: PYSEC-1"),
        ([], 2, "This is no pass"),
    ],
)
def test_what_could_not_be_audited_is_no_pass(
    rows: list[dict[str, object]], status: int, says: str
) -> None:
    found, lines = loaded("audit").verdict(rows)
    assert found == status
    assert says in "\n".join(lines)


def test_a_pin_that_the_bill_lacks_is_named() -> None:
    hashed = [{"type": "distribution", "hashes": [{"alg": "SHA-256", "content": "0"}]}]
    bill = {
        "components": [
            {"name": "Typing_Extensions", "version": "4.1", "externalReferences": hashed},
            {"name": "requests", "version": "2.32.0"},
        ]
    }
    lock = "typing-extensions==4.1 \\\n    --hash=sha256:0\nrequests==2.32.0\nurllib3==2.0\n"
    assert loaded("bill").missing(bill, lock) == ["requests 2.32.0", "urllib3 2.0"]
