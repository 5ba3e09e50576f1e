"""What went wrong at the model, in our own errors. No body of an answer is repeated: it may quote the prompt."""

from __future__ import annotations

from pydantic_ai import exceptions as theirs

from ratchet.domain.errors import Misconfigured, RatchetError, Refused, Transient


def translated(error: theirs.AgentRunError, model: str, url: str) -> RatchetError:
    """The same failure, by the audience that must act."""
    where = f"The language model {model} at {url}"
    match error:
        case theirs.ModelQuotaExceededError():
            return Refused(f"{where} has no quota left. Raise the limit at the provider.")
        case theirs.ModelRateLimitError():
            return Transient(f"{where} asked to be called later.", retry_after=_retry_after(error))
        case theirs.ModelAuthenticationError():
            return Misconfigured(f"{where} did not accept the key. Check RATCHET_OPENAI_API_KEY.")
        case theirs.ModelNotFoundError():
            return Misconfigured(f"{where} does not exist. Check RATCHET_OPENAI_MODEL and RATCHET_OPENAI_URL.")
        case theirs.ModelContextWindowExceededError():
            return Refused(f"{where} cannot take a conversation of this length.")
        case theirs.ModelTimeoutError() | theirs.ModelRequestTimeout():
            return Transient(f"{where} did not answer in time.")
        case theirs.ModelConnectionError():
            return Transient(f"{where} cannot be reached, or broke off its answer.")
        case theirs.ModelUnavailableError() | theirs.ModelServerError():
            return Transient(f"{where} failed.", retry_after=_retry_after(error))
        case theirs.ModelHTTPError() if error.status_code == 429:
            return Transient(f"{where} asked to be called later.", retry_after=_retry_after(error))
        case theirs.ModelHTTPError() if error.status_code >= 500:
            return Transient(f"{where} failed with status {error.status_code}.", retry_after=_retry_after(error))
        case theirs.ModelHTTPError():
            return Refused(f"{where} refused the request with status {error.status_code}.")
        case theirs.UsageLimitExceeded():
            return Refused(f"{where} came to no answer within the budget of the turn.")
        case _:
            return Refused(f"{where} gave no usable answer ({type(error).__name__}).")


def _retry_after(error: theirs.ModelAPIError) -> float | None:
    return error.retry_after
