"""Every hand-made payload gets the answer that a person would give."""

from __future__ import annotations

import pytest

from ratchet.alerts import classify, to_json
from tests.unit.alerts.payloads import Variant
from tests.unit.alerts.variants import VARIANTS
from tests.unit.alerts.variants_aside import ASIDE


@pytest.mark.parametrize("variant", [*VARIANTS, *ASIDE], ids=lambda variant: variant.name)
def test_the_answer_is_the_one_a_person_would_give(variant: Variant) -> None:
    got = to_json(classify(variant.payload))
    wanted = {
        name: value
        for name in ("action", "alert", "service", "priority", "severity", "tool")
        if (value := getattr(variant, name)) is not ...
    }
    assert {name: got[name] for name in wanted} == wanted, got
