"""`search`: how long a search in messages takes, whether its vectors' list is right, what one more costs."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bench.corpus import Corpus, history
from bench.filled import MODEL, Clusters, Drawing, fill, stock
from bench.heard import Heard, heard, neighbours
from bench.kept import Kept
from bench.processes import cpu_seconds, family
from bench.report import OUT, Report, percentile
from ratchet.domain.events import MessagePosted
from ratchet.jobs.queue import Queue
from ratchet.jobs.schema import install
from ratchet.llm.embed_local import LocalEmbedder
from ratchet.pipeline.classify import BuiltIn
from ratchet.pipeline.embed import Embed
from ratchet.pipeline.intake import Intake, MessageEvent
from ratchet.slack.identity import NOBODY
from ratchet.slack.parse import parse_stored_message
from ratchet.store import search_vectors, search_words
from ratchet.store.embedded import EmbeddedServer
from ratchet.store.embeddings import DIMENSION, Vector
from ratchet.store.migrate import migrate
from ratchet.store.pool import Database, open_database
from ratchet.store.search import Search, Within
from ratchet.store.search_within import expected, scope_of
from ratchet.store.terms import lexemes, select, terms, texts_to_parse
from ratchet.store.word_statistics import read_statistics

SIZES: Final = (10_000, 100_000, 1_000_000)
QUICK: Final = (2_000, 10_000)
# p50 and p95 in ms, by size.
TARGETS: Final = {100_000: (15.0, 30.0), 1_000_000: (40.0, 100.0)}
RECALL: Final = 0.95
RATE: Final = 0.70
# Questions whose list is compared with the exact one.
COMPARED: Final = 50
COMPARED_SLOWLY: Final = 10
FAST: Final = 100_000
BATCH: Final = 64
ROUNDS: Final = 8
EXACT: Final = """
select v.channel_id, v.ts from message_vectors v
where v.channel_id = any(%(channels)s::text[])
  and (%(since_ts)s::text is null or v.ts >= %(since_ts)s)
  and (%(author)s::text is null or v.author = %(author)s)
  and v.embedding <=> %(vector)s::halfvec <= %(far)s
order by (v.embedding <=> %(vector)s::halfvec) + 0 limit 10
"""


@dataclass(frozen=True, slots=True)
class Asking:
    """Satisfies `ratchet.store.embeddings.Embedder`: the bundled model, under the name of the drawn vectors.

    With `instead`, its vectors after the time of the model.
    """

    local: LocalEmbedder
    instead: Clusters | None = None
    model: str = MODEL
    dimension: int = DIMENSION

    async def embed(self, texts: Sequence[str]) -> Sequence[Vector]:
        vectors = await self.local.embed(texts)
        return vectors if self.instead is None else await self.instead.embed(texts)


@dataclass(frozen=True, slots=True)
class World:
    """What messages say, what is asked, and where vectors come from."""

    asking: Asking
    drawing: Drawing
    questions: Sequence[str]
    heard: Heard | None = None

    def corpus(self) -> Corpus:
        return Corpus(seed=5, channels=60, people=200, said=self.heard.text if self.heard else None)


async def _world(local: LocalEmbedder, questions: int) -> World:
    """Of real chat, where it is present."""
    if (found := heard()) is not None:
        with closing(Kept(local, OUT / "vectors.sqlite")) as kept:
            return World(Asking(local), await neighbours(kept), found.questions[:questions], found)
    clusters = Clusters()
    invented = [" ".join(Corpus(seed=1000 + n).text().split()[:8]) for n in range(questions)]
    return World(Asking(local, clusters), clusters, invented)


@dataclass(slots=True)
class Side:
    """One size of record. `rates`: messages a second, by round; `costs`: processor time a message in ms."""

    size: int
    db: Database
    postmaster: int
    corpus: Corpus
    world: World
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    last: float = 0.0

    @property
    def cpu(self) -> float:
        """Seconds on a processor so far, PostgreSQL's and ours."""
        return cpu_seconds(family(self.postmaster), children=True) + time.process_time()

    def events(self, count: int) -> list[MessageEvent]:
        """The next messages, posted now."""
        self.last = max(time.time(), self.last)
        span = 0.001 * count / 86_400
        found = history(self.corpus, count, days=span, until=self.last + 0.001 * count)
        self.last += 0.001 * count
        parsed = [parse_stored_message(channel, "public", message, NOBODY) for channel, message in found]
        return [event for event in parsed if isinstance(event, MessagePosted)]


