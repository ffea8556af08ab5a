"""What the sections of the configuration are made of: the model, paths relative to the file,
addresses, and what is wrong in a sentence.

Held by tests/unit/test_configuring.py.
"""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)

from integration.errors import ConfigurationError

# `localhost:8080/fhir`, `fhir.example.org/r4`; no file such as `chart.json`.
_HOST = re.compile(r"^(?:(?:[\w-]+(?:\.[\w-]+)*:\d+|localhost)(?:/.*)?|[\w-]+(?:\.[\w-]+)+/[^.]*)$")


SAID = r"\S"
# The key of a table whose rows are a site's own.
Key = Annotated[str, Field(pattern=SAID)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _from_here(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return path if folder is None else folder / path.expanduser()


def _not_empty(value: Any) -> Any:
    """An empty path would be the folder of the file."""
    if isinstance(value, str) and not value.strip():
        raise ValueError("is empty: write a path, or leave the key out")
    return value


ConfiguredPath = Annotated[Path, BeforeValidator(_not_empty), AfterValidator(_from_here)]


def is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def is_safe(address: SplitResult) -> bool:
    """Whether what goes there can't be read on the way: https, or this machine."""
    return address.scheme == "https" or (address.scheme == "http" and is_loopback(address.hostname))


def is_address(text: str) -> bool:
    """Whether it is an address, not a name or a file; ConfigurationError where only `http://` is
    missing."""
    if text.lower().startswith(("http://", "https://")):
        return True
    if _HOST.match(text) and not Path(text).exists():
        raise ConfigurationError(f"{text} is no address: begin with http:// or https://.")
    return False


def safe_address(value: str) -> str:
    """https, or http on this machine."""
    parts = urlsplit(value)
    if "://" not in value:
        raise ValueError("must begin with https:// (or http:// for this machine)")
    if not parts.hostname or not is_safe(parts):
        raise ValueError("must be an https address")
    refuse_more(parts)
    return value.rstrip("/")


def refuse_more(address: SplitResult) -> None:
    """ValueError where more than a place stands in an address."""
    if address.username or address.password or address.query or address.fragment:
        raise ValueError("must hold neither credentials, a query nor a fragment")


def origin(value: str) -> str:
    parts = urlsplit(safe_address(value))
    if parts.path:
        raise ValueError("is an origin: scheme and host, without a path")
    return f"{parts.scheme}://{parts.netloc}"


def sentences(error: ValidationError) -> str:
    """What is wrong, key by key, without the values (one may be a secret)."""
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc']) or 'site'}:"
        f" {problem['msg'].removeprefix('Value error, ')}"
        for problem in error.errors(include_url=False, include_input=False, include_context=False)
    )
