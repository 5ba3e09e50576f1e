"""Whatever the order and number of deliveries, the stored messages come out the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.domain.events import MessageDeleted, MessagePosted, ReactionChanged
from ratchet.domain.messages import MessageRef, Sender
from ratchet.pipeline.fold import Plan, Present, Snapshot, content_hash, decode, encode, fold

PERSON = Sender("person", "U1")


def flatten(payload: object) -> str:
    assert isinstance(payload, dict)
    return str(payload.get("text", ""))


def posted(ts: str, text: str, *, version: str | None = None, parent_ts: str | None = None) -> MessagePosted:
    return MessagePosted(
        "C1", "public", ts, version or ts, PERSON, {"text": text}, parent_ts, change=version is not None
    )


class Table:
    """What PostgreSQL does with a plan, in memory."""

    def __init__(self) -> None:
        self.rows: dict[MessageRef, tuple[str, str, bytes, str | None]] = {}
        self.buried: set[MessageRef] = set()
        self.parked: dict[MessageRef, list[MessagePosted]] = {}
        self.seen: set[tuple[str, str]] = set()

    def apply(self, events: Sequence[MessagePosted | MessageDeleted | ReactionChanged]) -> Plan:
        known = {ref: Present(v, h, p) for ref, (_, v, h, p) in self.rows.items()}
        plan = fold(events, Snapshot(known, frozenset(self.buried), self.parked), flatten)
        for ref, (message, digest) in plan.upserts.items():
            self.rows[ref] = (message.text, message.version, digest, message.parent_ts)
        for event in plan.park:
            self.parked.setdefault(MessageRef(event.channel_id, event.ts), []).append(event)
        for ref in plan.unpark:
            self.parked.pop(ref, None)
        for ref in plan.deletes:
            self.buried.add(ref)
            self.rows.pop(ref, None)
            self.parked.pop(ref, None)
        self.seen |= {(v.message.ts, v.message.version) for v in plan.versions}
        return plan

    @property
    def texts(self) -> dict[str, str]:
        return {ref.ts: row[0] for ref, row in self.rows.items()}


def test_an_edit_replaces_the_text_and_is_looked_at_again() -> None:
    table = Table()
    table.apply([posted("1.1", "firing")])
    plan = table.apply([posted("1.1", "resolved", version="1.9")])
    assert table.texts == {"1.1": "resolved"}
    assert [(v.message.text, v.edit) for v in plan.versions] == [("resolved", True)]


def test_an_edit_that_changes_nothing_is_not_looked_at_again() -> None:
    table = Table()
    table.apply([posted("1.1", "same")])
    plan = table.apply([posted("1.1", "same", version="1.9")])
    assert plan.versions == []


def test_an_edit_before_its_message_waits_and_both_forms_are_looked_at() -> None:
    table = Table()
    assert table.apply([posted("1.1", "resolved", version="1.9")]).upserts == {}
    assert table.texts == {}
    plan = table.apply([posted("1.1", "firing")])
    assert table.texts == {"1.1": "resolved"}
    assert [v.message.text for v in plan.versions] == ["firing", "resolved"]
    assert table.parked == {}


def test_a_late_older_edit_changes_nothing_but_is_looked_at() -> None:
    table = Table()
    table.apply([posted("1.1", "a"), posted("1.1", "c", version="1.9")])
    plan = table.apply([posted("1.1", "b", version="1.5")])
    assert table.texts == {"1.1": "c"}
    assert [v.message.text for v in plan.versions] == ["b"]


def test_a_deleted_message_does_not_come_back() -> None:
    table = Table()
    table.apply([MessageDeleted("C1", "1.1", "1.9")])
    plan = table.apply([posted("1.1", "again"), posted("1.1", "edited", version="1.5")])
    assert table.texts == {}
    assert plan.versions == []
    assert plan.park == []


def test_a_message_deleted_in_its_own_batch_triggers_nothing() -> None:
    plan = Table().apply([posted("1.1", "oops"), MessageDeleted("C1", "1.1", "1.2")])
    assert plan.versions == []
    assert plan.upserts == {}
    assert plan.deletes == [MessageRef("C1", "1.1")]


def test_an_edit_keeps_the_parent_that_its_payload_leaves_out() -> None:
    table = Table()
    table.apply([posted("1.2", "reply", parent_ts="1.1")])
    plan = table.apply([posted("1.2", "better", version="1.9")])
    assert plan.versions[0].message.parent_ts == "1.1"


def test_a_deleted_root_with_replies_goes_on_empty_and_is_not_looked_at() -> None:
    edit = MessagePosted(
        "C1", "public", "1.1", "1.9", PERSON, {"text": "deleted", "subtype": "tombstone"}, change=True
    )
    table = Table()
    plan = table.apply([posted("1.1", "secret"), edit])
    assert table.texts == {"1.1": "deleted"}
    assert plan.emptied == [MessageRef("C1", "1.1")]
    assert plan.versions == []


def test_history_tells_of_an_edit_that_slack_does_not_date() -> None:
    table = Table()
    table.apply([posted("1.1", "firing")])
    stale = replace(posted("1.1", "resolved"), read_at="1.05")
    assert table.apply([stale]).upserts == {}
    plan = table.apply([replace(posted("1.1", "resolved"), read_at="1.5")])
    assert table.texts == {"1.1": "resolved"}
    assert [(v.message.version, v.edit) for v in plan.versions] == [("1.5", True)]
    assert table.apply([replace(posted("1.1", "resolved"), read_at="1.7")]).upserts == {}


def test_a_parked_older_edit_does_not_replace_newer_history() -> None:
    table = Table()
    table.apply([posted("1.1", "old edit", version="1.5")])
    plan = table.apply([replace(posted("1.1", "newest"), version="1.9")])
    assert table.texts == {"1.1": "newest"}
    assert [v.message.text for v in plan.versions] == ["newest", "old edit"]


def test_a_parked_edit_survives_its_way_through_json() -> None:
    edit = posted("1.1", "x", version="1.2")
    assert decode(MessageRef("C1", "1.1"), encode(edit)) == edit


def test_what_slack_rewrites_by_itself_is_not_content() -> None:
    assert content_hash({"text": "a", "reply_count": 1, "edited": {"ts": "1"}}) == content_hash({"text": "a"})
    assert content_hash({"text": "a", "attachments": [{"color": "good"}]}) != content_hash({"text": "a"})


@st.composite
def histories(draw: st.DrawFn) -> list[MessagePosted | MessageDeleted]:
    """Posts, some edited, some deleted, in the order Slack would send them."""
    events: list[MessagePosted | MessageDeleted] = []
    for number in range(draw(st.integers(1, 5))):
        ts = f"{number + 1}.000001"
        events.append(posted(ts, f"text {number}"))
        events += [
            posted(ts, f"text {number} edit {edit}", version=f"{50 + number * 10 + edit}.000001")
            for edit in range(draw(st.integers(0, 3)))
        ]
        if draw(st.booleans()):
            events.append(MessageDeleted("C1", ts, f"{99}.000001"))
    return events


@settings(max_examples=300)
@given(history=histories(), data=st.data())
def test_any_order_with_repeats_in_any_batches_ends_in_the_same_rows(
    history: list[MessagePosted | MessageDeleted], data: st.DataObject
) -> None:
    straight = Table()
    for event in history:
        straight.apply([event])
    repeats = data.draw(st.lists(st.sampled_from(history), max_size=4))
    shuffled = data.draw(st.permutations([*history, *repeats]))
    crooked = Table()
    position = 0
    while position < len(shuffled):
        size = data.draw(st.integers(1, 5))
        crooked.apply(shuffled[position : position + size])
        position += size
    assert crooked.rows == straight.rows
    # Every form of a message that is still there was looked at.
    alive = {ref.ts for ref in straight.rows}
    assert {s for s in straight.seen if s[0] in alive} <= crooked.seen
