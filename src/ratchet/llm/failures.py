"""What went wrong at the model, in our own errors.

No body of an answer is repeated: it may quote the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic_ai import exceptions as theirs

from ratchet.domain.errors import Misconfigured, RatchetError, Refused, Transient

# The first class that fits decides, so that a narrower one stands before a wider one.
_MEANING: Final[Sequence[tuple[type[theirs.AgentRunError], type[RatchetError], str]]] = (
    (theirs.ModelQuotaExceededError, Refused, "has no quota left. Raise the limit at the provider."),
    (theirs.ModelRateLimitError, Transient, "asked to be called later."),
    (
        theirs.ModelAuthenticationError,
        Misconfigured,
        "refused the key. Check the key of its provider; docs/models.md.",
    ),
    (
        theirs.ModelNotFoundError,
        Misconfigured,
        "does not exist there. Check its name and its address; docs/models.md.",
    ),
    (theirs.ModelContextWindowExceededError, Refused, "cannot take a conversation of this length."),
    (theirs.ModelTimeoutError, Transient, "did not answer in time."),
    (theirs.ModelRequestTimeout, Transient, "did not answer in time."),
    (theirs.ModelConnectionError, Transient, "cannot be reached, or broke off its answer."),
    (theirs.ModelUnavailableError, Transient, "is not available."),
    (theirs.ModelServerError, Transient, "failed."),
    (theirs.UsageLimitExceeded, Refused, "came to no answer within the budget of the turn."),
)


def translated(error: theirs.AgentRunError, model: str, url: str) -> RatchetError:
    """The same failure, by the audience that must act."""
    where = f"The language model {model} at {url}"
    for kind, ours, message in _MEANING:
        if isinstance(error, kind):
            return _made(ours, f"{where} {message}", error)
    if isinstance(error, theirs.ModelHTTPError):
        ours = Transient if error.status_code in {408, 425, 429} or error.status_code >= 500 else Refused
        return _made(ours, f"{where} answered with status {error.status_code}.", error)
    return Refused(f"{where} gave no usable answer ({type(error).__name__}).")


def _made(kind: type[RatchetError], message: str, error: theirs.AgentRunError) -> RatchetError:
    if not issubclass(kind, Transient):
        return kind(message)
    retry_after = error.retry_after if isinstance(error, theirs.ModelAPIError) else None
    return kind(message, retry_after=retry_after)
