"""`ratchet health`: the probe of a container, with nothing but what Python has, so that it is quick."""

from __future__ import annotations

import http.client
import json
from typing import Final

from ratchet.domain.errors import Refused
from ratchet.settings import Settings, environment, split_addr

TIMEOUT_S: Final = 4.0


def asked() -> str:
    """What /healthz says. Raises Refused when it says no, or nothing."""
    addr = environment().get("RATCHET_HTTP_ADDR") or str(Settings.model_fields["http_addr"].default)
    host, port = split_addr(addr)
    connection = http.client.HTTPConnection(_reached(host), port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        body = json.loads(response.read(10_000))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Refused(f"Nothing answers at {addr}: {error}. Is `ratchet run` running?") from None
    finally:
        connection.close()
    state = str(body.get("database", "")) if isinstance(body, dict) else ""
    if response.status != http.client.OK:
        raise Refused(f"Ratchet at {addr} is not well: database {state}")
    return f"ok: database {state}"


def _reached(host: str) -> str:
    """Where a server that listens everywhere is reached from here."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # read, not bound
