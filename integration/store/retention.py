"""How long things are kept.

Held by tests/contract/test_store.py.
"""

from integration.configuration.service import Retention
from integration.store.database.connection import Db

RULES = {
    "notifications": (
        "delete from notifications where received_at < now() - make_interval(days => %s)"
    ),
    "assessments": (
        "delete from assessments where not current and confirmed_at < now() - make_interval(days"
        " => %s)"
    ),
    "gaps": "delete from gaps where closed_at < now() - make_interval(days => %s)",
    "cards": "delete from cds_cards where shown_at < now() - make_interval(days => %s)",
    "questions": ("delete from order_questions where asked_at < now() - make_interval(days => %s)"),
    "sessions": "delete from web_session where ends < now() - make_interval(days => %s)",
    "audit": "delete from audit where at < now() - make_interval(days => %s)",
}


def forget_the_old(db: Db, retention: Retention) -> dict[str, int]:
    """Deletes what is older than its time; how many rows of each."""
    days = {
        "notifications": retention.notifications,
        "assessments": retention.history,
        "gaps": retention.history,
        "cards": retention.history,
        "questions": retention.notifications,
        "sessions": 0,
        "audit": retention.audit,
    }
    return {name: db.execute(rule, [days[name]]).rowcount for name, rule in RULES.items()}
