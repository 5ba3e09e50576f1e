"""The prompt of a channel monitor: a template over one message. Pure.

Two notations. `{{.Message.Text}}` and its like anywhere make it one of Go's: nothing else in it is special.
Otherwise it is Jinja, of which only what cannot run away is understood: no calls, no arithmetic, no loop in
a loop, no attribute but the message's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, Protocol

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ratchet.llm.data import neutralised, wrap

MAX_TEMPLATE: Final = 50_000  # characters
MAX_PROMPT: Final = 100_000  # characters
MAX_NESTING: Final = 40
MAX_FILTERS: Final = 4  # one after the other
FIELDS: Final = ("text", "user", "name")
ALONE: Final = ("channel_id", "slack_ts")
FILTERS: Final = frozenset(
    {"capitalize", "default", "first", "last", "length", "lower", "title", "tojson", "trim", "upper"}
)
GO_FIELDS: Final = {".Message.Text": "text", ".Message.User": "user"}

_GO_ACTION: Final = re.compile(r"\{\{(-?)\s*(.*?)\s*(-?)\}\}", re.DOTALL)
_GO_SIGN: Final = re.compile(r"\{\{-?\s*\.[A-Za-z]")
_GO_COMMENT: Final = re.compile(r"/\*.*\*/", re.DOTALL)
_ALLOWED: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Const,
    nodes.If, nodes.For, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not,
    nodes.Filter, nodes.Test, nodes.Concat, nodes.Slice, nodes.Neg, nodes.List, nodes.Tuple,
)  # fmt: skip


class BadTemplate(ValueError):
    """A template that is none, or that does what no prompt needs; the text says what, and its line."""


class TooLong(ValueError):
    """The prompt came out longer than MAX_PROMPT characters."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a template may say of a message. `user` is an id, `name` may be ""."""

    text: str
    user: str
    channel_id: str = ""
    slack_ts: str = ""
    name: str = ""


class Prompt(Protocol):
    def render(self, sample: Sample) -> str:
        """Raises TooLong, BadTemplate."""
        ...


class _Said(str):
    """A message's text as it was said, to be marked as data where it is put."""

    __slots__ = ()


def read_prompt(source: str) -> Prompt:
    """Raises BadTemplate."""
    if len(source) > MAX_TEMPLATE:
        raise BadTemplate(f"{len(source)} characters; at most {MAX_TEMPLATE} are read")
    if _GO_SIGN.search(source):
        return _Go.of(source)
    return _Jinja.of(source)


@dataclass(frozen=True, slots=True)
class _Go:
    """Literal text and names of fields in turn, text first."""

    parts: tuple[str, ...]

    @staticmethod
    def of(source: str) -> _Go:
        parts, at = [""], 0
        for action in _GO_ACTION.finditer(source):
            before = source[at : action.start()]
            parts[-1] += before.rstrip() if action[1] else before
            at = action.end()
            if action[3]:
                at += len(source[at:]) - len(source[at:].lstrip())
            if _GO_COMMENT.fullmatch(action[2]):
                continue
            field = GO_FIELDS.get(action[2])
            if field is None:
                raise BadTemplate(_unknown_action(source, action))
            parts += [field, ""]
        parts[-1] += source[at:]
        return _Go(tuple(parts))

    def render(self, sample: Sample) -> str:
        values = _values(sample)["message"]
        shown = [_finished(values[part]) if number % 2 else part for number, part in enumerate(self.parts)]
        return _bounded(iter(shown))


def _unknown_action(source: str, action: re.Match[str]) -> str:
    line = source.count("\n", 0, action.start()) + 1
    close = get_close_matches(action[2], GO_FIELDS, 1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(GO_FIELDS)}"
    return f"line {line}: {{{{{action[2][:60]}}}}} is not understood; {hint}"


