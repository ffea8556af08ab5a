"""YAML as tree and values: decimals as they are written, what can't be read with its line.

Held by tests/unit/test_compiled.py.
"""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

from mappings.datafiles import form as forms
from mappings.datafiles.error import DataFileError
from mappings.datafiles.form import Mistake, NoValue

MOST_DIGITS = 15
_NO_BREAK = "\N{NO-BREAK SPACE}"
# Seen by nobody, so that a name with one is another name.
_INVISIBLE = re.compile("[\N{SOFT HYPHEN}\N{ZERO WIDTH SPACE}\N{WORD JOINER}]")
_NO_END = "found unexpected end of stream"
_QUOTE = "write quotes around the text that begins here with"
# What the parser says of what people write, as it begins, and what to do about it.
_MEANS = {
    "found character that cannot start any token": (
        "a tab, or %, @ or ` at the beginning of a text: write spaces, and quotes around the text"
    ),
    "found undefined alias": f"{_QUOTE} *",
    "did not find expected alphabetic or numeric character": f"{_QUOTE} * or &",
    "could not determine a constructor for the tag": f"{_QUOTE} !",
    "did not find expected node content": "a value or a bracket is missing before this",
    "could not find expected ':'": "a colon is missing before this, or an indent is another one",
    "did not find expected '-' indicator": "a line of a list of another indent: correct the indent",
    "did not find expected <document start>": "a text without a key before it: correct the indent",
    "did not find expected comment or line break": f"{_QUOTE} > or |",
    "found unknown escape character": "a backslash in double quotes: write single quotes",
    "found a tab character": "a tab: write spaces",
    "did not find expected ',' or": "a bracket before this is not closed, or a comma is missing",
    _NO_END: "a quote that begins here is not closed",
    "mapping values are not allowed in this context": (
        "a colon within a text, or a line of another indent: write quotes around the text, or"
        " correct the indent"
    ),
    "did not find expected key": "the indent is of no line above it: correct it",
    "but found another document": "a second document begins here (---): a file holds one",
}


class _Loader(yaml.CSafeLoader):
    """Reads decimals as they are written; keeps what can't be read, with its line, and goes on."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.mistakes: list[Mistake] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        wrong = [(key, said) for key, said in _keys(node) if said]
        self.mistakes += [(key.start_mark.line + 1, said) for key, said in wrong]
        node.value = [
            member for member in node.value if all(member[0] is not key for key, _ in wrong)
        ]
        return super().construct_mapping(node, deep)


def _keys(node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, str]]:
    """Each key, and what is wrong with it."""
    seen = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            yield key, "a key must be a name, not a list or a map"
        elif not key.value:
            yield key, "a key is empty: write a name before the colon"
        elif key.tag == "tag:yaml.org,2002:int" and _is_nothing(value):
            said = f"the comma before {key.value} ends what stands before it"
            yield key, f"{said}: write no commas in numbers"
        elif key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
            yield key, f'write the key "{key.value}" in quotes'
        else:
            yield key, f"the key {key.value!r} appears twice" if key.value in seen else ""
            seen.add(key.value)


def _is_nothing(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.value


def _unreadable(node: yaml.ScalarNode, said: str) -> NoValue:
    return NoValue(node.start_mark.line + 1, said)


def _number(_: _Loader, node: yaml.ScalarNode) -> Decimal | int | NoValue:
    """30.0 is the whole number 30."""
    try:
        number = Decimal(node.value.replace("_", ""))
    except InvalidOperation:
        return _unreadable(node, f"{node.value} is not a number: write one such as 500")
    if len(node.value) > 2 * MOST_DIGITS or abs(number.adjusted()) > MOST_DIGITS:
        return _too_long(node)
    return number if number % 1 else int(number)


def _whole_number(_: _Loader, node: yaml.ScalarNode) -> int | NoValue:
    text = node.value.replace("_", "")
    if not re.fullmatch(r"[-+]?(0|[1-9][0-9]*)", text):
        return _unreadable(
            node,
            f"{node.value[:20]} is not a plain whole number: write one such as 30, or quotes around"
            " it if it is text",
        )
    return _too_long(node) if len(text) > MOST_DIGITS else int(text)


def _too_long(node: yaml.ScalarNode) -> NoValue:
    return _unreadable(node, f"a number of more than {MOST_DIGITS} digits: write a shorter one")


def _date(loader: _Loader, node: yaml.ScalarNode) -> Any:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        return _unreadable(node, f"there is no date {node.value}: correct the date")


for _tag, _construct in {"float": _number, "int": _whole_number, "timestamp": _date}.items():
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _construct)


def parsed(text: str, where: str) -> tuple[yaml.Node, Any, list[Mistake]]:
    """The tree of the text, its values, and what of it can't be read."""
    odd = yaml.reader.Reader.NON_PRINTABLE.search(text) or _INVISIBLE.search(text)
    if odd:
        line = text.count("\n", 0, odd.start()) + 1
        kind = "an invisible" if _INVISIBLE.match(odd[0]) else "a control"
        raise DataFileError(
            f"{where}:{line}: {kind} character (U+{ord(odd[0]):04X}): delete it, or save the"
            " file as UTF-8"
        )
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None or not node.value:
            raise DataFileError(f"{where}:1: the file is empty")
        return node, loader.construct_document(node), loader.mistakes
    except yaml.MarkedYAMLError as problem:
        line, told = _told(problem, text)
        raise DataFileError(f"{where}:{line}: {told}") from None
    except (yaml.YAMLError, RecursionError) as problem:
        raise DataFileError(
            f"{where}:1: not YAML that can be read here: {type(problem).__name__}"
        ) from None


def _told(problem: yaml.MarkedYAMLError, text: str) -> Mistake:
    """Where the parser stopped, and what to do about it; a non-breaking space just before that is
    what stopped it."""
    said = problem.problem or type(problem).__name__
    mark = problem.context_mark if said == _NO_END else problem.problem_mark
    line = mark.line + 1 if mark else 1
    near = list(enumerate(text.splitlines()[:line], 1))[-2:]
    for number, written in near:
        if _NO_BREAK in written:
            return number, "a non-breaking space, as Word and PDFs have them: write a plain one"
    told = (means for begins, means in _MEANS.items() if said.startswith(begins))
    return line, next(told, said)


def line_of(text: str, path: str) -> int:
    """The line of a path such as `$.requirements.ferritin.window_days` (or the nearest that exists
    above it)."""
    return forms.line_below(yaml.compose(text, yaml.CSafeLoader), 1, path.removeprefix("$"))
