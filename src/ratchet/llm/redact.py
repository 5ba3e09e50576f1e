"""Takes secrets out of text before it reaches a model, a trace or a log.

Fails closed: text that cannot be checked raises `RedactionFailed` and so does not leave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ratchet.domain.errors import Refused
from ratchet.llm import (
    redact_blocks,
    redact_context,
    redact_keys,
    redact_named,
    redact_shell,
    redact_tokens,
    redact_web,
)
from ratchet.llm.redact_base import MARKS, Plan, Rule, from_marks, linear_pattern, to_marks
from ratchet.llm.redact_named import named_secret
from ratchet.llm.redact_names import kind_of
from ratchet.llm.redact_own import read_patterns

Redactor = Callable[[str], str]

MAX_CHARS: Final = 2_000_000
MAX_DEPTH: Final = 60
_PLAIN_TYPES: Final = (str, int, float, type(None))
_ROUNDS: Final = 12

# What is known by its own shape first, then structures, then what only its surroundings give away.
_PLANS: Final = (
    Plan(redact_tokens.RULES),
    Plan(redact_tokens.PLAIN_RULES, redact_tokens.PLAIN_GATE),
    Plan((*redact_keys.RULES, redact_blocks.KUBERNETES)),
    Plan(redact_web.RULES),
    Plan(redact_shell.RULES),
    Plan((*redact_blocks.RULES, *redact_context.PAIRS)),
    Plan(redact_named.RULES),
    Plan(redact_context.RULES),
)
# Most texts hold none of it.
_ANYTHING: Final = linear_pattern("|".join(f"(?:{plan.gate})" for plan in _PLANS))
# The operator's, put in once at start. Here, so that no caller of `redact` can leave them out.
_OWN: Final[list[Rule]] = []


class RedactionFailed(Refused):
    """The text could not be checked for secrets, so it was not used."""


def use_patterns(path: Path | None) -> None:
    """From now on the file's patterns count too, None for none. Raises Misconfigured with every error."""
    _OWN[:] = read_patterns(path) if path else []


def redact(text: str) -> str:
    """The text with each secret replaced by `[redacted: kind]`. Raises `RedactionFailed`."""
    if not isinstance(text, str):
        raise RedactionFailed(f"Only text can be checked for secrets, not {type(text).__name__}.")
    if len(text) > MAX_CHARS:
        raise RedactionFailed(f"A text of {len(text)} characters is too long to be checked for secrets.")
    try:
        return _redacted(text)
    except RedactionFailed:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it was, unchecked text does not leave
        # Nor does the error's own text, which may quote it.
        raise RedactionFailed(f"A text could not be checked for secrets: {type(error).__name__}.") from None


def _redacted(text: str) -> str:
    marked = to_marks(text)
    for _ in range(_ROUNDS):
        before, marked = marked, _once(marked)
        if marked == before:
            return from_marks(marked)
    raise RedactionFailed("A text does not come to rest when its secrets are taken out.")


def _once(text: str) -> str:
    if _ANYTHING.search(text) is not None:
        text = _planned(text)
    for own in _OWN:
        text = own.apply(text)
    return text


def _planned(text: str) -> str:
    for plan in _PLANS:
        text = plan.run(text)
    return text


def redact_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """What is logged, without secrets. Never raises: an event that cannot be checked is withheld."""
    try:
        if _is_clean(event):
            return dict(event)
        redacted = redact_values(_plain(event), redact)
    except (RedactionFailed, RecursionError) as error:
        kept = {key: event[key] for key in ("level", "timestamp") if key in event}
        return {**kept, "event": "log event withheld", "reason": type(error).__name__}
    return redacted if isinstance(redacted, dict) else {}


def _is_clean(event: Mapping[str, Any]) -> bool:
    """Whether one look at all of it is enough, as it is for nearly every event."""
    if any(not isinstance(value, _PLAIN_TYPES) or kind_of(str(key)) for key, value in event.items()):
        return False
    text = "\n\n".join([*map(str, event), *(value for value in event.values() if isinstance(value, str))])
    return len(text) < MAX_CHARS and redact(text) == text


def _plain(value: Any) -> Any:
    """Everything a log would print by its repr, printed now, so that it is checked too."""
    if isinstance(value, _PLAIN_TYPES):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return repr(value)


def redact_values(value: Any, redactor: Redactor, depth: int = 0) -> Any:
    """The same JSON value with every string redacted, the keys of objects included.

    What stands under the name of a secret goes, as `{"password": …}`. Raises `RedactionFailed`.
    """
    if depth > MAX_DEPTH:
        raise RedactionFailed(f"A value nested deeper than {MAX_DEPTH} cannot be checked for secrets.")
    if isinstance(value, str):
        return redactor(value)
    if isinstance(value, Mapping):
        return {
            redactor(str(key)): _under(str(key), item, redactor, depth + 1) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact_values(item, redactor, depth + 1) for item in value]
    return value


def _under(key: str, value: Any, redactor: Redactor, depth: int) -> Any:
    redacted = redact_values(value, redactor, depth)
    if isinstance(value, str) and redacted == value and (char := named_secret(key, value)):
        return from_marks(char)
    return redacted


def kinds() -> list[str]:
    """Every kind a placeholder may name."""
    return sorted(MARKS)