class _Sandbox(ImmutableSandboxedEnvironment):
    """No attribute of any object is there; `message.text` is an item of a mapping."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return False


def _finished(value: Any) -> Any:
    return wrap("message", value) if isinstance(value, _Said) else value


@dataclass(frozen=True, slots=True)
class _Jinja:
    template: jinja2.Template

    @staticmethod
    def of(source: str) -> _Jinja:
        environment = _environment()
        try:
            _check(environment.parse(source))
            made = _Jinja(environment.from_string(source))
            for sample in (Sample("text", "U0", "C0", "1.0", "name"), Sample("", "")):
                made.render(sample)
        except jinja2.TemplateSyntaxError as error:
            raise BadTemplate(f"line {error.lineno}: {error.message}") from None
        except RecursionError:
            raise BadTemplate("nested too deeply") from None
        return made

    def render(self, sample: Sample) -> str:
        try:
            return _bounded(self.template.generate(_values(sample)))
        except SecurityError:
            raise BadTemplate("it reaches for what is not the message's") from None
        except (TemplateError, TypeError, ValueError) as error:
            if isinstance(error, TooLong):
                raise
            raise BadTemplate(str(error) or type(error).__name__) from None


def _environment() -> _Sandbox:
    environment = _Sandbox(
        undefined=jinja2.StrictUndefined, finalize=_finished, keep_trailing_newline=True, autoescape=False
    )
    environment.globals.clear()
    environment.filters = {name: found for name, found in environment.filters.items() if name in FILTERS}
    return environment


def _check(template: nodes.Template) -> None:
    """Raises BadTemplate for what is not understood, and for what could grow or go on without end."""

    def visit(node: nodes.Node, depth: int, loops: frozenset[str], filters: int) -> None:
        if depth > MAX_NESTING:
            raise BadTemplate("nested too deeply")
        if not isinstance(node, _ALLOWED):
            _refuse(node, f"`{type(node).__name__.lower()}` is not understood in a prompt")
        if isinstance(node, nodes.For):
            if loops or node.recursive:
                _refuse(node, "a loop within a loop is not understood")
            loops |= {name.name for name in _names(node.target)}
        filters = filters + 1 if isinstance(node, nodes.Filter) else filters
        if filters > MAX_FILTERS:
            _refuse(node, f"more than {MAX_FILTERS} filters in one place")
        _check_names(node, loops)
        for child in node.iter_child_nodes():
            visit(child, depth + 1, loops, filters)

    visit(template, 0, frozenset(), 0)


def _names(target: nodes.Node) -> list[nodes.Name]:
    """Of a loop: `a`, or `a, b`."""
    return [target] if isinstance(target, nodes.Name) else list(target.find_all(nodes.Name))


def _check_names(node: nodes.Node, loops: frozenset[str]) -> None:
    if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in {"message", *ALONE, *loops}:
        _refuse(node, f"nothing is called {node.name}{_near(node.name, ('message.text', *ALONE))}")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        _refuse(node, f"no filter is called {node.name}{_near(node.name, sorted(FILTERS))}")
    if isinstance(node, nodes.Filter) and node.name != "default" and (node.args or node.kwargs):
        _refuse(node, f"the filter {node.name} takes nothing here")
    if isinstance(node, nodes.Getattr):
        of_message = isinstance(node.node, nodes.Name) and node.node.name == "message"
        if not of_message:
            _refuse(node, f".{node.attr} is not there; only the message has attributes")
        if node.attr not in FIELDS:
            shown = [f"message.{field}" for field in FIELDS]
            _refuse(node, f"message.{node.attr} is not there{_near(f'message.{node.attr}', shown)}")


def _near(word: str, known: tuple[str, ...] | list[str]) -> str:
    close = get_close_matches(word, known, 1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"


def _refuse(node: nodes.Node, what: str) -> None:
    raise BadTemplate(f"line {node.lineno}: {what}")


def _values(sample: Sample) -> dict[str, Any]:
    message: Mapping[str, str] = {
        "text": _Said(neutralised(sample.text)),
        "user": neutralised(sample.user),
        "name": neutralised(sample.name),
    }
    return {"message": message, "channel_id": sample.channel_id, "slack_ts": sample.slack_ts}


def _bounded(pieces: Iterator[Any]) -> str:
    said: list[str] = []
    length = 0
    for piece in pieces:
        said.append(str(piece))
        length += len(said[-1])
        if length > MAX_PROMPT:
            raise TooLong(f"the prompt has more than {MAX_PROMPT} characters")
    return "".join(said)
