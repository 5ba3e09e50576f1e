"""GitHub's app and the usual actions that report a workflow. A failed run opens; success is no incident.

https://github.com/integrations/slack · https://github.com/rtCamp/action-slack-notify · https://github.com/8398a7/action-slack
"""

from __future__ import annotations

import re

from ratchet.alerts.judgement import by_colour
from ratchet.alerts.keys import make_key
from ratchet.alerts.view import View, plain
from ratchet.alerts.words import duration_s, without_emoji
from ratchet.domain.incidents import Action, IncidentAction

_RUN = re.compile(
    r"^\W*Workflow (?P<name>.+?)(?: #\d+)?(?: \(?https?://\S+\)?)? "
    r"(?P<result>succeeded|failed|was cancelled|cancelled|timed out|was skipped|startup failure)\W*$",
    re.IGNORECASE,
)
_STARTED = re.compile(r"^\W*(?:<[^>]*>\s*)?Workflow (?:run )?was triggered\b", re.IGNORECASE)
_REPOSITORY = re.compile(r"github\.com/([\w.-]+/[\w.-]+)/(?:actions|commit|pull|tree|runs)\b")
_FAILED = re.compile(r"fail|error|timed out|❌|:x:|:no_entry:", re.IGNORECASE)
_FINISHED = re.compile(r"^\W*(?P<result>Failed|Succeeded|Cancelled) GitHub Actions\b", re.IGNORECASE)
_NUMBER = re.compile(r"\s*#\d+$")
_ACTION_FOOTERS = ("github-actions-library", "action-slack", "8398a7")
_NEWS = re.compile(
    r"^\W*(?:\[[\w.-]+/[\w.-]+(?::[\w./-]+)?\]|\[?[\w.-]+:[\w./-]+\]?\s+\d+ (?:new )?commits?)"
    r"\s*(?:New |Issue |Pull request |Comment |Release |Branch |Tag |Deployment "
    r"|\d+ (?:new )?commits?|.{0,80}"
    r"(?:opened|closed|merged|reopened|commented|review|created|deleted|pushed))",
    re.IGNORECASE,
)


def parse(view: View) -> IncidentAction | None:
    named = "github" in view.name
    about = named or "ithub" in view.raw or "itHub" in view.raw or "orkflow" in view.raw
    if not view.headlines or not (about or view.field("ref")):
        return None
    return _broadcast(view) or _card(view) or _action(view) or _news(view, named)


def _broadcast(view: View) -> IncidentAction | None:
    for line in view.headlines[:2]:
        if found := _RUN.match(without_emoji(line)):
            return _workflow(view, _NUMBER.sub("", found["name"]), found["result"], _repository(view), None)
    return None


def _card(view: View) -> IncidentAction | None:
    """The app's card, edited while the run goes on; the word "triggered" in it means nothing."""
    if not view.headlines or not _STARTED.match(view.headlines[0]):
        return None
    card = view.attachments[0] if view.attachments else None
    title = _NUMBER.sub("", plain(card.title)) if card else ""
    status = without_emoji(view.field("status") or "")
    repository = plain(card.footer) if card and card.footer else _repository(view)
    return _workflow(view, title, status, repository, view.field("duration"))


def _workflow(view: View, name: str, result: str, service: str | None, took: str | None) -> IncidentAction:
    failed = _FAILED.search(result) is not None
    return IncidentAction(
        Action.OPEN if failed else Action.NONE,
        alert=f"Workflow {name} failed" if failed else f"Workflow {name}",
        service=service,
        pair_key=make_key(view, "github", service, name),
        stated_duration_s=duration_s(took) if took else None,
        tool="github",
        confidence=0.9,
        rule=f"github workflow {result.lower() or 'started'}",
    )


def _action(view: View) -> IncidentAction | None:
    """rtCamp/action-slack-notify and 8398a7/action-slack: a post per run, told apart by colour or title."""
    finished = next(
        (found for line in view.headlines if (found := _FINISHED.match(without_emoji(line)))), None
    )
    footer = any(name in one.footer for one in view.attachments for name in _ACTION_FOOTERS)
    fields = view.field("ref") is not None and view.field("actions url", "action", "workflow") is not None
    if not finished and not footer and not fields:
        return None
    failed = finished["result"].lower() == "failed" if finished else by_colour(view.colour) is Action.OPEN
    alert = view.field("workflow", "actions url", "action", "job") or "workflow"
    service = view.field("repo", "repository") or _repository(view)
    return IncidentAction(
        Action.OPEN if failed else Action.NONE,
        alert=alert,
        service=service,
        pair_key=make_key(view, "github_actions", service, alert),
        tool="github_actions",
        confidence=0.85,
        rule=f"github action {'failed' if failed else 'finished'}",
    )


def _news(view: View, named: bool) -> IncidentAction | None:
    """Commits, issues, comments: a title that says "down" or "resolved" is somebody's wording."""
    if any(_NEWS.match(line) for line in view.headlines[:3]) or (
        named and not _FAILED.search(view.headlines[0])
    ):
        return IncidentAction(Action.NONE, tool="github", confidence=0.9, rule="github news")
    return None


def _repository(view: View) -> str | None:
    found = next((match for link in view.links if (match := _REPOSITORY.search(link))), None)
    return found[1] if found else None
