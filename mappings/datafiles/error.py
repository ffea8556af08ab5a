"""What a data file is refused with.

Held by tests/unit/test_policy_files.py.
"""


class DataFileError(ValueError):
    """A data file does not say what it must; the message names file, line and the fix. `every`: all
    that was found."""

    def __init__(self, *every: str) -> None:
        super().__init__(every[0])
        self.every = every
