"""What a channel monitor's model may answer: a JSON Schema, and the JSON in what it said. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from jsonschema import validators
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from ratchet.llm.redact_base import PatternError, linear_pattern

MAX_ANSWER: Final = 100_000  # characters
MAX_SCHEMA: Final = 50_000  # characters, as JSON
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_SHOWN: Final = 300
# Of each kind of JSON one, to see whether a part of a schema can be used at all.
PROBES: Final[tuple[Any, ...]] = ({}, [], "", 0, None)
UNKNOWN: Final[Any] = None


class BadSchema(ValueError):
    """A schema that is none, or that would need more than itself; the text says where."""


class BadAnswer(ValueError):
    """What a model said is not the JSON that was asked for; the text says why, for it to do better."""


@dataclass(frozen=True, slots=True)
class Schema:
    """`source` is the schema as JSON values."""

    source: Mapping[str, Any]
    validator: Validator

    @property
    def text(self) -> str:
        return json.dumps(self.source, ensure_ascii=False, indent=1)

    def check(self, value: Any) -> None:
        """Raises BadAnswer."""
        try:
            error = best_match(self.validator.iter_errors(value))
        except RecursionError:
            raise BadAnswer("it is nested too deeply to be checked") from None
        if error is not None:
            raise BadAnswer(_explained(error))


def read_schema(source: object) -> Schema:
    """From JSON values, or from their text. Raises BadSchema."""
    if isinstance(source, str):
        try:
            source = json.loads(source)
        except (ValueError, RecursionError) as error:
            raise BadSchema(f"it is a text, and no JSON: {error}") from None
    if not isinstance(source, dict):
        raise BadSchema(f"it holds {_kind(source)}, not a mapping such as {{type: object}}")
    try:
        text = json.dumps(source, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadSchema(f"it holds what JSON cannot: {error}") from None
    if len(text) > MAX_SCHEMA:
        raise BadSchema(f"it has {len(text)} characters; at most {MAX_SCHEMA} are read")
    return Schema(source, _validator(json.loads(text)))


def _validator(source: dict[str, Any]) -> Validator:
    named = source.get("$schema")
    kind: Any = validators.Draft202012Validator
    if named is not None:
        kind = validators.validator_for(source, default=UNKNOWN) if isinstance(named, str) else None
    if kind is UNKNOWN:
        raise BadSchema(f"$schema: {str(named)[:_SHOWN]!r} is no version of JSON Schema that is known")
    try:
        kind.check_schema(source)
    except SchemaError as error:
        raise BadSchema(_explained(error)) from None
    except RecursionError:
        raise BadSchema("it is nested too deeply") from None
    for path, part in _parts(source, "result_schema"):
        _check_part(path, part)
    # Nothing is fetched: a reference leads within the schema.
    validator: Validator = _with_linear_patterns(kind)(source, registry=Registry())
    _try(validator, source)
    return validator


def _parts(value: object, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    stack: list[tuple[str, object]] = [(path, value)]
    while stack:
        where, part = stack.pop()
        if isinstance(part, dict):
            yield where, part
            stack += [(f"{where}.{key}", one) for key, one in part.items() if key not in ("const", "enum")]
        elif isinstance(part, list):
            stack += [(f"{where}[{number}]", one) for number, one in enumerate(part)]


def _check_part(path: str, part: Mapping[str, Any]) -> None:
    for name in _REFERENCES:
        target = part.get(name)
        if isinstance(target, str) and not target.startswith("#"):
            raise BadSchema(f"{path}: {name}: {target[:_SHOWN]} leads elsewhere; put that schema under $defs")
    named = part.get("patternProperties")
    patterns = [part.get("pattern"), *(named if isinstance(named, dict) else ())]
    for pattern in patterns:
        if isinstance(pattern, str):
            _pattern(pattern, path)


def _pattern(pattern: str, path: str) -> Any:
    try:
        return _compiled(pattern)
    except PatternError as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else error
        raise BadSchema(f"{path}: the pattern {pattern[:_SHOWN]!r} is not understood: {reason}") from None


@cache
def _compiled(pattern: str) -> Any:
    return linear_pattern(pattern)


def _try(validator: Validator, source: Mapping[str, Any]) -> None:
    """A schema that refers to nothing or to itself shows it only in use."""
    for path, part in _parts(source, "result_schema"):
        target = part.get("$ref")
        if not isinstance(target, str):
            continue
        try:
            for value in PROBES:
                validator.evolve(schema=part).is_valid(value)
        except Unresolvable:
            raise BadSchema(f"{path}: $ref: nothing is at {target[:_SHOWN]}") from None
        except RecursionError:
            raise BadSchema(f"{path}: $ref: {target[:_SHOWN]} leads to itself") from None


@cache
def _with_linear_patterns(kind: Any) -> Any:
    """The same version of JSON Schema, whose patterns take linear time."""

    def pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(value, str) and not _compiled(wanted).search(value):
            yield ValidationError(f"{value[:_SHOWN]!r} does not match {wanted!r}")

    def properties(checker: Any, wanted: Mapping[str, Any], value: Any, _: Any) -> Iterator[ValidationError]:
        for name, schema in wanted.items() if isinstance(value, dict) else ():
            for key, one in value.items():
                if _compiled(name).search(key):
                    yield from checker.descend(one, schema, path=key, schema_path=name)

    extended: Callable[..., Any] = validators.extend
    return extended(kind, {"pattern": pattern, "patternProperties": properties})


def _explained(error: ValidationError | SchemaError) -> str:
    where = ".".join(str(part) for part in error.absolute_path)
    # It begins with the value, which may be long, and ends with what is wrong.
    message = error.message
    if len(message) > 2 * _SHOWN:
        message = f"{message[:_SHOWN]} … {message[-_SHOWN:]}"
    return f"{where}: {message}" if where else message


def json_in(text: str) -> Any:
    """The JSON that a model said, also within a fence or between sentences. Raises BadAnswer."""
    if len(text) > MAX_ANSWER:
        raise BadAnswer(f"it has {len(text)} characters; at most {MAX_ANSWER} are read")
    found = text.strip().lstrip("\ufeff")
    if not found:
        raise BadAnswer("it is empty; one JSON value is needed")
    try:
        return _loads(found)
    except ValueError as error:
        reason = str(error)
    except RecursionError:
        raise BadAnswer("it is nested too deeply") from None
    starts = [found.find(sign) for sign in "{[" if sign in found]
    if starts:
        start = min(starts)
        end = max(found.rfind(sign) for sign in "}]")
        try:
            return _loads(found[start : end + 1])
        except (ValueError, RecursionError):
            pass
    raise BadAnswer(f"it is not JSON: {reason}")


def _loads(text: str) -> Any:
    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is no JSON number")

    def finite(digits: str) -> float:
        return float(digits) if math.isfinite(float(digits)) else refuse(digits)

    return json.loads(text, parse_constant=refuse, parse_float=finite)


def _kind(value: object) -> str:
    kinds: dict[type, str] = {list: "a list", dict: "a mapping", str: "a text", bool: "true or false"}
    return "nothing" if value is None else kinds.get(type(value), "a number")
