"""A service for tests: a fake EHR before it, a database of its own behind it, and its queue worked
off on demand."""

from datetime import UTC, datetime
from typing import Any

import procrastinate
from starlette.testclient import TestClient

from integration.configuration.service import HOOK_HEADER
from integration.configuration.settings import Settings
from integration.serving import tasks
from integration.serving.app import create_app
from integration.serving.tasks import register
from integration.store import Store, patients
from tests.fakes.ehr import FakeEhr
from tests.notifications import Json, encoded

NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)
SECRET = "open-sesame-please"
FHIR_JSON = "application/fhir+json"


class Running:
    """Site `general` with the hook `lab`. Nothing happens by itself: `work` does what is queued."""

    def __init__(
        self, fake: FakeEhr, store: Store, site: dict[str, Any] | None = None, **settings: Any
    ) -> None:
        self.fake, self.store = fake, store
        self.settings = Settings.model_validate(
            {
                "sites": {"general": site_of(fake, **(site or {}))},
                "service": {
                    "settle_seconds": 0,
                    "port": 0,
                    "hooks_url": "http://127.0.0.1:1",
                    **settings.pop("service", {}),
                },
                **settings,
            }
        )
        self.engine = tasks.engine(self.settings, store)
        self.engine.clock = lambda: NOW
        self.web = TestClient(create_app(self.settings, store))

    @property
    def site(self) -> str:
        return "general"

    def notify(
        self,
        body: Json | bytes = b"",
        path: str = "",
        method: str = "POST",
        hook: str = "lab",
        **headers: str,
    ) -> int:
        """The status of the answer."""
        given = {
            HOOK_HEADER: SECRET,
            "Content-Type": FHIR_JSON,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        raw = body if isinstance(body, bytes) else encoded(body)
        answer = self.web.request(
            method, f"/hooks/general/{hook}{path}", content=raw, headers=given
        )
        return answer.status_code

    def assess(self, patient: str = "p1", cause: str = "notification") -> None:
        with self.store.transaction() as db:
            self.engine.queue.assess(db, patients.known(db, self.site, patient), cause)

    def queued(self) -> list[str]:
        """The keys of the jobs that wait."""
        return [
            row[0]
            for row in self.rows(
                "select lock from procrastinate_jobs where status = 'todo' order by id"
            )
        ]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.store.transaction() as db:
            return db.execute(query.encode(), values).fetchall()

    def work(self, concurrency: int = 1, rounds: int = 1) -> int:
        """Does what is queued, however far in the future it is scheduled; how many jobs there
        were."""
        done = 0
        for _ in range(rounds):
            found = self.rows(
                "update procrastinate_jobs set scheduled_at = null where status = 'todo'"
                " returning id"
            )
            if not found:
                break
            done += len(found)
            app = procrastinate.App(
                connector=procrastinate.PsycopgConnector(
                    conninfo=self.store.url, max_size=concurrency + 3
                )
            )
            register(app, self.engine, periodic=False)
            app.run_worker(
                wait=False,
                concurrency=concurrency,
                listen_notify=False,
                install_signal_handlers=False,
                delete_jobs="successful",
            )
        return done

    def outcomes(self) -> list[str]:
        return [row[0] for row in self.rows("select outcome from notifications order by id")]

    def failures(self) -> list[tuple[Any, ...]]:
        return self.rows("select task, error, attempts from failures order by id")

    def close(self) -> None:
        self.engine.clients.close()
        self.web.close()


def site_of(fake: FakeEhr, **site: Any) -> dict[str, Any]:
    return {
        "base_url": fake.base_url,
        "vendor": fake.mode_name,
        "time_zone": "America/New_York",
        "hooks": {"lab": {"secret": SECRET, "counts_events": True}},
        "limits": {"retries": 0, "connect_timeout_seconds": 2, "read_timeout_seconds": 5},
        **site,
    }