async def run(directory: Path, *, quick: bool, sizes: Sequence[int] = ()) -> Report:
    sizes = tuple(sizes) or (QUICK if quick else SIZES)
    report = Report("search", f"hybrid search in {', '.join(f'{size:,}' for size in sizes)} messages")
    questions = 60 if quick else 200
    with closing(LocalEmbedder()) as local:
        world = await _world(local, questions)
        async with AsyncExitStack() as stack:
            sides = []
            for size in sizes:
                side = await stack.enter_async_context(_side(directory / str(size), size, report, world))
                await _measure(side, report)
                sides.append(side)
            for number in range(1 + ROUNDS):
                for side in sides if number % 2 else reversed(sides):
                    await _insert(side, counts=number > 0)
    _tell_rates(report, sides)
    report.note(
        "processor time is PostgreSQL's and Python's together, of two cores that work at the same time"
    )
    report.note("the time of a search has that of embedding the question with the bundled model in it")
    vectors = "near real ones" if world.heard else "in clusters"
    report.note(
        f"vectors are drawn {vectors} and say nothing about the texts; `quality` measures what is found"
    )
    report.note(
        "texts are made of real chat's phrases"
        if world.heard
        else "texts are invented: few words, all common"
    )
    return report


@asynccontextmanager
async def _side(directory: Path, size: int, report: Report, world: World) -> AsyncIterator[Side]:
    async with EmbeddedServer.start(directory) as server:
        await migrate(server.conninfo)
        await install(server.conninfo)
        async with open_database(server.conninfo) as db:
            assert server.pid is not None
            side = Side(size, db, server.pid, world.corpus(), world)
            began = time.perf_counter()
            indexes = await fill(db, side.corpus, size, world.drawing)
            report.add(f"{size:,} · to fill the database", time.perf_counter() - began, "s")
            report.add(f"{size:,} · of it, indexes", indexes, "s")
            yield side


def scopes(corpus: Corpus) -> dict[str, Within]:
    """Where is searched: the channel is neither the busiest nor a quiet one."""
    month = datetime.now(UTC) - timedelta(days=30)
    return {
        "everywhere": Within(),
        "one channel": Within(channel_ids=[corpus.channel_ids[10]]),
        "a busy channel": Within(channel_ids=[corpus.channel_ids[0]]),
        "30 days": Within(since=month),
        "half a year": Within(since=month - timedelta(days=150)),
        "one person": Within(author="U0BENCH007"),
    }


