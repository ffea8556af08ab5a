"""Where the labels of a plot stand: beside their marks, and none over another or over a mark.

Held by tests/unit/test_timeline.py.
"""

from dataclasses import dataclass

# Of the plot's font at 12 px: a character's width, and what a line of text takes above and below
# its baseline.
CHARACTER, ABOVE, BELOW = 7.0, 10.0, 3.0
MARK = 6.0


@dataclass(frozen=True)
class Label:
    """A text that begins, ends or is centered at `x` (SVG's text-anchor), on the baseline `y`."""

    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "_Box") -> bool:
        beside = self.right <= other.left or other.right <= self.left
        return not beside and self.top < other.bottom and other.top < self.bottom


class Labels:
    """Of a panel from LEFT to RIGHT and TOP to BOTTOM."""

    def __init__(self, left: float, right: float, top: float, bottom: float) -> None:
        self._frame = _Box(left, top - ABOVE, right, bottom)
        self._taken: list[_Box] = []

    def keep_free(self, x: float, y: float) -> None:
        """A mark stands there."""
        self._taken.append(_Box(x - MARK, y - MARK, x + MARK, y + MARK))

    def keep_off(self, x: float) -> None:
        """A line stands there from top to bottom."""
        self._taken.append(_Box(x - 1, self._frame.top, x + 1, self._frame.bottom))

    def beside(self, x: float, y: float, text: str) -> Label | None:
        """Above, below, right or left of a mark; None where none of them is free."""
        return self._first(
            Label(x, y - 10, text),
            Label(x, y + 18, text),
            Label(x + 9, y + 4, text, "start"),
            Label(x - 9, y + 4, text, "end"),
        )

    def on_line(self, y: float, text: str) -> Label | None:
        """At an end of a line across the panel, above or below it."""
        right, left = self._frame.right - 20, self._frame.left + 5
        return self._first(
            Label(right, y - 4, text, "end"),
            Label(right, y + 13, text, "end"),
            Label(left, y - 4, text, "start"),
            Label(left, y + 13, text, "start"),
        )

    def _first(self, *places: Label) -> Label | None:
        for label in places:
            box = _box(label)
            if self._holds(box) and not any(box.meets(other) for other in self._taken):
                self._taken.append(box)
                return label
        return None

    def _holds(self, box: _Box) -> bool:
        frame = self._frame
        across = frame.left <= box.left and box.right <= frame.right
        return across and frame.top <= box.top and box.bottom <= frame.bottom


def width_of(text: str) -> float:
    return CHARACTER * len(text)


def _box(label: Label) -> _Box:
    width = width_of(label.text)
    left = {"start": label.x, "middle": label.x - width / 2, "end": label.x - width}[label.anchor]
    return _Box(left, label.y - ABOVE, left + width, label.y + BELOW)
