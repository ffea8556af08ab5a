"""JSON text to dicts, with every decimal as it is written."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

_decoder = msgspec.json.Decoder(float_hook=Decimal)


class NotJson(ValueError):
    """The text is not JSON; the message says where it breaks."""


def decode(text: bytes | str) -> Any:
    """JSON to dicts, lists, str, int, Decimal, bool, None; NotJson otherwise."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise NotJson(_said(problem)) from None


def _said(problem: Exception) -> str:
    if isinstance(problem, RecursionError):
        return "nested too deeply"
    if isinstance(problem, UnicodeDecodeError):
        return f"not UTF-8 (byte {problem.start})"
    return str(problem).removeprefix("JSON is malformed: ")


def lines(data: Iterable[bytes]) -> Iterator[tuple[int, dict[str, Any] | NotJson]]:
    """The resources of NDJSON lines with their line numbers; a broken line as the problem, so that
    the others go on."""
    for number, line in enumerate(data, 1):
        if not line.strip():
            continue
        try:
            resource = decode(line)
        except NotJson as problem:
            yield number, problem
            continue
        yield number, resource if isinstance(resource, dict) else NotJson("not a FHIR resource")
