"""Rate limits by method tier, as calls in any 60 seconds; chat.postMessage about one a second per channel.

https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

import math
from collections import defaultdict, deque

from localslack.errors import RateLimited

WINDOW = 60.0
CALLS = {1: 1, 2: 20, 3: 50, 4: 100}
POST_BURST = 4
"""Messages that may come at once in one channel before the one a second holds."""


class RateLimits:
    """Off until `enabled`."""

    def __init__(self, *, enabled: bool = False) -> None:
        self.enabled = enabled
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)
        self._posts: dict[str, float] = {}

    def take(self, method: str, tier: int | None, now: float) -> None:
        """Count a call; raises RateLimited with the seconds until the window has room."""
        if not self.enabled or tier is None:
            return
        calls = self._calls[method]
        while calls and calls[0] <= now - WINDOW:
            calls.popleft()
        if len(calls) >= CALLS[tier]:
            raise RateLimited(max(1, math.ceil(calls[0] + WINDOW - now)))
        calls.append(now)

    def take_post(self, channel: str, now: float) -> None:
        """One message into a channel: a bucket that refills by one a second."""
        if not self.enabled:
            return
        free_at = max(self._posts.get(channel, 0.0), now - POST_BURST)
        if free_at + 1 > now:
            raise RateLimited(max(1, math.ceil(free_at + 1 - now)))
        self._posts[channel] = free_at + 1
