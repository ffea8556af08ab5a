"""YAML data files read into frozen structures, with every mistake located by file and line."""

import re
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

T = TypeVar("T")


class DataFileError(ValueError):
    """A data file does not say what it must; the message names file, line and the fix."""


class _Loader(yaml.CSafeLoader):
    """Reads decimals as they are written, and refuses a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_constructor("tag:yaml.org,2002:float", lambda _, node: Decimal(str(node.value).replace("_", "")))


def packaged(folder: str, name: str) -> tuple[str, str]:
    """Name and text of a data file that ships in the package."""
    resource = files("mappings") / folder / name
    return f"{folder}/{name}", resource.read_text("utf-8")


def structure(text: str, where: str, form: type[T]) -> T:
    """The YAML text as `form`; DataFileError with file and line otherwise."""
    try:
        return msgspec.convert(yaml.load(text, _Loader), form)  # noqa: S506 - our own safe loader
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        raise DataFileError(f"{where}:{mark.line + 1 if mark else 1}: {problem.problem}") from None
    except msgspec.ValidationError as problem:
        said, path = _AT.match(str(problem)).groups()  # type: ignore[union-attr]  # it matches any text
        unknown = _UNKNOWN.match(said)
        line = line_of(text, f"{path or ''}.{unknown[1]}" if unknown else path or "")
        raise DataFileError(f"{where}:{line}: {said}{f' at {path}' if path else ''}") from None
    except (yaml.YAMLError, ValueError, TypeError, ArithmeticError, RecursionError) as problem:
        said = next(iter(str(problem).splitlines()), type(problem).__name__)
        raise DataFileError(f"{where}:1: not YAML that can be read here: {said}") from None


_AT = re.compile(r"(.*?)(?: - at (?:`key` in )?`(.+)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.+)`")


def line_of(text: str, path: str) -> int:
    """The line of a path such as `$.requirements.ferritin.window_days` (or the nearest that exists above it)."""
    node, line = yaml.compose(text, yaml.CSafeLoader), 1
    for part in re.findall(r"[^.$\[\]`]+", path):
        child = _child(node, part)
        if child is None:
            break
        node, line = child
    return line


def _child(node: yaml.Node | None, part: str) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
        item = node.value[int(part)]
        return item, item.start_mark.line + 1
    return None


def from_path(path: Path, form: type[T]) -> T:
    """A data file of a site."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise DataFileError(f"{path}: can't be read: {problem.__class__.__name__}") from None
    return structure(text, str(path), form)
