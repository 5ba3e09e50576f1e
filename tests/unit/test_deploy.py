"""What Ratchet is deployed with: complete, valid, and in step with the settings."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from dotenv import dotenv_values
from kubernetes_validate.utils import latest_version, validate
from prometheus_client import REGISTRY

import ratchet.telemetry  # noqa: F401  # registers the metrics
from ratchet.settings import Settings, example, load, variable

ROOT: Final = Path(__file__).resolve().parents[2]
KUBERNETES: Final = ROOT / "deploy/kubernetes"
SETTINGS: Final = {variable(name) for name in Settings.model_fields}


def documents() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{path.name} {one['kind']} {one['metadata'].get('name', '')}", one)
        for path in sorted(KUBERNETES.glob("*.yaml"))
        if path.name != "kustomization.yaml"
        for one in yaml.safe_load_all(path.read_text("utf-8"))
    ]


def named() -> set[str]:
    """Every variable that a file of the deployment names."""
    files = [
        ROOT / "Dockerfile",
        ROOT / "compose.yaml",
        *KUBERNETES.glob("*.yaml"),
        ROOT / "deploy/systemd/ratchet.service",
    ]
    return {name for path in files for name in re.findall(r"\bRATCHET_[A-Z_]+\b", path.read_text("utf-8"))}


def test_the_example_of_an_env_file_is_what_the_settings_say() -> None:
    assert (ROOT / ".env.example").read_text("utf-8") == example(), (
        "run: ratchet config --example > .env.example"
    )


def test_the_example_with_everything_uncommented_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    text = re.sub(r"(?m)^# ([A-Z_]+=)", r"\1", example())
    file = tmp_path / ".env"
    file.write_text(text, "utf-8")
    assert set(dotenv_values(file)) == SETTINGS
    filled = {name: value for name, value in dotenv_values(file).items() if value}
    file.write_text("".join(f"{name}={value}\n" for name, value in filled.items()), "utf-8")
    assert load(env_file=file).http_addr == "127.0.0.1:5001"


def test_a_secret_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "token"
    secret.write_text("xoxb-from-a-file\n", "utf-8")
    monkeypatch.delenv("RATCHET_SLACK_BOT_TOKEN", raising=False)
    monkeypatch.setenv("RATCHET_SLACK_BOT_TOKEN_FILE", str(secret))
    token = load(env_file=None).slack_bot_token
    assert token is not None
    assert token.get_secret_value() == "xoxb-from-a-file"


def test_a_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_HTTP_TOKEN_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(Exception, match=r"RATCHET_HTTP_TOKEN_FILE: .*nowhere cannot be read"):
        load(env_file=None)


def test_every_variable_of_the_deployment_is_a_setting() -> None:
    assert named() - {"RATCHET_IMAGE", "RATCHET_IMAGE_REGISTRY"} <= SETTINGS


@pytest.mark.parametrize("manifest", [pytest.param(one, id=name) for name, one in documents()])
def test_a_manifest_follows_the_schema_of_its_kind(manifest: dict[str, Any]) -> None:
    for version in ("1.30", latest_version()):
        validate(manifest, version, strict=True)


def test_kustomize_lists_every_manifest() -> None:
    listed = set(yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text("utf-8"))["resources"])
    there = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml", "secret.example.yaml"}
    assert listed == there - {"secret.yaml"} | {"secret.yaml"}


@pytest.mark.parametrize("role", ["slack", "worker", "web"])
def test_a_role_runs_without_root_on_a_read_only_file_system_with_probes(role: str) -> None:
    deployment = yaml.safe_load((KUBERNETES / f"{role}.yaml").read_text("utf-8"))
    pod = deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert container["args"] == ["run", "--only", role]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
    labels = deployment["spec"]["selector"]["matchLabels"]
    budgets = [
        one["spec"]["selector"]["matchLabels"] for name, one in documents() if "PodDisruptionBudget" in name
    ]
    assert labels in budgets


def test_the_image_has_two_stages_no_root_and_a_probe() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    stages = re.split(r"(?m)^FROM ", text)[1:]
    assert len(stages) == 2
    last = stages[1]
    for line in ("USER 10001:10001", "HEALTHCHECK", 'CMD ["run"]', "STOPSIGNAL SIGTERM"):
        assert line in last
    assert not re.search(r"\b(gcc|build-essential|pip install)\b", last), (
        "a compiler or an installer stays in the image"
    )
    assert "--require-hashes" in stages[0]
    assert all("latest" not in line for line in text.splitlines() if line.startswith("FROM"))


METRIC: Final = re.compile(r"ratchet_[a-z_]+")
SUFFIXES: Final = ("_bucket", "_count", "_sum")


@pytest.mark.parametrize(
    "file", ["deploy/grafana/ratchet.json", "deploy/prometheus/ratchet.rules.yaml", "docs/observability.md"]
)
def test_every_metric_named_for_an_operator_is_one_of_ours(file: str) -> None:
    ours = {sample for metric in REGISTRY.collect() for sample in (metric.name, f"{metric.name}_total")}
    text = (ROOT / file).read_text("utf-8")
    named = set(METRIC.findall(text))
    assert len(named) > 8
    unknown = {
        name for name in named if name not in ours and not name.removesuffix("_total").endswith(SUFFIXES)
    }
    assert unknown == set()
    assert {n.removesuffix(s) for n in named for s in SUFFIXES if n.endswith(s)} <= ours


def test_the_rules_name_a_severity_and_what_to_do() -> None:
    rules = yaml.safe_load((ROOT / "deploy/prometheus/ratchet.rules.yaml").read_text("utf-8"))["groups"][0][
        "rules"
    ]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 8
    assert all(rule["labels"]["severity"] in ("info", "warning", "critical") for rule in rules)
    assert all(len(rule["annotations"]["description"]) > 40 for rule in rules)


def test_compose_and_the_unit_and_the_workflows_are_well_formed() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    assert set(compose["services"]) == {"ratchet", "database", "ollama", "model"}
    assert compose["services"]["ratchet"]["read_only"]
    assert all(port.startswith("127.0.0.1:") for port in compose["services"]["ratchet"]["ports"])
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser documents it
    unit.read_string((ROOT / "deploy/systemd/ratchet.service").read_text("utf-8"))
    assert unit["Service"]["ExecStart"].endswith("ratchet run")
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        workflow = yaml.safe_load(path.read_text("utf-8"))
        assert workflow["permissions"] == {"contents": "read"}, path.name
        for job in workflow["jobs"].values():
            assert all("uses" in step or "run" in step for step in job["steps"]), path.name
