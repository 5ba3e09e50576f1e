"""Which failure means what for the next model, and for how long the failing one is left alone."""

from __future__ import annotations

import pytest
from pydantic_ai import exceptions as theirs

from ratchet.domain.errors import Misconfigured, RatchetError, Refused, Transient
from ratchet.llm.fallback import (
    LONG_REST_S,
    LONGEST_REST_S,
    REST_S,
    about_content,
    about_tools,
    rest_s,
    together,
)

REJECTED = theirs.ModelRequestRejectedError


def http(status: int, message: str, code: str | None = None) -> theirs.ModelHTTPError:
    body = {"message": message, "code": code}
    return theirs.ModelHTTPError.for_category(
        REJECTED, status_code=status, model_name="m", body=body, provider_error_code=code
    )


@pytest.mark.parametrize(
    "said",
    [
        "registry.ollama.ai/library/gemma:2b does not support tools",
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        "tools param requires --jinja flag",
        "No endpoints found that support tool use. Try disabling one.",
        "tool calling is not supported with this model",
        "Function calling is not enabled for this model",
        "deepseek-reasoner does not support Function Calling",
        "This model doesn't support tool use.",
        "'tools' is not supported with this model.",
        "Unsupported parameter: 'tools'",
    ],
)
def test_servers_say_in_many_words_that_a_model_has_no_tools(said: str) -> None:
    assert about_tools(http(400, said))
    assert not about_tools(http(401, said))


@pytest.mark.parametrize(
    "said",
    [
        "max_tokens is not supported with this model",
        'error parsing tool call: raw=\'{"query": "who does support this"}\'',
        "Invalid schema for function 'search': 'x' is not permitted",
        "messages with role 'tool' must be a response to a preceding message with 'tool_calls'",
        "",
    ],
)
def test_other_complaints_do_not_take_the_tools_away(said: str) -> None:
    assert not about_tools(http(400, said))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (http(400, "The response was filtered", "content_filter"), True),
        (http(400, "violates our content policy"), True),
        (http(400, "input was flagged"), True),
        (theirs.ContentFilterError("filtered"), True),
        (http(400, "max_tokens is too large"), False),
        (theirs.ModelHTTPError(500, "m", {"message": "content filter crashed"}), False),
    ],
)
def test_a_refusal_for_content_is_told_from_other_refusals(error: BaseException, expected: bool) -> None:
    assert about_content(error) is expected


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (theirs.ModelServerError("m", "500"), REST_S),
        (theirs.ModelTimeoutError("m", "late"), REST_S),
        (theirs.ModelRateLimitError("m", "429", retry_after=7), REST_S),
        (theirs.ModelRateLimitError("m", "429", retry_after=200), 200),
        (theirs.ModelRateLimitError("m", "429", retry_after=10**9), LONGEST_REST_S),
        (theirs.UnexpectedModelBehavior("html"), REST_S),
        (theirs.ModelAuthenticationError("m", "401"), LONG_REST_S),
        (theirs.ModelNotFoundError("m", "404"), LONG_REST_S),
        (theirs.ModelQuotaExceededError("m", "402"), LONG_REST_S),
        (theirs.UserError("no key"), LONG_REST_S),
        (theirs.ModelContextWindowExceededError("m", "too long"), 0),
        (http(400, "temperature is too high"), 0),
    ],
)
def test_a_model_rests_for_what_is_its_own_fault(
    error: theirs.AgentRunError | theirs.UserError, seconds: float
) -> None:
    assert rest_s(error) == seconds


@pytest.mark.parametrize(
    ("errors", "kind", "retry_after"),
    [
        (
            [Misconfigured("key"), Transient("later", retry_after=9), Transient("soon", retry_after=4)],
            Transient,
            4,
        ),
        ([Transient("down"), Refused("no")], Transient, None),
        ([Misconfigured("key"), Refused("no")], Misconfigured, None),
        ([Refused("no"), Misconfigured("key")], Refused, None),
        ([], Refused, None),
    ],
)
def test_all_failures_together_are_the_one_worth_most(
    errors: list[RatchetError], kind: type[RatchetError], retry_after: float | None
) -> None:
    found = together(errors)
    assert type(found) is kind
    assert getattr(found, "retry_after", None) == retry_after
    assert all(str(error) in str(found) for error in errors)
