"""All that files of answers say, whoever wrote the claims: nothing is looked up, and nothing kept.

Held by tests/contract/test_answers.py.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from integration.claims.answering.files import AnswerFile, said
from integration.claims.answering.telling import unbalanced
from mappings.record import Problem
from mappings.writing.answers.answer import BatchAnswer, ClaimAnswer, RemittedPayment
from mappings.writing.answers.file import answers as answers_in


@dataclass(frozen=True)
class ListedAnswer:
    file: str
    answer: ClaimAnswer | BatchAnswer | RemittedPayment


@dataclass
class FileListing:
    """What could not be read, or does not balance, is in `problems` once all was listed."""

    problems: list[Problem] = field(default_factory=list)

    def of(self, files: Iterable[AnswerFile]) -> Iterator[ListedAnswer]:
        for file in files:
            for one in said(file, answers_in, "holds no answer"):
                if isinstance(one, Problem):
                    self.problems.append(one)
                    continue
                if isinstance(one, RemittedPayment):
                    self.problems += unbalanced(one, file.name)
                yield ListedAnswer(file.name, one)
