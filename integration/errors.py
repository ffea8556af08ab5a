"""What can go wrong outside, ordered by what the caller can do about it.

FerroclaimError
├── ConfigurationError    change the configuration, then start again
│   └── OnlyPeopleRead    nothing is asked of this site without a person's token
└── EhrError              an EHR did not do what was asked
    ├── Unreachable       retry later (network, timeout, 408, 429, 5xx)
    │   ├── NotConnected      nothing was sent
    │   ├── BrokenOff         a read's answer ended in its middle: read it again
    │   └── OutcomeUnknown    a write may or may not have happened: search before writing again
    ├── Unauthorized      sign in again, or fix the client's registration (401, token endpoint)
    ├── Forbidden         the integrator asks for more rights (403; 401 of one type alone)
    ├── NotFound          it is not there (404, 410)
    ├── Conflict          somebody else wrote first: read, merge, write again (409, 412)
    ├── Refused           this server does not do that (400, 405, 406, 415, 422)
    └── BadAnswer         the answer is not FHIR, too large or endless
        └── LeadsElsewhere    it goes on at an address that is not followed: what came, came

A message names the site and the fix, never a patient or what a server wrote about one.

Held by tests/unit/test_retries.py.
"""


class FerroclaimError(Exception):
    """One sentence for the person who reads it."""

    retryable = False


class ConfigurationError(FerroclaimError):
    """The configuration must change."""


class OnlyPeopleRead(ConfigurationError):
    """The service has no access of its own there."""

    def __init__(self, site: str) -> None:
        super().__init__(
            f"Only people may read site {site}: it has an [app] and no [auth], so each chart is"
            " read when somebody opens it. Give the service an access of its own in"
            f' [sites.{site}.auth], or write method = "none" there if the server is open.'
        )


class EhrError(FerroclaimError):
    """An EHR did not do what was asked. `own_words`: what the server wrote of it, which may name a
    patient: for the person whose entry it refused, never for a log. `wait_seconds`: how long it
    asked to be left alone."""

    own_words = ""
    wait_seconds = 0.0

    def __init__(self, site: str, problem: str, fix: str = "", status: int | None = None) -> None:
        self.site, self.problem, self.fix, self.status = site, problem, fix, status
        sentence = f"Site {site}: {problem.rstrip('.')}."
        super().__init__(f"{sentence} {fix.rstrip('.')}." if fix else sentence)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.site, self.problem, self.fix, self.status)


class Unreachable(EhrError):
    """The site cannot be reached now; trying later may help."""

    retryable = True


class NotConnected(Unreachable):
    """No connection was made, so nothing was sent."""


class BrokenOff(Unreachable):
    """The connection ended in the middle of an answer to a read."""


class OutcomeUnknown(Unreachable):
    """A write was sent and its answer never came."""


class Unauthorized(EhrError):
    """The site does not accept our authorization."""


class Forbidden(EhrError):
    """The site knows us, and says no."""


class NotFound(EhrError):
    """The site has no such resource."""


class Conflict(EhrError):
    """The resource changed since it was read."""


class Refused(EhrError):
    """The site does not take this request, however often it is sent."""


class BadAnswer(EhrError):
    """The site's answer cannot be used."""


class LeadsElsewhere(BadAnswer):
    """The answer goes on at an address that is not followed."""


def said(error: BaseException) -> str:
    """For a log: our own sentence; of an error that is not ours its class alone, since its words
    may name a patient."""
    return str(error) if isinstance(error, FerroclaimError) else type(error).__name__
