"""What is said of requests for prior authorization.

Held by tests/contract/test_prior_auth.py.
"""

from mappings.authorizing.request import AuthorizationRequest

NOTHING = "No order and no dose here waits for a prior authorization."


def why_none(request: AuthorizationRequest) -> str:
    """Why an order needs no request."""
    decides = request.decides
    said = decides.says if decides and decides.state == "met" else None
    return said or f"the payer asks for no authorization. {' '.join(request.notes)}".strip()
