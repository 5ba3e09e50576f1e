"""Stories of alerts as Slack would tell them, and the incidents that a person would make of them.

The second half knows nothing of SQL: it walks through what happened, in order, with one incident in hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from hypothesis import strategies as st

from ratchet.alerts import read_rules
from ratchet.domain.incidents import SILENCE
from ratchet.domain.messages import posted_at
from tests.integration.pipeline.house import Raw, alert_said, deleted, edited, reacted, said

# Says that something is wrong, and neither what nor where.
NAMELESS: Final = read_rules(
    "rules: [{name: nameless, when: {text: '^(?P<state>DOWN|UP)$'}, action: '{state}'}]"
)
CHANNELS: Final = ("C1", "C2")
# The second one only resolves, in threads; it knows the same alerts.
BOTS: Final = ("B0AM", "B0OTHER")
MINUTE, HOUR = 60, 3600
# No sum of these is near 24 h and a part of a minute, the last pause included: no story ends on the border.
GAPS: Final = (10 * MINUTE, 2 * HOUR, 13 * HOUR, 25 * HOUR)
LAST_GAPS: Final = (5 * MINUTE, 20 * HOUR + 5 * MINUTE, 30 * HOUR + 5 * MINUTE)


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alert calls itself. `key` None: nothing at all, so that only its thread pairs it."""

    key: str | None
    alert: str | None
    service: str | None
    common: str = "(web-1 critical)"

    def body(self, *, firing: bool) -> Raw:
        if self.key is None:
            return {"text": "DOWN" if firing else "UP", "attachments": []}
        attachment = alert_said("0.0", "-", firing=firing)["attachments"][0]
        state = "[FIRING:1]" if firing else "[RESOLVED]"
        title = f"{state} {self.key} {self.common}"
        return {"text": "", "attachments": [attachment | {"title": title, "fallback": title}]}


SUBJECTS: Final = (
    Subject("NodeDown1 checkout", "NodeDown1", "checkout"),
    Subject("NodeDown2 checkout", "NodeDown2", "checkout"),
    Subject("shop", None, "shop", "(monitoring/k8s warning)"),
    Subject(None, None, None),
)


@dataclass(frozen=True, slots=True)
class Form:
    """What a message says since `version`."""

    version: str
    subject: Subject
    firing: bool


@dataclass(slots=True)
class Said:
    """A bot's message with all its forms; `gone`: deleted."""

    channel: str
    raw: Raw
    parent: str | None
    forms: list[Form]
    gone: bool = False

    @property
    def ts(self) -> str:
        return self.forms[0].version

    @property
    def bot(self) -> str:
        return str(self.raw["bot_id"])


@dataclass(slots=True)
class Story:
    """`subjects` and `channels` are those it is about.

    `replies`: channel, thread and ts of what people wrote. `reactions`: by channel and ts, the last event and
    whether it was given in it.
    """

    subjects: Sequence[Subject] = SUBJECTS
    channels: Sequence[str] = CHANNELS

    events: list[Raw] = field(default_factory=list)
    bots: list[Said] = field(default_factory=list)
    replies: list[tuple[str, str, str]] = field(default_factory=list)
    reactions: dict[tuple[str, str], tuple[str, bool]] = field(default_factory=dict)

    def post(self, form: Form, channel: str, parent: str | None = None, bot: str = BOTS[0]) -> None:
        raw = alert_said(form.version, "-", thread_ts=parent) | form.subject.body(firing=form.firing)
        raw |= {"channel": channel, "bot_id": bot}
        self.events.append(raw)
        self.bots.append(Said(channel, raw, parent, [form]))

    def edit(self, message: Said, form: Form) -> None:
        self.events.append(edited(message.raw, form.version, **form.subject.body(firing=form.firing)))
        message.forms.append(form)

    def delete(self, message: Said, when: str, *, leaves_root: bool) -> None:
        """A deleted root that has replies stays, as an empty place."""
        message.gone = True
        emptied = edited(message.raw, when, subtype="tombstone", text="deleted", attachments=[])
        self.events.append(emptied if leaves_root else deleted(message.ts, when, channel=message.channel))

    def reply(self, message: Said, ts: str) -> None:
        root = message.parent or message.ts
        self.events.append(said(ts, "on it", thread_ts=root, channel=message.channel))
        self.replies.append((message.channel, root, ts))

    def react(self, message: Said, when: str) -> None:
        """Given, or taken back when it was given before."""
        place = (message.channel, message.ts)
        added = not self.reactions.get(place, ("", False))[1]
        self.events.append(reacted(message.ts, "eyes", when, channel=message.channel, added=added))
        self.reactions[place] = (when, added)

    def history(self) -> list[Raw]:
        """The bots' messages as Slack's history has them: the last form only."""
        return [_last_form(message) for message in self.bots if not message.gone]


def _last_form(message: Said) -> Raw:
    last = message.forms[-1]
    raw = message.raw | last.subject.body(firing=last.firing)
    return raw if len(message.forms) == 1 else raw | {"edited": {"user": "U1", "ts": last.version}}


