"""Downloads a model into Ollama. What was downloaded before a break is kept by Ollama and not fetched again.

https://docs.ollama.com/api/pull
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx

from ratchet.domain.errors import RatchetError, Refused, Transient

# How often a download is taken up again that brought nothing new meanwhile.
TRIES: Final = 5
PAUSE_S: Final = 2.0
# Ollama says nothing while it checks a large file.
SILENCE_S: Final = 300.0
LIBRARY: Final = "https://ollama.com/library"
# What Ollama says when its own download broke off.
_BROKEN: Final = re.compile(r"EOF|time.?out|connection|dial tcp|no such host|max retries", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Step:
    """What Ollama does now. `digest` names a file, `done` and `total` are its bytes; None where none."""

    status: str
    digest: str | None = None
    done: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Pull:
    """A download from `url`, the base of Ollama's own API. `sleep` waits before it is taken up again."""

    url: str
    model: str
    show: Callable[[Step], None]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self) -> None:
        """Until the model is there.

        Raises `Refused` when Ollama will not (no such model, no space), `Transient` when it is not there or
        breaks off again and again; running it again goes on where it was.
        """
        timeout = httpx.Timeout(SILENCE_S, connect=5.0)
        # A proxy from the environment must not be asked for this machine's own port.
        async with httpx.AsyncClient(timeout=timeout, trust_env=False) as client:
            tries, most = 0, 0
            while (got := await self._once(client)) is not None:
                tries, most = (1, got) if got > most else (tries + 1, most)
                if tries >= TRIES:
                    raise Transient(
                        f"Ollama at {self.url} broke off {TRIES} times while it fetched {self.model}."
                        " Run the command again: it goes on where it stopped."
                    )
                await self.sleep(PAUSE_S)

    async def _once(self, client: httpx.AsyncClient) -> int | None:
        """None when the model is there; else how many bytes were, when it broke off."""
        bytes_of: dict[str, int] = {}
        try:
            async for step in self._steps(client):
                self.show(step)
                if step.status == "success":
                    return None
                if step.digest and step.done is not None:
                    bytes_of[step.digest] = step.done
        except httpx.ConnectError as error:
            raise Transient(
                f"Ollama does not answer at {self.url} ({error}). Install it from https://ollama.com and"
                " start it with `ollama serve`, or name its address with --url."
            ) from None
        except httpx.HTTPError:
            pass  # broken off, as an end without success is
        return sum(bytes_of.values())

    async def _steps(self, client: httpx.AsyncClient) -> AsyncIterator[Step]:
        ask = {"model": self.model, "stream": True}
        async with client.stream("POST", f"{self.url.rstrip('/')}/api/pull", json=ask) as response:
            if response.status_code != 200:
                body = (await response.aread()).decode("utf-8", "replace")
                raise self._refused(_error(body) or f"status {response.status_code}")
            async for line in response.aiter_lines():
                if problem := _error(line):
                    raise self._refused(problem)
                if (step := _step(line)) is not None:
                    yield step

    def _refused(self, problem: str) -> RatchetError:
        if _BROKEN.search(problem):
            return Transient(
                f"Ollama at {self.url} could not go on with {self.model}: {problem[:300]}. Run the command"
                " again: it goes on where it stopped."
            )
        hint = f" Its models are listed at {LIBRARY}." if "file does not exist" in problem else ""
        return Refused(f"Ollama at {self.url} cannot fetch {self.model}: {problem[:300]}.{hint}")


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _error(line: str) -> str:
    return str(_object(line).get("error") or "")


def _step(line: str) -> Step | None:
    value = _object(line)
    if not isinstance(value.get("status"), str):
        return None
    return Step(
        value["status"], value.get("digest"), _size(value.get("completed")), _size(value.get("total"))
    )


def _size(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None
