"""`ratchet health`: the probe of a container, with nothing but what Python has, so that it is quick."""

from __future__ import annotations

import http.client
import json
from typing import Final

from ratchet.domain.errors import Refused
from ratchet.settings import Settings, environment, split_addr

TIMEOUT_S: Final = 4.0


def asked(*, ready: bool = False) -> str:
    """What /healthz says, or /readyz. Raises Refused when that is no, or nothing."""
    addr = environment().get("RATCHET_HTTP_ADDR") or str(Settings.model_fields["http_addr"].default)
    host, port = split_addr(addr)
    connection = http.client.HTTPConnection(_reached(host), port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz" if ready else "/healthz")
        response = connection.getresponse()
        body = json.loads(response.read(10_000))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Refused(f"Nothing answers at {addr}: {error}. Is `ratchet run` running?") from None
    finally:
        connection.close()
    said = _parts(body) if ready else f"database {body.get('database', '')}" if isinstance(body, dict) else ""
    if response.status != http.client.OK:
        raise Refused(f"Ratchet at {addr} is not {'ready' if ready else 'well'}: {said}")
    return f"{'ready' if ready else 'ok'}: {said}"


def _parts(body: object) -> str:
    """Each part by name, with the reason of one that is not well."""
    parts = body.get("parts", []) if isinstance(body, dict) else []
    reasons = [f" ({part['reason']})" if part["reason"] else "" for part in parts]
    told = zip(parts, reasons, strict=True)
    return "; ".join(f"{part['name']} {part['state']}{reason}" for part, reason in told)


def _reached(host: str) -> str:
    """Where a server that listens everywhere is reached from here."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # read, not bound
