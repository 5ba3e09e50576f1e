"""HCP Terraform (Terraform Cloud) runs: only an errored run opens.

https://developer.hashicorp.com/terraform/cloud-docs/workspaces/settings/notifications
"""

from __future__ import annotations

import re

from ratchet.alerts.keys import make_key
from ratchet.alerts.view import View, plain
from ratchet.domain.incidents import Action, IncidentAction

_RUN = re.compile(
    r"\bRun (?P<state>Created|Planning|Needs Attention|Applying|Applied|Completed|"
    r"Errored|Planned|Canceled|Discarded)\b",
    re.IGNORECASE,
)
_WORKSPACE = re.compile(r"(?:app\.terraform\.io|terraform[^/\s]*)/app/[\w-]+/(?:workspaces/)?([\w-]+)")


def parse(view: View) -> IncidentAction | None:
    known = "terraform" in view.name or view.linked("terraform")
    for line in view.headlines:
        if known and (found := _RUN.search(line)):
            state = found["state"].lower()
            workspace = _workspace(view)
            return IncidentAction(
                Action.OPEN if state == "errored" else Action.NONE,
                alert="Run Errored" if state == "errored" else None,
                service=workspace,
                pair_key=make_key(view, "terraform_cloud", workspace),
                tool="terraform_cloud",
                confidence=0.85,
                rule=f"terraform cloud run {state}",
            )
    return None


def _workspace(view: View) -> str | None:
    if field := view.field("workspace"):
        return plain(field)
    found = next((match for link in view.links if (match := _WORKSPACE.search(link))), None)
    return found[1] if found else None
