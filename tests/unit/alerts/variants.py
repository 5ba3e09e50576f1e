"""Payloads written by hand in the forms that tools use, each with the answer a person would give."""

from __future__ import annotations

from tests.unit.alerts.variants_other import LATER, NOTHING, OTHERS
from tests.unit.alerts.variants_prometheus import ALERTMANAGER, GRAFANA
from tests.unit.alerts.variants_tools import NAMED_TOOLS

VARIANTS = (*ALERTMANAGER, *GRAFANA, *NAMED_TOOLS, *OTHERS, *LATER, *NOTHING)
