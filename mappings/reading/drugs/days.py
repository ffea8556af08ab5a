"""On which other day words of a record say that its dose was given (R1).

Held by tests/scenarios/given_another_day.yaml.
"""

import re
from collections.abc import Iterable
from datetime import timedelta

from mappings import codes
from mappings.reading.drugs.texts import SENTENCE_OR_CRY, Written, cut, is_of_another_time
from mappings.values import words
from mappings.values.moment import Moment
from mappings.values.stated import Unread
from mappings.values.us_dates import MONTHS

_MONTHS = [month.lower() for month in MONTHS]
_DATE = re.compile(
    r"(?<![\d/.])(?P<month>1[0-2]|0?[1-9])/(?P<day>3[01]|[12]\d|0?[1-9])"
    r"(?P<year>/(?:20)?\d\d)?(?![\d/])"
    r"|\b20\d\d-(?P<iso>\d\d-\d\d)\b"
    r"|\b(?P<month_>1[0-2]|0?[1-9])-(?P<day_>3[01]|[12]\d|0?[1-9])-(?:20)?\d\d\b"
    rf"|\b(?P<name>{'|'.join(_MONTHS)})[a-z]*\.? (?P<of>3[01]|[12]\d|[1-9])\b(?:,? 20\d\d)?"
)
# A date is written as @1119; one that may be a count ("2/5") as ?0205.
_DAY = r"(?:@|[?](?!\d+ (?:mg|ml|cc|of|dose|infusion|treatment)))(?P<on>\d{4})(?!\d)"
_SURE = r"@(?P<sure>\d{4})(?!\d)"
_OWN = r"(?:(?:the|this|iron|dose|drug|infusion|med|medication|treatment|visit|was|actually) )*"
_GIVEN = rf"{_OWN}(?:given|administered|infused|performed)"
_LATE = (
    r"(?:late (?:entry|charting)|back ?-?(?:charted|charting|dated|entered)(?: entry)?|entry"
    r"|(?:entered|charted|documented)(?: late)?|charting|document(?:ing|ation)|recorded"
    r"|note(?: written)?)"
)
_WHAT = r"(?:admin(?:istration)?|infusion|service|treatment)"
_NAMED_DATE = (
    rf"(?:actual )?(?:dos|(?:{_WHAT} |dose )?date(?: (?:given|administered|infused|of {_WHAT}))?)"
)
_FORMS = (
    rf"{_GIVEN} (?:on {_DAY}|{_SURE})",
    rf"dose from {_DAY}",
    rf"{_NAMED_DATE}(?: was| is)?:? {_DAY}",
    rf"{_LATE}(?: (?:on )?[@?]\d{{4}})? for {_OWN}(?:(?:of|on|from) )?{_DAY}",
)
_SAYS = tuple(re.compile(rf"^(?:late entry\W+)?{form}") for form in _FORMS)
_YESTERDAY = re.compile(
    rf"^(?:{_LATE}:? (?:for |of )?)?"
    rf"(?:{_GIVEN} yesterday|yesterday['’]?s (?:dose|infusion|treatment))\b"
    rf"|^(?:this is (?:an? )?)?{_LATE}:? (?:for|from|of) yesterday\b"
)
# Several days.
_MORE = re.compile(r",? ?(?:and |& ?|to |- ?)?[@?]\d{4}")
_CLAUSE = re.compile(r",\s|\s[-–]\s|:\s")
_CHARTED_LATE = re.compile(rf"\b(?:{_LATE}|wrong date|late)\b")


def another_day(start: Moment | None, written: Iterable[Written]) -> str | None:
    """What says outright that the dose was given on a day, and that is not its own, nor, where that
    is written in UTC, the one before; quoted."""
    own = _own_days(start)
    for element, text in written if own else ():
        for sentence in SENTENCE_OR_CRY.split(text):
            if any(day not in own for day in _days_said(_dated(sentence))):
                return str(Unread(element, cut(sentence)))
    return None


def _own_days(start: Moment | None) -> set[str]:
    if start is None or start.partial:
        return set()
    days = (start.first, start.first - timedelta(days=1 if start.zulu else 0))
    return {f"{day:%m%d}" for day in days}


def _days_said(sentence: str) -> list[str]:
    """The days on which a sentence says that the dose was given; "another" for one that it does not
    name."""
    if is_of_another_time(sentence.replace("yesterday", "")):
        return []
    clauses = _CLAUSE.split(sentence)
    later = clauses[1:] if _CHARTED_LATE.search(sentence) else ()
    wrong = clauses[:1] if ":" in sentence else clauses
    if any(map(_YESTERDAY.search, (sentence, *later))) or any(
        words.is_one_of(clause, codes.products().not_given.wrong_date) for clause in wrong
    ):
        return ["another"]
    found = (form.search(part) for part in (sentence, *later) for form in _SAYS)
    return [
        one.groupdict().get("sure") or one["on"]
        for one in found
        if one and not _MORE.match(one.string, one.end())
    ]


def _dated(sentence: str) -> str:
    return " ".join(_DATE.sub(_token, sentence.lower()).split())


def _token(found: re.Match[str]) -> str:
    if found["iso"]:
        return "@" + found["iso"].replace("-", "")
    if found["name"]:
        return f"@{_MONTHS.index(found['name']) + 1:02}{int(found['of']):02}"
    month, day = int(found["month"] or found["month_"]), int(found["day"] or found["day_"])
    may_count = bool(found["month"]) and not found["year"] and month <= day <= 12
    return f"{'?' if may_count else '@'}{month:02}{day:02}"
