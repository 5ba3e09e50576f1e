"""What `ratchet classify --explain` prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ratchet.cli.classify import Options, run
from tests.unit.alerts.payloads import bot, card

UNKNOWN = bot("Backup of db-3 has not finished")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yml"
    path.write_text("ignore: [{text: deployed}]")
    return path


def test_a_message_that_would_go_to_the_model_is_said_to(
    tmp_path: Path, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "message.json"
    file.write_text(json.dumps(UNKNOWN))
    run([str(file)], Options(explain=True, rules=rules))
    told = capsys.readouterr().out
    assert "undecided" in told
    assert "| backup of db-<n> has not finished" in told
    run([str(file)], Options(explain=True, as_json=True, rules=rules))
    assert json.loads(capsys.readouterr().out)["asks_model"] == "backup of db-<n> has not finished"


@pytest.mark.parametrize(
    "message", [bot("it is deployed"), card("[FIRING:1] DiskFull (critical)"), {"user": "U1", "text": "x"}]
)
def test_a_message_that_a_rule_knows_or_a_person_wrote_is_not(
    message: dict[str, object], tmp_path: Path, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "message.json"
    file.write_text(json.dumps(message))
    run([str(file)], Options(explain=True, rules=rules))
    assert "undecided" not in capsys.readouterr().out
