"""What a data file is refused with.

Held by tests/unit/test_policy_files.py.
"""


class DataFileError(ValueError):
    """A data file does not say what it must; the message names file, line and the fix. `every`: all
    that was found, of which the message says the first and how many more there are."""

    def __init__(self, *every: str) -> None:
        more = len(every) - 1
        super().__init__(f"{every[0]} (and {more} more)" if more else every[0])
        self.every = every
