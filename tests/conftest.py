"""What every kind of test can use."""

pytest_plugins = ["tests.plugins.hapi", "tests.plugins.pages", "tests.plugins.postgres", "tests.plugins.sekmet"]
