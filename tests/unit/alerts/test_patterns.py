"""An operator's pattern cannot take forever, and most that people write are fine."""

from __future__ import annotations

import re
import time

import pytest

from ratchet.alerts.patterns import MAX_LINE, BadPattern, compile_pattern, lines_of

FINE = [
    r"^(?P<state>DOWN|UP) (?P<service>[\w-]+): (?P<alert>.+)$",
    r"error.*service.*failed",
    r"\[(?P<s>\w+)\] (?P<svc>\S+) on (?P<host>\S+): (?P<a>.*)",
    r"(?:\d{1,3}\.){3}\d{1,3}",
    r"\bP[1-5]\b",
    r"^\s*(?P<a>\S+)\s+(?P<b>\S+)\s+(?P<c>.*)$",
    r"(?P<a>.+) - (?P<b>.+) - (?P<c>.+)",
    r"[]a-z^]+ x{2}y{,3}z{",
    r"(?:alert|alarm)(?: on (?P<host>[\w.-]+))?",
    r"🚨|:fire:|\u2705",
]
BAD = [
    "",
    "(",
    "[[a]",
    "x" * 501,
    r"(a+)+$",
    r"(a|a)*b",
    r"(?:\w+\s)+x",
    r"(a*)*",
    r"(?:a*){,}b",
    r"(?:x{1,9}){1,9}",
    r"((((a{1,30}){1,30}){1,30}){1,30})b",
    "a?" * 20 + "a" * 20,
    "(a|aa)" * 20,
    r".*.*.*=x",
    r"\w*\d*\w*\d*\w*:",
    r"^CRIT: \w+\w+\w+\w+!$",
    r".*a.*b.*c.*d.*e",
    r"\s*\s*\s*x",
    r"(a)\1",
    r"(?=a)b",
    r"(?<!a)b",
    r"(?>a+)b",
    r"(?i)x",
    r"(?P<a>x)(?P=a)",
    "a*" * 11,
]
HOSTILE = [
    "a" * MAX_LINE,
    "a " * 250,
    "DOWN x: " * 60,
    "0" * MAX_LINE,
    "error service " * 35,
    " - " * 160,
    "[a] " * 120,
]


@pytest.mark.parametrize("pattern", FINE)
def test_what_people_write_is_taken_and_quick(pattern: str) -> None:
    compiled = compile_pattern(pattern)
    assert compiled.pattern == pattern
    for line in HOSTILE:
        began = time.thread_time()
        compiled.search(line)
        assert time.thread_time() - began < 0.2


@pytest.mark.parametrize("pattern", BAD)
def test_what_may_take_forever_is_refused_in_time(pattern: str) -> None:
    began = time.thread_time()
    with pytest.raises(BadPattern):
        compile_pattern(pattern)
    assert time.thread_time() - began < 3


def test_case_does_not_matter() -> None:
    assert compile_pattern("firing").search("[FIRING:1]")


def test_a_slow_clock_refuses_and_says_on_what() -> None:
    ticks = iter(range(100))
    with pytest.raises(BadPattern, match="takes too long on a line of 1 characters"):
        compile_pattern("a+b", lambda: float(next(ticks)))


def test_lines_are_bounded_and_not_empty() -> None:
    assert lines_of("a\n\n \n" + "b" * 900) == ["a", "b" * MAX_LINE]
    assert len(lines_of("x\n" * 100_000)) == 2000


def test_the_whole_alphabet_of_escapes_is_read_as_re_reads_it() -> None:
    for pattern in (
        r"\d\w\s\D\W\S\n\t\x41\u00e9\.\[\]\\",
        r"[\d\]x-]{2,3}?",
        r"a\b\Bb\Az\Z",
        r"a{2}{",
        r"a{}",
    ):
        assert compile_pattern(pattern).pattern == re.compile(pattern).pattern
