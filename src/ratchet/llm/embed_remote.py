"""An embedding model at any OpenAI-compatible server. Imports pydantic_ai: reach it through `open_remote`.

Secrets are redacted before a text leaves, and a text that cannot be checked does not leave.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from openai import APIStatusError
from pydantic_ai import exceptions as theirs
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.embeddings.result import EmbedInputType

from ratchet.domain.errors import Misconfigured, RatchetError, Refused, Transient
from ratchet.domain.model_calls import ModelCall
from ratchet.llm.config import ModelConfig
from ratchet.llm.embed_config import EmbeddingConfig, wants
from ratchet.llm.failures import translated
from ratchet.llm.prices import known_price
from ratchet.llm.providers import open_client, provider_at
from ratchet.llm.recorded import RECORD_S, CallRecorder
from ratchet.llm.redact import RedactionFailed, Redactor, redact

logger = logging.getLogger(__name__)

# Of one request. OpenAI takes 2,048 texts and 300,000 tokens; small servers less.
MAX_TEXTS: Final = 64
MAX_CHARS: Final = 520_000
# What says that it is the texts: too long, or not to the server's liking.
TEXT_STATUS: Final = frozenset({400, 413, 422})
# An exhausted quota is not mended within a minute.
QUOTA_S: Final = 600.0
PROBE: Final = "ready"

Vector = list[float]


class RemoteEmbedder:
    """Texts to unit vectors. Satisfies `ratchet.store.embeddings.Embedder`; `queries` embeds questions.

    `dimension` is 0 before the first vector. `aclose` at the end.
    """

    def __init__(
        self,
        config: EmbeddingConfig,
        recorder: CallRecorder | None = None,
        redactor: Redactor = redact,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model: Final = config.model
        self.dimension = 0
        self._config = config
        self._wants = wants(config.model)
        self._recorder = recorder
        self._redactor = redactor
        self._clock = clock
        self._client = open_client(config.url, config.api_key, config.timeout_s)
        self._endpoint = OpenAIEmbeddingModel(config.model, provider=provider_at(self._client, config.url))
        self._price = known_price(ModelConfig(config.url, config.model, price=config.price))

    @property
    def queries(self) -> QueryEmbedder:
        return QueryEmbedder(self)

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector a text, in order. Raises Transient, Misconfigured; Refused for a text that gets none."""
        return await self._embed(texts, "document", self._config.timeout_s)

    async def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        """As `embed`, for questions: within a few seconds."""
        return await self._embed(texts, "query", self._config.query_timeout_s)

    async def aclose(self) -> None:
        await self._client.close()

    async def _embed(self, texts: Sequence[str], kind: EmbedInputType, timeout_s: float) -> list[Vector]:
        prefix = self._wants.query if kind == "query" else self._wants.document
        # All of them before the first leaves: of a batch that is refused nothing was embedded in vain.
        ready = [await self._ready(text, prefix) for text in texts]
        vectors: list[Vector] = []
        for part in batches(ready):
            try:
                vectors += await self._ask(part, kind, timeout_s)
            except Refused as refused:
                if len(ready) > 1:
                    raise
                await self._see_that_it_works(refused, timeout_s)
                raise
        return vectors

    async def _ready(self, text: str, prefix: str) -> str:
        """What is sent for a text. Raises RedactionFailed."""
        await asyncio.sleep(0)
        checked = self._redactor(text[: 2 * self._wants.chars])
        # A server refuses a text of nothing.
        return prefix + (checked[: self._wants.chars].encode("utf-8", "replace").decode().strip() or "-")

    async def _see_that_it_works(self, refused: Refused, timeout_s: float) -> None:
        """A server that refuses everything is no reason to give texts up. Raises Misconfigured."""
        if isinstance(refused, RedactionFailed):
            return
        try:
            await self._ask([PROBE], "document", timeout_s)
        except Refused:
            raise Misconfigured(
                f"{refused} It refuses every text: is {self.model} an embedding model?"
                " Check RATCHET_OPENAI_EMBEDDING_MODEL; docs/models.md."
            ) from None

    async def _ask(self, texts: Sequence[str], kind: EmbedInputType, timeout_s: float) -> list[Vector]:
        """One request, recorded."""
        began, tokens, failed = self._clock(), 0, None
        try:
            async with asyncio.timeout(timeout_s):
                result = await self._endpoint.embed(texts, input_type=kind)
            tokens = result.usage.input_tokens
            return self._checked(result.embeddings, len(texts))
        except theirs.AgentRunError as error:
            ours = self._ours(error)
            failed = type(ours).__name__
            raise ours from None
        except APIStatusError as error:  # a redirect, which is no error to pydantic_ai
            failed = "Misconfigured"
            raise Misconfigured(
                f"{self._where} answered with status {error.status_code}: it sends us elsewhere, which is not"
                " followed. Set RATCHET_OPENAI_URL to where it is."
            ) from None
        except TimeoutError:
            failed = "Transient"
            raise Transient(f"{self._where} gave no vectors within {timeout_s:g} s.") from None
        except RatchetError as error:
            failed = type(error).__name__
            raise
        finally:
            await self._record(tokens, self._clock() - began, failed)

    @property
    def _where(self) -> str:
        return f"The embedding model {self.model} at {self._config.url}"

    def _ours(self, error: theirs.AgentRunError) -> RatchetError:
        ours = translated(error, self.model, self._config.url)
        if not isinstance(ours, Refused):
            return ours
        status = error.status_code if isinstance(error, theirs.ModelHTTPError) else None
        if isinstance(error, theirs.ModelContextWindowExceededError) or (
            status in TEXT_STATUS and not isinstance(error, theirs.ModelQuotaExceededError)
        ):
            return ours
        quota = isinstance(error, theirs.ModelQuotaExceededError)
        return Transient(str(ours), retry_after=QUOTA_S if quota else None)

    def _checked(self, vectors: Sequence[Sequence[float]], count: int) -> list[Vector]:
        """To length 1. Raises Misconfigured for vectors that are no answer, Refused for one that is none."""
        if len(vectors) != count:
            raise Misconfigured(f"{self._where} gave {len(vectors)} vectors for {count} texts.")
        sizes = {len(vector) for vector in vectors}
        wrong = sizes - {self.dimension} if self.dimension else sizes - {max(sizes, default=0)}
        if wrong or 0 in sizes:
            expected = self.dimension or max(sizes)
            raise Misconfigured(
                f"{self._where} gave a vector of {min(wrong or sizes)} numbers where the others have"
                f" {expected}. If the model behind that name was changed, restart Ratchet."
            )
        units = [_unit(vector) for vector in vectors]
        if any(unit is None for unit in units):
            raise Refused(f"{self._where} gave a vector that is zero, or has no number in a place.")
        self.dimension = next(iter(sizes))
        return [unit for unit in units if unit is not None]

    async def _record(self, tokens: int, seconds: float, failed: str | None) -> None:
        if self._recorder is None:
            return
        cost = None if self._price is None else float(self._price.of(tokens, 0))
        call = ModelCall(self.model, "embedding", None, "", 1, 0, tokens, 0, cost, round(seconds, 3), failed)
        try:
            async with asyncio.timeout(RECORD_S):
                await self._recorder.record(call)
        except (RatchetError, TimeoutError):
            logger.warning("embedding call not recorded")


@dataclass(frozen=True, slots=True)
class QueryEmbedder:
    """The same model, for questions. Satisfies `ratchet.store.embeddings.Embedder`."""

    inner: RemoteEmbedder

    @property
    def model(self) -> str:
        return self.inner.model

    @property
    def dimension(self) -> int:
        return self.inner.dimension

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """See `RemoteEmbedder.embed_queries`."""
        return await self.inner.embed_queries(texts)


def batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """In order, each within MAX_TEXTS and MAX_CHARS."""
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (len(batch) == MAX_TEXTS or size + len(text) > MAX_CHARS):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch


def _unit(vector: Sequence[float]) -> Vector | None:
    """None for one without a direction."""
    length = math.sqrt(math.fsum(number * number for number in vector))
    return [number / length for number in vector] if math.isfinite(length) and length > 0 else None
