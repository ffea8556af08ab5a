"""All scenarios of a file as one test, for `make mutation`: to name a thousand tests costs it more
than to run them."""

import pytest

from tests.scenarios import test_scenarios

FILES = test_scenarios.scenarios_by_file()


@pytest.mark.parametrize("stem", FILES)
def test_scenarios_of(stem: str) -> None:
    for scenario in FILES[stem]:
        test_scenarios.test_scenario(scenario)
