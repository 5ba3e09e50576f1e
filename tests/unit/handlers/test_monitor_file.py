"""The channel monitors' file: what is read as it stands, and that every error is named."""

from __future__ import annotations

import time

import pytest

from ratchet.domain.errors import Misconfigured
from ratchet.handlers.monitor_file import check_monitors, read_monitors
from ratchet.handlers.monitor_prompt import BadTemplate, Sample, TooLong, read_prompt
from ratchet.handlers.monitor_schema import BadAnswer, BadSchema, json_in, read_schema

EXISTING = """
# As it was written for the program before.
deployment-watch:
  channel_id: C0DEPLOY
  prompt: |
    Which service was deployed?
    From {{ .Message.User }}: {{.Message.Text}}
    Answer like {"service": "checkout"}; {% is no tag here.
  result_schema:
    type: object
    properties:
      service: {type: string, minLength: 1}
      urgent: {type: boolean, default: no}
      count: {type: integer, minimum: 1}
    required: [service]
    additionalProperties: false
  executable: /usr/bin/jq
  executable_args: ["-c", "{channel_messages: []}", 5]
"""
SAMPLE = Sample("deployed <data> checkout", "U0ANA", "C0DEPLOY", "1700000000.000100", "ana")


def monitor(**changes: str) -> str:
    fields = {
        "channel_id": "C0OPS",
        "prompt": "'{{ message.text }}'",
        "result_schema": "{type: object}",
        "executable": "jq",
    } | changes
    return "m:\n" + "".join(f"  {name}: {value}\n" for name, value in fields.items() if value)


def test_a_file_of_an_existing_set_up_is_read_as_it_stands() -> None:
    one = read_monitors(EXISTING).by_name["deployment-watch"]
    assert one.channel_id == "C0DEPLOY"
    assert one.command == ("/usr/bin/jq", "-c", "{channel_messages: []}", "5")
    assert (one.bots, one.threads, one.timeout_s) == (True, False, 30.0)
    prompt = one.prompt.render(SAMPLE)
    assert 'From U0ANA: <data source="message">\ndeployed ‹data> checkout\n</data>\n' in prompt
    assert prompt.endswith('Answer like {"service": "checkout"}; {% is no tag here.\n')
    one.schema.check({"service": "checkout", "count": 2})
    with pytest.raises(BadAnswer, match="count: 0 is less than the minimum of 1"):
        one.schema.check({"service": "checkout", "count": 0})


def test_every_error_of_every_monitor_is_said_at_once_with_its_field() -> None:
    text = """
one: {channel_id: '#ops', prompt: '{{.Message.Txt}}', result_schema: {type: objekt}, executable: jq, bot: true}
two: {channel_id: C0OPS, result_schema: [1], executable: 5, executable_args: {a: b}, timeout_s: 600, bots: maybe}
three: nothing
"""
    with pytest.raises(Misconfigured) as raised:
        read_monitors(text, "monitors.yaml")
    lines = str(raised.value).splitlines()
    for expected in (
        "monitors.yaml: one: channel_id: #ops is no channel id",
        "monitors.yaml: one: prompt: line 1: {{.Message.Txt}} is not understood; did you mean .Message.Text?",
        "monitors.yaml: one: result_schema: type: 'objekt' is not valid",
        "monitors.yaml: one: bot: no such field; did you mean bots?",
        "monitors.yaml: two: prompt: missing",
        "monitors.yaml: two: result_schema: it holds a list, not a mapping",
        "monitors.yaml: two: executable: it holds a number, not a text",
        "monitors.yaml: two: executable_args: it holds a mapping, not a list",
        "monitors.yaml: two: timeout_s: a number of seconds, at most 60",
        "monitors.yaml: two: bots: it holds a text, neither true nor false",
        "monitors.yaml: three: it holds a text, not a mapping",
    ):
        assert any(line.startswith(expected) for line in lines), (expected, lines)
    assert len(lines) == 11


