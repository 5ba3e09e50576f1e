"""The operator's own patterns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratchet.domain.errors import Misconfigured
from ratchet.llm.redact import redact, use_patterns
from ratchet.llm.redact_own import MAX_CHARS, MAX_PATTERNS, read_patterns
from ratchet.settings import load


@pytest.fixture(autouse=True)
def none_left_behind() -> Iterator[None]:
    yield
    use_patterns(None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "patterns.txt"


def test_what_a_pattern_finds_goes_and_its_group_says_which_part(file: Path) -> None:
    file.write_text(
        "# customers\nACME-[0-9]{6}\n\n  iban: ([A-Z]{2}[0-9 ]{10,30})  \n(?i:geheim)-\\w+\n", "utf-8"
    )
    use_patterns(file)
    assert redact("ACME-123456 pays, iban: DE12 3456 7890 12, GEHEIM-a1") == (
        "[redacted: own pattern] pays, iban: [redacted: own pattern], [redacted: own pattern]"
    )


def test_they_hold_beside_ours_and_to_redact_twice_changes_nothing(file: Path) -> None:
    file.write_text("user=(\\S+)\n[a-z]+ wins\n", "utf-8")
    use_patterns(file)
    once = redact("user=dana password=hunter2! everybody wins")
    assert once == "user=[redacted: own pattern] password=[redacted: password] [redacted: own pattern]"
    assert redact(once) == once


def test_a_placeholder_is_not_read_as_text(file: Path) -> None:
    file.write_text("redacted|password\n", "utf-8")
    use_patterns(file)
    assert redact("pw=hunter2!") == "pw=[redacted: password]"


def test_every_error_is_told_with_its_line_and_without_the_pattern(file: Path) -> None:
    file.write_text(
        f"fine[0-9]+\n(unclosed-hush\n(?=hush)x\nx*\n.+\n(a)(b)\n{'x' * (MAX_CHARS + 1)}\n", "utf-8"
    )
    with pytest.raises(Misconfigured) as caught:
        read_patterns(file)
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [f"patterns.txt, line {n}" for n in (2, 3, 4, 5, 6, 7)]
    assert "hush" not in str(caught.value)
    assert "no look-around" in lines[1]


def test_too_many_are_refused(file: Path) -> None:
    file.write_text("".join(f"a{n}\n" for n in range(MAX_PATTERNS + 1)), "utf-8")
    with pytest.raises(Misconfigured, match=str(MAX_PATTERNS)):
        read_patterns(file)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"], ids=["missing", "not text"])
def test_a_file_that_cannot_be_read_is_named(file: Path, content: bytes | None) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Misconfigured, match=r"patterns\.txt cannot be read"):
        read_patterns(file)


def test_the_start_fails_with_the_setting_and_the_line(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("(\n", "utf-8")
    monkeypatch.setenv("RATCHET_REDACT_PATTERNS", str(file))
    with pytest.raises(Misconfigured, match=r"RATCHET_REDACT_PATTERNS: patterns\.txt, line 1: missing"):
        load(env_file=None)


@pytest.mark.parametrize("pattern", ["(?:a+)+b", "(?:a|a)+b", "(?:a|aa)+b", "(?:.*a){12}b"])
def test_a_pattern_that_would_be_a_catastrophe_elsewhere_is_linear_here(file: Path, pattern: str) -> None:
    file.write_text(pattern + "\n", "utf-8")
    use_patterns(file)

    def seconds(size: int) -> float:
        started = time.process_time()
        assert redact("a" * size) == "a" * size
        return time.process_time() - started

    assert seconds(200_000) < 16 * max(seconds(50_000), 0.002)
