"""How pages say things."""

from __future__ import annotations

import pytest

from ratchet.web.words import coded


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Set `for: 5m`: 7 of 7", "Set <code>for: 5m</code>: 7 of 7"),
        ("`<b>` & <i>", "<code>&lt;b&gt;</code> &amp; &lt;i&gt;"),
        ("a lone ` mark", "a lone <code> mark</code>"),
        ("", ""),
    ],
)
def test_what_stands_between_backticks_is_code_and_all_is_text(said: str, shown: str) -> None:
    assert str(coded(said)) == shown