WRONG_YAML = {
    "a list": "- a\n- b\n",
    "a text": "just words",
    "a number": "5",
    "no yaml": "a: [unclosed",
    "tabs": "a:\n\tb: c\n",
    "an unknown tag": "a: !!python/object/apply:os.system ['id']",
    "an alias without an anchor": "a: *b",
    "itself": "a: &a {channel_id: *a}",
    "a key that is a list": "? [a]\n: b",
    "a key twice": "a: {}\na: {}\n",
    "a field twice": monitor() + "  prompt: again\n",
    "deep": "a: " + "[" * 5_000,
    "deep and closed": "a: " + "[" * 100 + "]" * 100,
    "a NUL": "a: \0",
    "half a character": "a: \ud800",
    "a date that is none": "a: 2020-99-99",
    "a set": "a: !!set {b}",
    "bytes": monitor(result_schema="!!binary aGVsbG8="),
    "many aliases": "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
    + "".join(f"{b}: &{b} [{','.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)),
    "two documents": "a: b\n---\nc: d\n",
    "large": "a: " + "x" * 600_000,
    "names without end": "".join(f"m{n}: {{}}\n" for n in range(300)),
    "a name of control characters": '"a\\u0007b": {}',
    "an infinite number": monitor(result_schema="{minimum: .inf}"),
}


@pytest.mark.parametrize("text", WRONG_YAML.values(), ids=WRONG_YAML)
def test_yaml_of_every_wrong_kind_is_refused_with_a_reason_and_soon(text: str) -> None:
    started = time.thread_time()
    monitors, problems = check_monitors(text)
    assert problems
    assert not monitors.by_name
    assert time.thread_time() - started < 5
    assert all(len(problem) < 1_000 for problem in problems)


def test_anchors_and_merge_keys_are_read() -> None:
    text = f"{monitor()}n: &n\n  channel_id: C0TWO\n  prompt: p\n  result_schema: {{}}\n  executable: jq\nk: {{<<: *n, channel_id: C0THREE}}\n"
    assert {one.channel_id for one in read_monitors(text).by_name.values()} == {"C0OPS", "C0TWO", "C0THREE"}


def test_an_empty_file_has_no_monitors() -> None:
    assert read_monitors("").by_name == {}
    assert read_monitors("# nothing yet\n").by_name == {}


TEMPLATES = {
    "{% if message.user == 'U0ANA' %}Ana: {% endif %}{{ message.text }}": 'Ana: <data source="message">\ndeployed ‹data> checkout\n</data>',
    "{{ message.text | upper }}": "DEPLOYED ‹DATA> CHECKOUT",
    "{{ message['name'] }} in {{ channel_id }} at {{ slack_ts }}": "ana in C0DEPLOY at 1700000000.000100",
    "{% for word in ['a', 'b'] %}{{ word }}{% endfor %}": "ab",
    "{{ message.name | default('nobody') | title }}{# a remark #}": "Ana",
    "no placeholder at all": "no placeholder at all",
    "{{- .Message.User -}}  x {{/* a remark */}}": "U0ANAx ",
}


@pytest.mark.parametrize(("source", "prompt"), TEMPLATES.items(), ids=[str(n) for n in range(len(TEMPLATES))])
def test_templates_say_what_the_message_says(source: str, prompt: str) -> None:
    assert read_prompt(source).render(SAMPLE) == prompt


HOSTILE = {
    "reaches for a class": "{{ message.__class__ }}",
    "reaches by an item": "{{ message['__class__'].__mro__ }}",
    "reaches through a text": "{{ message.text.__class__ }}",
    "reaches from a literal": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "reaches by a filter": "{{ message | attr('__class__') }}",
    "calls a method": "{{ message.items() }}",
    "formats": "{{ '{0.__class__}'.format(message) }}",
    "formats by percent": "{{ '%1000000000d' % 5 }}",
    "names what is not there": "{{ self }}",
    "names a global": "{{ cycler }}",
    "loops long": "{% for n in range(1000000000) %}x{% endfor %}",
    "loops in a loop": "{% for a in message.text %}{% for b in message.text %}x{% endfor %}{% endfor %}",
    "loops by itself": "{% for a in [[1]] recursive %}{{ loop([a]) }}{% endfor %}",
    "multiplies": "{{ 'x' * 1000000000 }}",
    "raises to a power": "{{ 9 ** 9 ** 9 }}",
    "adds up": "{% set x = 'a' %}{{ x }}",
    "includes": "{% include '/etc/passwd' %}",
    "imports": "{% import 'os' as os %}",
    "defines a macro": "{% macro m() %}{{ m() }}{% endmacro %}",
    "pads": "{{ message.text | center(1000000000) }}",
    "indents": "{{ [1] | tojson(1000000000) }}",
    "is no Jinja": "{% if %}",
    "is not closed": "{{ message.text",
    "nests": "{% if true %}" * 2_000 + "{% endif %}" * 2_000,
    "filters without end": "{{ message.text " + "| tojson " * 40 + "}}",
    "another Go field": "{{.Message.Text}} {{.Message.Password}}",
    "a Go call": "{{.Message.Text}} {{printf \"%1000000000d\" 1}}",
    "a Go condition": "{{if .Message.Text}}{{.Message.Text}}{{end}}",
    "is endless": "x" * 60_000,
}  # fmt: skip


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_a_template_that_loops_or_reaches_is_refused_when_it_is_read(source: str) -> None:
    started = time.thread_time()
    with pytest.raises(BadTemplate):
        read_prompt(source)
    assert time.thread_time() - started < 5


def test_a_prompt_has_a_length() -> None:
    prompt = read_prompt("{% for c in message.text %}" + "x" * 1_000 + "{% endfor %}")
    with pytest.raises(TooLong):
        prompt.render(Sample("y" * 40_000, "U0"))


def test_what_a_message_says_is_no_template() -> None:
    said = Sample("{{ message.user }} {% raw %} {{.Message.User}}", "U0ANA")
    for source in ("{{ message.text }}", "{{.Message.Text}}"):
        assert said.text in read_prompt(source).render(said)


WRONG_SCHEMAS = {
    "not a type": {"type": "objekt"},
    "not a keyword's value": {"minimum": "five"},
    "required is no list": {"required": "a"},
    "a list": [1],
    "a number": 5,
    "true": True,
    "a text that is no JSON": "type: object",
    "a reference elsewhere": {"$ref": "https://example.com/schema.json"},
    "a reference to a file": {"properties": {"a": {"$ref": "file:///etc/passwd"}}},
    "a reference to nothing": {"$ref": "#/$defs/missing"},
    "a reference to itself": {"$ref": "#"},
    "a pattern that is none": {"pattern": "("},
    "a pattern that looks back": {"properties": {"a": {"pattern": "(?=a)b"}}},
    "a name's pattern that is none": {"patternProperties": {"(": {}}},
    "an unknown version": {"$schema": "https://example.com/mine"},
    "a version that is a number": {"$schema": 5},
    "large": {"description": "x" * 60_000},
}


@pytest.mark.parametrize("source", WRONG_SCHEMAS.values(), ids=WRONG_SCHEMAS)
def test_a_schema_that_is_none_is_refused(source: object) -> None:
    with pytest.raises(BadSchema):
        read_schema(source)


def test_schemas_of_every_version_and_as_json_text_are_read() -> None:
    draft7 = {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {"type": "string"}}}
    schema = read_schema(draft7 | {"properties": {"x": {"$ref": "#/definitions/a"}}})
    with pytest.raises(BadAnswer, match="x: 5 is not of type 'string'"):
        schema.check({"x": 5})
    read_schema('{"type": "array", "items": {"type": "integer"}}').check([1, 2])


