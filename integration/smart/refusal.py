"""Why nobody gets in: a plain page says it, and what the administrator must change.

Held by tests/contract/test_launch.py.
"""

from integration.errors import FerroclaimError


class Refusal(FerroclaimError):
    """`what` is for the person in front of it, `administrator` for whoever configures. Neither
    holds a secret or a patient. `quoted`: what another server said, for the page alone."""

    def __init__(
        self,
        title: str,
        what: str,
        administrator: str = "",
        status: int = 403,
        quoted: str = "",
    ) -> None:
        self.title, self.what, self.administrator, self.status = title, what, administrator, status
        self.quoted = readable(quoted)
        super().__init__(f"{what} {administrator}".strip())


def readable(text: str, most: int = 300) -> str:
    """Of a foreign text what can be printed, in one line."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[:most])
    return " ".join(shown.split())


NOBODY_YET = "Please sign in"


class SignInAgain(Refusal):
    """A session or token ended, or there was none; opening the app (again) helps."""

    def __init__(
        self,
        what: str = (
            "Your session has ended. Open the app again from the patient's chart, or sign in again."
        ),
        title: str = "Please sign in again",
    ) -> None:
        super().__init__(title, what, status=401)