async def _measure(side: Side, report: Report) -> None:
    asking, questions = side.world.asking, side.world.questions
    search = Search(side.db, asking)
    for question in questions[:20]:
        await search.find(question, Within())
    targets = TARGETS.get(side.size)
    by_words = Search(side.db)
    taken = [await _taken(by_words, question, Within()) for question in questions]
    report.add(f"{side.size:,} · words alone · p50", percentile(taken, 0.5), "ms")
    # The exact answer reads every vector.
    step = max(1, len(questions) // (COMPARED if side.size <= FAST else COMPARED_SLOWLY))
    for name, within in scopes(side.corpus).items():
        before = side.cpu
        taken = [await _taken(search, question, within) for question in questions]
        used = (side.cpu - before) * 1e3 / len(questions)
        report.add(f"{side.size:,} · {name} · processor time", used, "ms")
        for share, at in ((0.5, 0), (0.95, 1)):
            what = f"{side.size:,} · {name} · p{share * 100:.0f}"
            if targets is None:
                report.add(what, percentile(taken, share), "ms")
            else:
                report.below(what, percentile(taken, share), "ms", targets[at])
        found = [await _recall(side.db, asking, question, within) for question in questions[::step]]
        right = [one for one in found if one is not None]
        report.above(
            f"{side.size:,} · {name} · recall@10", sum(right) / max(1, len(right)), "", RECALL - 1e-9
        )
        plans = await _plans(side.db, asking, questions[0], within)
        report.raw[f"{side.size} {name}"] = plans
        report.note(f"{side.size:,}, {name}: {', '.join(_indexes(plans))}")


async def _taken(search: Search, question: str, within: Within) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    await search.find(question, within)
    return (time.perf_counter() - began) * 1e3


async def _recall(db: Database, asking: Asking, question: str, within: Within) -> float | None:
    """The share of the ten nearest that the list has among its first ten; None where nothing is near."""
    (vector,) = await asking.embed([question])
    async with db.transaction() as conn:
        scope = await scope_of(conn, within)
        found = await search_vectors.near(conn, vector, MODEL, scope)
        values = search_vectors.values_of(vector, MODEL, scope, (await expected(conn, scope)).of)
        far = {"far": 1 - search_vectors.LEAST_LIKENESS}
        nearest = await (await conn.execute(EXACT, values | far, prepare=False)).fetchall()
    first = {(one.channel_id, one.ts) for one in found[:10]}
    if not nearest:
        return None
    return len(first & {(channel, ts) for channel, ts in nearest}) / len(nearest)


async def _plans(db: Database, asking: Asking, question: str, within: Within) -> dict[str, list[str]]:
    """EXPLAIN ANALYZE of both lists, as they are made for the question."""
    (vector,) = await asking.embed([question])
    async with db.transaction() as conn:
        scope = await scope_of(conn, within)
        statistics = await read_statistics(conn, search_words.STATISTICS, 0.0)
        texts = {"texts": texts_to_parse(question)}
        parsed = [row for (row,) in await (await conn.execute(search_words.PARSE, texts)).fetchall()]
        wanted = terms(lexemes(parsed, statistics), statistics)
        passing = await expected(conn, scope)
        effort = search_words.Effort.beside_vectors(passing.share)
        selection = select(wanted, statistics, effort.rows[0])
        by_words = search_words.values_of(scope, wanted, selection, 100)
        values = search_vectors.values_of(vector, MODEL, scope, passing.of)
        await conn.execute(search_vectors.WALK, {"candidates": str(values["candidates"])})
        statement = search_vectors.FEW if search_vectors.few(passing) else search_vectors.MANY
        return {
            "words": await _explain(conn, search_words.BY_WORDS, {**by_words, "most": effort.most}),
            "vectors": await _explain(conn, statement, values),
        }


async def _explain(conn: Any, statement: str, values: dict[str, Any]) -> list[str]:
    explained = await conn.execute(f"explain (analyze, buffers) {statement}".encode(), values, prepare=False)
    return [row[0][:300] for row in await explained.fetchall()]


def _indexes(plans: dict[str, list[str]]) -> list[str]:
    """The scans of the large tables, once each."""
    scans = [
        line.split("(cost")[0].strip(" ->")
        for plan in plans.values()
        for line in plan
        if " Scan" in line and ("messages" in line or "message_vectors" in line)
    ]
    return list(dict.fromkeys(scans))


async def _insert(side: Side, *, counts: bool) -> None:
    """Messages with all their index entries, as the intake and the embedding job write them."""
    intake = Intake(side.db, Queue(side.db.connection), BuiltIn())
    events = side.events(BATCH)
    vectors = stock(side.world.drawing, 2 * BATCH)
    began, before = time.perf_counter(), side.cpu
    await intake.record_history(events, onboard=False)
    await Embed(side.db, vectors).work(vectors, time.monotonic() + 600)
    async with side.db.connection() as conn:
        await conn.execute("select gin_clean_pending_list('messages_fts')")
    if counts:
        side.rates.append(len(events) / (time.perf_counter() - began))
        side.costs.append((side.cpu - before) * 1e3 / len(events))


def _tell_rates(report: Report, sides: Sequence[Side]) -> None:
    for side in sides:
        report.add(f"{side.size:,} · messages with their index entries", percentile(side.rates, 0.5), "1/s")
        report.add(f"{side.size:,} · processor time of one", percentile(side.costs, 0.5), "ms")
    first, last = sides[0], sides[-1]
    ratio = percentile(last.rates, 0.5) / percentile(first.rates, 0.5)
    report.above(f"{last.size:,} to {first.size:,} · rate of inserting", ratio, "×", RATE)
