"""What every kind of test can use."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Small and always the same by default; FERROCLAIM_HYPOTHESIS=fuzz looks for what is not known yet
# (`make fuzz`).
_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile(
    "quick", max_examples=50, deadline=None, derandomize=True, suppress_health_check=_SLOW
)
settings.register_profile(
    "fuzz", max_examples=5000, deadline=None, print_blob=True, suppress_health_check=_SLOW
)
settings.load_profile(os.environ.get("FERROCLAIM_HYPOTHESIS", "quick"))

pytest_plugins = [
    "tests.plugins.command",
    "tests.plugins.hapi",
    "tests.plugins.pages",
    "tests.plugins.postgres",
    "tests.plugins.sampling",
    "tests.plugins.sekmet",
]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No command reads or writes the cache of who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
