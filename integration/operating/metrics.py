"""What Prometheus is told: counts of this process, and the state of the database at the moment of
asking.

Held by tests/contract/test_operating.py.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from integration.ehr.transport.http import Observer
from integration.errors import ConfigurationError
from integration.store import Store, StoreUnavailable

REGISTRY = CollectorRegistry()

notifications = Counter(
    "ferroclaim_notifications",
    "Notifications taken.",
    ["site", "shape", "outcome"],
    registry=REGISTRY,
)
refused = Counter(
    "ferroclaim_notifications_refused", "Notifications refused.", ["reason"], registry=REGISTRY
)
requests_refused = Counter(
    "ferroclaim_requests_refused",
    "Requests of any kind that were answered with 4xx or 503, or not let in.",
    ["reason"],
    registry=REGISTRY,
)
missed = Counter(
    "ferroclaim_events_missed", "Event numbers that never came.", ["site"], registry=REGISTRY
)
assessments = Counter(
    "ferroclaim_assessments", "Patients assessed.", ["site", "result"], registry=REGISTRY
)
assessing = Histogram(
    "ferroclaim_assessment_seconds", "From reading to written back.", ["site"], registry=REGISTRY
)
written = Counter(
    "ferroclaim_write_backs",
    "Gaps written into charts, by what became of them.",
    ["site", "result"],
    registry=REGISTRY,
)
failures = Counter(
    "ferroclaim_failures",
    "Tries that failed, by what is done about it.",
    ["site", "error", "then"],
    registry=REGISTRY,
)
ehr_requests = Histogram(
    "ferroclaim_ehr_request_seconds",
    "Requests to EHRs.",
    ["site", "method", "status"],
    registry=REGISTRY,
)


def observer(site: str) -> Observer:
    """For a site's client. Statuses are told by class: 2xx."""

    def observe(method: str, status: int, seconds: float) -> None:
        ehr_requests.labels(site, method, f"{status // 100}xx").observe(seconds)

    return observe


class StoreCollector(Collector):
    """Gauges out of the database; all processes of an installation tell the same."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterable[Metric]:
        try:
            gauges = list(self._gauges())
        except StoreUnavailable:
            gauges = []
        up = "Whether the database answers."
        yield GaugeMetricFamily("ferroclaim_database_up", up, 1 if gauges else 0)
        yield from gauges

    def _gauges(self) -> Iterator[Metric]:
        with self._store.transaction() as db:
            for name, (says, labels, query) in _GAUGES.items():
                family = GaugeMetricFamily(name, says, labels=labels)
                for *values, number in db.execute(query.encode()):
                    family.add_metric([str(value) for value in values], float(number or 0))
                yield family


_OPEN = "from procrastinate_jobs where status in ('todo', 'doing')"
_GAUGES: dict[str, tuple[str, list[str], str]] = {
    "ferroclaim_queue_jobs": (
        "Jobs waiting or at work.",
        ["task", "status"],
        f"select task_name, status, count(*) {_OPEN} group by 1, 2",
    ),
    "ferroclaim_queue_oldest_seconds": (
        "Age of the oldest job that is due.",
        [],
        """select coalesce(max(extract(epoch from now() - greatest(e.at, coalesce(j.scheduled_at,
            e.at)))), 0)
            from procrastinate_jobs j join procrastinate_events e on e.job_id = j.id
                and e.type = 'deferred'
            where j.status = 'todo' and coalesce(j.scheduled_at, now()) <= now()""",
    ),
    "ferroclaim_failed_work": (
        "Work that needs a person.",
        ["site", "task"],
        "select site, task, count(*) from failures group by 1, 2",
    ),
    "ferroclaim_gaps": (
        "Open gaps.",
        ["site", "requirement", "blocking"],
        """select p.site, g.requirement, g.blocking::text, count(*) from gaps g
            join patients p on p.id = g.patient_id
            where g.closed_at is null group by 1, 2, 3""",
    ),
    "ferroclaim_lines": (
        "Claim lines on record.",
        ["site", "status"],
        (
            "select p.site, l.status, count(*) from lines l join patients p on p.id = l.patient_id"
            " where l.gone_at is null group by 1, 2"
        ),
    ),
    "ferroclaim_line_value_dollars": (
        "Sum of their payment limits.",
        ["site", "status"],
        (
            "select p.site, l.status, sum(l.value) from lines l join patients p on p.id ="
            " l.patient_id where l.gone_at is null group by 1, 2"
        ),
    ),
    "ferroclaim_write_backs_owed": (
        "Gaps not yet confirmed by the EHR.",
        ["site", "state"],
        "select site, state, count(*) from write_backs where state <> 'confirmed' group by 1, 2",
    ),
    "ferroclaim_site_in_trouble": (
        "1: cannot be reached, or does not let us in.",
        ["site"],
        "select site, case when failures > 0 then 1 else 0 end from site_state",
    ),
    "ferroclaim_subscriptions": (
        "Subscriptions by status.",
        ["site", "status"],
        "select site, status, count(*) from subscriptions group by 1, 2",
    ),
    "ferroclaim_sweep_age_seconds": (
        "Since what moment changes are not yet looked for.",
        ["site"],
        "select site, extract(epoch from now() - min(position)) from sweeps group by 1",
    ),
}


@contextmanager
def served(store: Store, port: int | None) -> Iterator[None]:
    """Meanwhile on 127.0.0.1, on a port of its own, so that nobody outside reads it by way of the
    pages; nothing without PORT. ConfigurationError where it is taken."""
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, "127.0.0.1", REGISTRY)
    except OSError as error:
        raise ConfigurationError(
            f"Port {port} of 127.0.0.1 cannot be had for metrics: {error.strerror}. Set"
            " service.metrics_port, or FERROCLAIM_SERVICE__METRICS_PORT for one of several"
            " processes."
        ) from None
    collector = StoreCollector(store)
    REGISTRY.register(collector)
    try:
        yield
    finally:
        REGISTRY.unregister(collector)
        server.shutdown()
        server.server_close()
        thread.join()
