"""Cards that were shown in order dialogs, what became of them, and what they left to the billing
office.

Held by tests/contract/test_cds.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from integration.store.database.connection import Db

_BETWEEN = " "


@dataclass(frozen=True)
class ShownCard:
    id: UUID
    requirements: tuple[str, ...]
    summary: str


@dataclass(frozen=True)
class Feedback:
    """What became of a card; told again, the last word counts."""

    card: UUID
    outcome: str
    reason: str | None
    comment: str | None


@dataclass(frozen=True)
class OrderQuestion:
    """Whether a plan requires an authorization for a drug, and for how many patients that was
    ordered."""

    site: str
    policy: str
    drug: str
    patients: int


def remember(db: Db, site: str, hook: str, patient: str, shown: Iterable[ShownCard]) -> None:
    with db.cursor() as cursor:
        cursor.executemany(
            "insert into cds_cards (id, site, hook, patient, requirement, summary) values (%s, %s,"
            " %s, %s, %s, %s)",
            [
                (card.id, site, hook, patient, _BETWEEN.join(card.requirements), card.summary)
                for card in shown
            ],
        )


def answered(db: Db, sites: Sequence[str], feedback: Feedback) -> None:
    """A card of these sites; what is not ours is passed over."""
    db.execute(
        "update cds_cards set outcome = %s, reason = %s, comment = %s, answered_at = now()"
        " where id = %s and site = any(%s)",
        [feedback.outcome, feedback.reason, feedback.comment, feedback.card, list(sites)],
    )


def overridden(db: Db, site: str, patient: str, days: int) -> frozenset[str]:
    """The requirements of the patient's cards that were overridden within so many days."""
    rows = db.execute(
        "select requirement from cds_cards where site = %s and patient = %s and outcome ="
        " 'overridden' and answered_at > now() - make_interval(days => %s)",
        [site, patient, days],
    )
    return frozenset(name for (said,) in rows for name in said.split(_BETWEEN))


def ask(db: Db, site: str, patient: str, unanswered: Iterable[tuple[str, str]]) -> None:
    """What an order of the patient leaves open: policy and drug."""
    with db.cursor() as cursor:
        cursor.executemany(
            "insert into order_questions (site, patient, policy, drug) values (%s, %s, %s, %s) on"
            " conflict (site, patient, policy, drug) do update set asked_at = now()",
            [(site, patient, policy, drug) for policy, drug in unanswered],
        )


def questions(db: Db, sites: Sequence[str]) -> list[OrderQuestion]:
    """Of these sites, those of most patients first."""
    with db.cursor(row_factory=class_row(OrderQuestion)) as rows:
        return rows.execute(
            "select site, policy, drug, count(*) as patients from order_questions"
            " where site = any(%s) group by 1, 2, 3 order by 4 desc, 1, 2, 3",
            [list(sites)],
        ).fetchall()