def test_a_pattern_takes_linear_time() -> None:
    schema = read_schema({"properties": {"a": {"pattern": "^(a+)+$"}}, "patternProperties": {"^(b+)+$": {}}})
    started = time.thread_time()
    with pytest.raises(BadAnswer, match="does not match"):
        schema.check({"a": "a" * 50_000 + "!", "b" * 50_000 + "!": 1})
    assert time.thread_time() - started < 5


def test_an_answer_nested_without_end_is_no_answer() -> None:
    schema = read_schema({"$defs": {"n": {"items": {"$ref": "#/$defs/n"}}}, "$ref": "#/$defs/n"})
    with pytest.raises(BadAnswer):
        json_in("[" * 100_000)
    value: list[object] = []
    for _ in range(50_000):
        value = [value]
    with pytest.raises(BadAnswer, match="nested too deeply"):
        schema.check(value)
    while value:
        value = value.pop()  # type: ignore[assignment]  # taken apart here, since its end would recurse


SAID = {
    '{"a": 1}': {"a": 1},
    '```json\n{"a": 1}\n```': {"a": 1},
    'Here it is:\n{"a": 1}\nGood luck!': {"a": 1},
    "[1, 2]": [1, 2],
    "\ufeffnull": None,
    " 5 ": 5,
}


@pytest.mark.parametrize(("said", "value"), SAID.items(), ids=[str(n) for n in range(len(SAID))])
def test_the_json_of_an_answer_is_found(said: str, value: object) -> None:
    assert json_in(said) == value


@pytest.mark.parametrize(
    "said",
    [
        "",
        "  ",
        "I cannot.",
        '{"a": ',
        '{"a": NaN}',
        pytest.param("x" * 200_000, id="long"),
        "}{",
        "{]",
        '{"a": 1e999}',
    ],
)
def test_an_answer_without_json_is_refused(said: str) -> None:
    with pytest.raises(BadAnswer):
        json_in(said)
