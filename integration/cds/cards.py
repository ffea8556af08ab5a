"""Cards as CDS Hooks has them: few, the most useful first, each with what may be done about it.

Held by tests/unit/test_cds_cards.py.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from integration.wording import words
from mappings.codes.requirement import Group
from mappings.values import own_names
from mappings.values.words import within

Resource = dict[str, Any]
Card = dict[str, Any]
Kind = Literal["safety", "order", "papers"]
Indicator = Literal["info", "warning"]
MOST = 139  # characters of a summary (CDS Hooks: fewer than 140)
# What a card is of, in the order of the cards: what may harm; what is ordered and where it is
# given, since changing that settles the rest; then all papers together.
KINDS: dict[Kind, tuple[Group, ...]] = {
    "safety": ("safety",),
    "order": ("product", "place"),
    "papers": ("laboratory", "documentation", "authorization"),
}
# Why a card may be overridden.
REASONS: dict[Group, dict[str, str]] = {
    "safety": {"considered": "Considered; the benefit outweighs it"},
    "product": {
        "tried": "The preferred product was tried or is unsuitable",
        "formulary": "Not available here",
    },
    "place": {
        "facility": "It will be given in the dialysis facility",
        "other-cause": "Not for the kidney disease",
    },
    "laboratory": {
        "elsewhere": "Done elsewhere; the results will be filed",
        "ordered": "Already ordered",
        "not-needed": "Not needed for this patient",
    },
    "documentation": {
        "will-document": "Will be documented today",
        "documented": "Documented elsewhere",
    },
    "authorization": {
        "requested": "Authorization already requested",
        "not-asked": "This plan requires no authorization",
    },
}


def kind_of(group: Group) -> Kind:
    return next(kind for kind, groups in KINDS.items() if group in groups)


@dataclass(frozen=True)
class Saying:
    """What a card says. `groups`: of the requirements that it is about, the first of which is its
    topic; `notes`: what is good to know beside it."""

    kind: Kind
    summary: str
    lines: Sequence[str]
    requirements: Sequence[str]
    groups: Sequence[Group]
    source: str = ""
    notes: Sequence[str] = ()
    suggestions: Sequence[Resource] = field(default=())


def made(saying: Saying, app: str) -> Card:
    """APP: where our SMART app is launched."""
    summary, topic = saying.summary, saying.requirements[0]
    card: Card = {
        "uuid": str(uuid.uuid4()),
        "summary": summary if len(summary) <= MOST else f"{summary[:MOST].rpartition(' ')[0]}…",
        "detail": _detail(saying),
        "indicator": "warning" if saying.kind == "safety" else "info",
        "source": {
            "label": "ferroclaim: iron billing check",
            "topic": {
                "system": own_names.REQUIREMENT,
                "code": topic,
                "display": words.title(topic),
            },
        },
        "links": [
            {
                "label": "Open the iron billing check",
                "url": app,
                "type": "smart",
                "appContext": topic,
            }
        ],
        "overrideReasons": [
            {"system": own_names.OVERRIDE, "code": code, "display": text}
            for group in dict.fromkeys(saying.groups)
            for code, text in REASONS[group].items()
        ],
        "extension": {own_names.REQUIREMENT: list(dict.fromkeys(saying.requirements))},
    }
    if saying.suggestions:
        # Tests may be ordered together; of drugs one is chosen.
        behavior = "at-most-one" if saying.kind == "order" else "any"
        card |= {"suggestions": list(saying.suggestions), "selectionBehavior": behavior}
    return card


def _detail(saying: Saying) -> str:
    parts = ["\n".join(f"- {plain(line)}" for line in saying.lines)]
    parts += map(plain, saying.notes)
    parts += [f"Source: {plain(saying.source)}"] if saying.source else []
    return "\n\n".join(parts)


def summary(first: str, requirements: Iterable[str]) -> str:
    """The first finding, and that there are others, as far as there is room: a summary is often all
    that is read."""
    titles = dict.fromkeys(map(words.title, requirements))
    others = [within(title) for title in titles][1:]
    if not others:
        return first
    short = first.rstrip(".")
    for rest in (f"also: {words.joined(others)}.", f"{len(others)} more below."):
        if len(short) + len(rest) + 2 <= MOST:
            return f"{short}; {rest}"
    return first


def plain(text: str) -> str:
    """No markup of our readers' data in a card's Markdown."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|!" else letter for letter in text)
