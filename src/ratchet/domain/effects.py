"""What a handler wants to happen. `pipeline.deliver` is the only one that does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ratchet.domain.channels import Changes
from ratchet.domain.messages import ChannelMode

Form = Literal["approval", "hand_over", "suggest_docs"]


@dataclass(frozen=True, slots=True)
class Footer:
    """The muted line under an answer: which module spoke and what it cost.

    `prompt_hash` is not shown: by which instructions, as `ModelCall` has it.
    """

    module: str
    model: str | None = None
    model_calls: int = 0
    tokens: int = 0
    cost_usd: float | None = None
    seconds: float | None = None
    prompt_hash: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """Standard Markdown into the thread under `thread_ts`, of any length: the renderer splits it.

    `mrkdwn`, here and below: it is written in Slack's own dialect instead.
    `ping`: the user group that is notified, by id (S…) or @handle; nothing in `markdown` ever notifies one.
    """

    channel_id: str
    thread_ts: str
    markdown: str
    footer: Footer | None = None
    feedback: bool = False
    mrkdwn: bool = False
    ping: str | None = None
    kind: Literal["reply"] = "reply"


@dataclass(frozen=True, slots=True)
class Post:
    """Standard Markdown as a new message in a channel. Of several with the same key `once`, one is posted."""

    channel_id: str
    markdown: str
    footer: Footer | None = None
    once: str | None = None
    mrkdwn: bool = False
    kind: Literal["post"] = "post"


@dataclass(frozen=True, slots=True)
class DirectMessage:
    """Standard Markdown to one person, by user id or by e-mail address."""

    markdown: str
    user_id: str | None = None
    email: str | None = None
    mrkdwn: bool = False
    kind: Literal["direct_message"] = "direct_message"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file into the thread under what another effect of the same run says.

    `content` is base64. `title` is also the text for those who cannot see the file. `under`: the number of
    that effect among the run's. `thread_key` is the key of its message, which the pipeline fills in.
    """

    channel_id: str
    filename: str
    title: str
    content: str
    under: int = 0
    thread_key: str = ""
    kind: Literal["upload"] = "upload"


@dataclass(frozen=True, slots=True)
class React:
    channel_id: str
    ts: str
    reaction: str
    kind: Literal["react"] = "react"


@dataclass(frozen=True, slots=True)
class Annotate:
    """Values merged into a message's `attrs`. Ratchet's own; never visible in Slack."""

    channel_id: str
    ts: str
    attrs: dict[str, Any] = field(default_factory=dict)
    kind: Literal["annotate"] = "annotate"


@dataclass(frozen=True, slots=True)
class SetManners:
    """How Ratchet behaves in a channel from now on; what `changes` does not name stays. So does mode None."""

    channel_id: str
    changes: Changes = field(default_factory=dict)
    mode: ChannelMode | None = None
    kind: Literal["set_manners"] = "set_manners"


@dataclass(frozen=True, slots=True)
class KeepRunbook:
    """A new version of a runbook. `content` is `runbooks.to_json`; `sources` are `(channel id, ts)` of every
    message that went into it. Nothing is kept when one of them was deleted meanwhile.

    `scope` and `evidence`: see `runbooks.KeptRunbook`. A pinned version replaces what was pinned before.
    """

    scope: str
    service: str | None
    alert: str
    writer: Literal["model", "person"]
    author: str
    evidence: str
    content: dict[str, Any]
    sources: tuple[tuple[str, str], ...]
    pinned: bool = False
    kind: Literal["keep_runbook"] = "keep_runbook"


@dataclass(frozen=True, slots=True)
class UnpinRunbook:
    """What a person pinned is no longer said; the newest triage is."""

    scope: str
    service: str | None
    alert: str
    kind: Literal["unpin_runbook"] = "unpin_runbook"


@dataclass(frozen=True, slots=True)
class OpenPull:
    """A pull request for a change of documents, `proposals.to_json`. `link` is the thread's permalink."""

    channel_id: str
    thread_ts: str
    link: str
    change: dict[str, Any]
    kind: Literal["open_pull"] = "open_pull"


@dataclass(frozen=True, slots=True)
class SetSchedule:
    """What happens in a channel by the clock from now on; `cron` None: not any more."""

    channel_id: str
    schedule: str
    cron: str | None = None
    time_zone: str = "UTC"
    kind: Literal["set_schedule"] = "set_schedule"


@dataclass(frozen=True, slots=True)
class LookLater:
    """The thread under `thread_ts` is looked at when nobody has written in it for `after_s` seconds."""

    channel_id: str
    thread_ts: str
    after_s: float
    kind: Literal["look_later"] = "look_later"


@dataclass(frozen=True, slots=True)
class TakeBack:
    """What was asked with buttons about the message `(channel id, ts)`, and is not decided, disappears."""

    source: tuple[str, str]
    form: Form
    kind: Literal["take_back"] = "take_back"


@dataclass(frozen=True, slots=True)
class Unsay:
    """The messages that were posted under an outbox key disappear."""

    channel_id: str
    key: str
    kind: Literal["unsay"] = "unsay"


# What an approval may set off.
Deferred = KeepRunbook | UnpinRunbook | SetManners | SetSchedule | OpenPull | Reply


@dataclass(frozen=True, slots=True)
class AskApproval:
    """Standard Markdown with Approve and Reject buttons, into a thread; `effects` happen on approval only.

    `asked_by` is a user id. `source` is `(channel id, ts)` of the message that asked for it: when that is
    deleted, so is what it asked for. After `expires_s` seconds the answer is no. `turn`: of a turn that
    waits, to go on from, whether approved or rejected; kept with the approval only.
    `form`: `hand_over` has one button, that anybody may click, and calls the owners; `suggest_docs` asks
    anybody whether an answer belongs into the documents.
    `draft`: what is asked is whether to post an answer. The buttons say so, and once that is decided only
    the first line of `markdown` is kept. `thread_ts` "": a new message in the channel.
    """

    channel_id: str
    thread_ts: str
    markdown: str
    effects: tuple[Deferred, ...]
    asked_by: str
    source: tuple[str, str]
    footer: Footer | None = None
    expires_s: float = 86_400.0
    turn: dict[str, Any] | None = None
    draft: bool = False
    form: Form = "approval"
    kind: Literal["ask_approval"] = "ask_approval"


OwnEffect = Annotate | SetManners | SetSchedule | KeepRunbook | UnpinRunbook | OpenPull | LookLater | TakeBack
Said = Reply | Post | DirectMessage | React | AskApproval | Upload | Unsay
Effect = Said | OwnEffect
