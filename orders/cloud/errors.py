"""What can go wrong before a purchase is sent, or while looking something up.

    CloudError
      x NotSent               preparing a request failed: provably nothing was sent
        - CredentialsRefused  credentials are missing, or the cloud does not accept them: a person must act
        - IamUnavailable      no token could be had this time: try again later
        - BadEndpoint         an address or id we were configured with cannot be used: a person must act
      x LookupFailed          a look-up gave no usable answer, which is not a negative answer

Trouble on the way of a purchase itself is never an exception; it is evidence in an `Exchange`.
Messages are fixed sentences: they never carry an address with user info, a header or a body.
"""

from __future__ import annotations


class CloudError(Exception):
    """Anything this package raises on purpose."""

    def __init__(self, message: str, *, status: int | None = None, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code


class NotSent(CloudError):
    """Preparing a request failed; not one byte of it left."""


class CredentialsRefused(NotSent):
    """Credentials are missing, or IAM answered that it does not accept them."""


class IamUnavailable(NotSent):
    """IAM could not be asked, or its answer could not be used."""


class BadEndpoint(NotSent):
    """An origin, a path or a configured id cannot be used."""


class LookupFailed(CloudError):
    """The cloud was asked and gave no answer that can be used as yes or no."""
