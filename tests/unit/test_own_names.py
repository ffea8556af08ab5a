"""Names of ours in resources stand once."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_is_written_in_one_place() -> None:
    named = [
        str(path.relative_to(ROOT))
        for room in ("mappings", "integration")
        for path in (ROOT / room).rglob("*.py")
        if "urn:ferroclaim" in path.read_text()
    ]
    assert named == ["mappings/values/own_names.py"]
