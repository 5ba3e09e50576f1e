"""The files that pages load: stylesheet, script, icon. Addresses hold the hash: kept for good."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

STATIC: Final = "/static/"
TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
FOR_GOOD: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Assets:
    """`paths`: by file name. `files`: by path below STATIC."""

    paths: Mapping[str, str]
    files: Mapping[str, Asset]

    @staticmethod
    def load() -> Assets:
        """Every file of `web/static`. To add one: put it there."""
        paths, files = {}, {}
        for entry in resources.files("ratchet.web").joinpath("static").iterdir():
            stem, _, ending = entry.name.rpartition(".")
            if ending not in TYPES:
                continue
            body = entry.read_bytes()
            name = f"{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{ending}"
            paths[entry.name] = STATIC + name
            files[name] = Asset(body, TYPES[ending])
        return Assets(paths, files)

    def path(self, name: str) -> str:
        """Where the file is served. Raises KeyError for one that is not there."""
        return self.paths[name]

    def route(self) -> Route:
        async def serve(request: Request) -> Response:
            asset = self.files.get(request.path_params["name"])
            if asset is None:
                raise HTTPException(404)
            return Response(asset.body, media_type=asset.media_type, headers={"Cache-Control": FOR_GOOD})

        return Route(STATIC + "{name}", serve, include_in_schema=False)
