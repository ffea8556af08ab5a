"""Fixtures for the pages: one embedded PostgreSQL for all of them, and a service with a fake EHR
before it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from integration.assessing import clients
from integration.configuration.settings import Settings
from integration.serving.app import create_app
from integration.store import Store
from tests.fakes.browser import PUBLIC_URL, Browser
from tests.fakes.ehr import FakeEhr
from tests.fakes.launcher import FakeLauncher

Open = Callable[..., "Clinic"]


@pytest.fixture(scope="session")
def pages_store() -> Iterator[Store]:
    """Not under pytest's own folder: PostgreSQL runs as another user than root, and each pytest run
    closes that folder again."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with Store.open(Settings(data_dir=Path(folder))) as store:
            yield store
        assert store.embedded is not None
        store.embedded.leave()


class Clinic:
    """A hospital with one EHR (site `general`), and our service."""

    def __init__(
        self,
        server: HTTPServer,
        store: Store,
        settings: dict[str, Any],
        site: dict[str, Any],
        app: dict[str, Any],
    ) -> None:
        self.server, self.store = server, store
        self.launcher = FakeLauncher(server, redirect_uri=f"{PUBLIC_URL}/callback/general")
        self.ehr = FakeEhr(server, "hapi", authorization=self.launcher)  # type: ignore[arg-type]
        section = {
            "base_url": self.ehr.base_url,
            "vendor": "hapi",
            "time_zone": "America/New_York",
            **site,
        }
        self.settings = Settings.model_validate(
            {
                "web": {"public_url": PUBLIC_URL, **settings.pop("web", {})},
                "sites": {
                    "general": {**section, "app": {"client_id": self.launcher.client_id, **app}}
                },
                **settings,
            }
        )
        self.app = create_app(self.settings, store)

    def browser(self) -> Browser:
        return Browser(self.app)

    def launch_path(self, iss: str | None = None, **context: Any) -> str:
        return (
            f"/launch?iss={iss or self.ehr.base_url}&launch={self.launcher.new_launch(**context)}"
        )


@pytest.fixture(scope="session")
def pages_server() -> Iterator[HTTPServer]:
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def clinic(pages_store: Store, pages_server: HTTPServer, tmp_path: Any) -> Open:
    """Makes a `Clinic`; keywords: `web`, `site` and `app` settings."""
    clients.forget()
    pages_server.clear()

    def make(
        web: dict[str, Any] | None = None, site: dict[str, Any] | None = None, **app: Any
    ) -> Clinic:
        return Clinic(
            pages_server, pages_store, {"data_dir": tmp_path, "web": web or {}}, site or {}, app
        )

    return make
