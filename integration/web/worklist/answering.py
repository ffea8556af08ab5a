"""Answers to claims that a person hands in: what they say, in a sentence.

Held by tests/contract/test_answers.py.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import IO

from fastapi import UploadFile

from integration.claims.answering.files import AnswerFile
from integration.claims.answering.reading import AnswersReport, Heard, read_answers
from integration.smart.sessions import Session
from integration.web.gate import PageContext
from integration.web.pages import actor
from integration.web.worklist.acting import RefusedLines, Results
from integration.wording import answers, words

PATH = "/worklist/answers"
MOST_BYTES = 50 * 2**20  # of the files of one time


def read(here: PageContext, session: Session, files: Sequence[UploadFile]) -> Results:
    given = [AnswerFile(name, partial(_opened, file)) for file in files if (name := file.filename)]
    if not given:
        return Results("Nothing was read: choose the files that came back.")
    report = read_answers(here.store, sorted(here.settings.sites), given, actor(session))
    problems = [f"{one.problem} ({one.resource})" for one in report.problems]
    late = [_late(heard) for heard in report.heard if not heard.kept.fits]
    return Results(
        _done(report),
        tuple(map(RefusedLines, [*problems, *late])),
        beside=tuple(
            answers.payment(one.payment) for one in report.payments if one.payment.adjustments
        ),
    )


def _opened(file: UploadFile) -> IO[bytes]:
    return file.file


def _late(heard: Heard) -> str:
    number, state = heard.claim.number, words.status(heard.kept.state)
    said = answers.SAYS[heard.answer.says]
    return f"claim {number} stands as {state}: that it was {said} changed nothing"


def _done(report: AnswersReport) -> str:
    """`Answers to our claims: 2 paid, 1 denied. 40 were to claims of others.`"""
    new = Counter(one.answer.says for one in report.heard if one.kept.is_new)
    again = sum(not one.kept.is_new for one in report.heard)
    parts = [f"{count} {answers.SAYS[says]}" for says, count in new.items()]
    parts += [f"{again} read before"] if again else []
    ours = f"Answers to our claims: {', '.join(parts)}." if parts else "No answer to our claims."
    others = sum(report.others.values())
    return f"{ours} {others} to claims of others." if others else ours