@st.composite
def stories(draw: st.DrawFn, now: float, most: int = 16) -> Story:
    """What happened up to a while before `now` (seconds since the UTC epoch)."""
    gaps = draw(st.lists(st.sampled_from(GAPS), min_size=4, max_size=most))
    moment = int(now) - draw(st.sampled_from(LAST_GAPS)) - sum(gaps)
    story = Story(
        draw(st.lists(st.sampled_from(SUBJECTS), min_size=1, max_size=3)),
        draw(st.sampled_from([CHANNELS[:1], CHANNELS])),
    )
    for gap in gaps:
        moment += gap
        _step(draw, story, f"{moment}.000000")
    return story


def _step(draw: st.DrawFn, story: Story, ts: str) -> None:
    known = [message for message in story.bots if not message.gone]
    kinds = ["fire", "fire", "resolve"]
    if known:
        kinds += ["edit", "edit", "edit", "resolve in thread", "reply", "react", "delete"]
    kind = draw(st.sampled_from(kinds))
    if kind in ("fire", "resolve"):
        form = Form(ts, draw(st.sampled_from(story.subjects)), kind == "fire")
        story.post(form, draw(st.sampled_from(story.channels)))
        return
    message = draw(st.sampled_from(known))
    match kind:
        case "edit":
            own = st.just(message.forms[0].subject)
            story.edit(message, Form(ts, draw(own | own | st.sampled_from(SUBJECTS)), draw(st.booleans())))
        case "resolve in thread":
            form = Form(ts, draw(st.sampled_from(SUBJECTS)), firing=False)
            bot = draw(st.sampled_from([BOTS[0], *BOTS]))
            story.post(form, message.channel, message.parent or message.ts, bot)
        case "reply":
            story.reply(message, ts)
        case "react":
            story.react(message, ts)
        case "delete":
            story.delete(message, ts, leaves_root=draw(st.booleans()))


@dataclass(slots=True)
class Expected:
    """An incident. `firings`: the messages and times of its firings."""

    channel: str
    subject: Subject
    thread: str
    firings: list[tuple[str, datetime]]
    last_at: datetime
    close: tuple[str, datetime] | None = None

    def state(self, now: datetime) -> str:
        if self.close:
            return "closed"
        return "expired" if now - self.last_at > SILENCE else "open"


@dataclass(frozen=True, slots=True)
class Step:
    """One form of a message, with the key it goes by. `stays`: it fired before, and is edited."""

    at: datetime
    message: Said
    form: Form
    key: str
    stays: bool


def expected(story: Story) -> list[Expected]:
    """The incidents of the story, oldest first."""
    left = [message for message in story.bots if not message.gone]
    by_key: dict[tuple[str, str], list[Step]] = {}
    for step in _steps(left):
        by_key.setdefault((step.message.channel, step.key), []).append(step)
    found = [incident for steps in by_key.values() for incident in _incidents(steps)]
    return sorted(found, key=lambda incident: incident.firings[0][1])


def _steps(messages: Sequence[Said]) -> Iterator[Step]:
    roots = {(message.channel, message.ts): message for message in messages}
    for message in messages:
        before: Form | None = None
        for form in message.forms:
            root = roots.get((message.channel, message.parent or ""))
            answers = root if root and root.bot == message.bot and not form.firing else None
            key = _opened_as(message, form) or (_opened_as(answers) if answers else None)
            stays = form.firing and before is not None and before.firing
            yield Step(posted_at(form.version), message, form, key or _own_key(message, form), stays)
            before = form


def _opened_as(message: Said, until: Form | None = None) -> str | None:
    """The key under which the message first fired, before one of its forms."""
    for form in message.forms:
        if form is until:
            return None
        if form.firing:
            return _own_key(message, form)
    return None


def _own_key(message: Said, form: Form) -> str:
    named = form.subject.key
    return f"{message.bot} {named}" if named else f"thread {message.parent or message.ts}"


def _incidents(steps: Iterable[Step]) -> Iterator[Expected]:
    current: Expected | None = None
    for step in sorted(steps, key=lambda step: step.at):
        running = current is not None and current.close is None
        if not step.form.firing or step.stays:
            if current is not None and running:
                current.last_at = step.at
                if not step.form.firing:
                    current.close = (step.message.ts, step.at)
            continue
        if current is not None and running and step.at - current.last_at <= SILENCE:
            current.last_at = step.at
            current.firings.append((step.message.ts, step.at))
            continue
        if current is not None:
            yield current
        message = step.message
        thread = message.parent or message.ts
        current = Expected(message.channel, step.form.subject, thread, [(message.ts, step.at)], step.at)
    if current is not None:
        yield current


def acknowledged_at(story: Story, incident: Expected) -> datetime | None:
    """The first reply or reaction of a person in the thread, once it had opened."""
    thread = {(m.channel, m.ts) for m in story.bots if not m.gone and incident.thread in (m.ts, m.parent)}
    opened = incident.firings[0][1]
    times = [
        posted_at(ts)
        for channel, root, ts in story.replies
        if (channel, root) == (incident.channel, incident.thread)
    ]
    times += [
        posted_at(when)
        for (channel, ts), (when, given) in story.reactions.items()
        if given and channel == incident.channel and (channel, ts) in thread
    ]
    return min((at for at in times if at >= opened), default=None)
