"""The Synthea charts of tests/data/synthea: real in shape, without an intravenous iron; and those
of its folder `iron`, as Synthea wrote them."""

import gzip
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).parent / "data" / "synthea"
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


@cache
def lines(kind: str) -> list[bytes]:
    """The resources of a type as they stand in the file."""
    return gzip.decompress((FOLDER / f"{kind}.ndjson.gz").read_bytes()).splitlines()


def resources(*kinds: str) -> Iterator[dict[str, Any]]:
    """The resources of these types; without any, all."""
    for kind in kinds or sorted(path.name.partition(".")[0] for path in FOLDER.glob("*.gz")):
        yield from map(_DECODER.decode, lines(kind))


def unpack_iron(folder: Path) -> Path:
    """The files of the folder `iron`, unpacked into FOLDER."""
    folder.mkdir()
    for path in (FOLDER / "iron").glob("*.gz"):
        (folder / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    return folder
