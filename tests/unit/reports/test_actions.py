"""What people did, from what they wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.reports.actions import Action, actions_in, cited, fixing, useful


def found(text: str, *trivial: str) -> set[tuple[str, str]]:
    return {(action.kind, str(action)) for action in actions_in(text, trivial)}


def helps(item: str, did: str) -> bool:
    return bool(useful(actions_in(item), actions_in(did)))


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ("`kubectl -n shop rollout restart deploy/api`", "did `kubectl rollout restart deploy/api` again"),
        ("`kubectl -n shop scale deploy/api --replicas=6`", "```\n$ kubectl scale deploy/api```"),
        ("`kubectl delete pod api-7d9f8b6c4d-x2x9z`", "`kubectl delete pod api-59c8ddf7b9-kk2lp`"),
        ("`sudo systemctl restart nginx`", "`/usr/bin/systemctl restart nginx`"),
        ("`git revert 3f2a9c1d shop-config`", "`git revert 90ab12ff shop-config`"),
        ("`FORCE=1 make deploy`", "`make deploy`"),
        ("```\nflagctl set new_pricing=off \\\n  --env prod\n```", "`flagctl set new_pricing=off`"),
        ("`flagctl off new_pricing`", "turned `new_pricing` off"),
        ("reverted in https://git.example.com/shop/pull/12", "see <https://git.example.com/shop/pull/12/|that>."),
    ],
)  # fmt: skip
def test_the_same_action_is_known_in_another_form(before: str, then: str) -> None:
    assert helps(before, then)


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ("`kubectl rollout restart deploy/api`", "`kubectl rollout restart deploy/payments`"),
        ("`kubectl rollout restart deploy/api`", "`kubectl rollout undo deploy/api`"),
        ("`kubectl get pods`", "`kubectl get nodes`"),
        ("`systemctl restart nginx`", "`systemctl restart`"),
        ("https://git.example.com/shop/pull/12", "https://git.example.com/shop/pull/13"),
        ("restarted it", "restarted it"),
    ],
)
def test_another_action_is_another(before: str, then: str) -> None:
    assert not helps(before, then)


def test_output_and_errors_in_code_are_no_commands() -> None:
    assert (
        found("```\njava.lang.NullPointerException: currency\n  at Orders.apply(Orders.java:118)\n```")
        == set()
    )
    assert found("`connection refused by db` `ERR_TIMEOUT` `503`") == set()
    shown = found("```\n$ df -h /var\nFilesystem Size Used\noverlay full again\n```")
    assert shown == {("look", "df var")}


def test_to_look_again_is_no_fix_where_people_did_more() -> None:
    looked, changed = "`kubectl -n shop get pods`", "`kubectl -n shop rollout restart deploy/api`"
    both = fixing(actions_in(f"{looked} then {changed}"))
    assert {action.kind for action in both} == {"command"}
    assert {action.kind for action in fixing(actions_in(looked))} == {"look"}
    kinds = [
        ("`curl https://es.example.com/_cat/health`", "look"),
        ("`curl -XPOST https://es.example.com/_cache/clear`", "command"),
        ("`select pid, state from pg_stat_activity`", "look"),
        ("`select pg_terminate_backend(pid) from pg_stat_activity`", "command"),
        ("`redis-cli -h cache --bigkeys`", "look"),
        ("`redis-cli -h cache flushdb`", "command"),
    ]
    for text, kind in kinds:
        assert {action.kind for action in actions_in(text)} - {"link"} == {kind}


def test_the_alerts_own_name_is_no_news() -> None:
    assert found("`checkout-api` and `new_pricing`", "checkout-api") == {("name", "new_pricing")}


def test_a_link_to_an_earlier_thread_is_answered_by_citing_it() -> None:
    did = actions_in(
        "as in https://team.slack.com/archives/C1/p1700000000000100?thread_ts=1700000000.000100&cid=C1"
    )
    assert useful(cited("C1", "1700000000.000100"), did) == did == {Action("thread", "C1:1700000000.000100")}


@given(st.text(max_size=300).map(lambda text: f"`{text}` ```{text}``` https://{text}"))
def test_any_text_can_be_read_and_is_the_same_as_itself(text: str) -> None:
    did = actions_in(text)
    assert useful(did, did) == {a for a in did if a.kind != "command" or a.words}
