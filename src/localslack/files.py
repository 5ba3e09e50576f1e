"""Files: what an upload or a person's attachment becomes."""

from __future__ import annotations

import mimetypes

from localslack.model import File, Json
from localslack.workspace import Workspace


def create(ws: Workspace, name: str, *, size: int, user: str, content: bytes | None = None) -> File:
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    filetype = name.rpartition(".")[2].lower() if "." in name else "binary"
    file = File(ws.new_id("F"), name, name, mimetype, filetype, size, user, ws.now(), content)
    file.uploaded = file.completed = content is not None
    ws.files[file.id] = file
    return file


def as_json(ws: Workspace, file: File) -> Json:
    url = f"{ws.base_url}/files-pri/{ws.team_id}-{file.id}/{file.name}"
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "filetype": file.filetype,
        "pretty_type": file.filetype.upper(),
        "user": file.user,
        "mode": "hosted",
        "editable": False,
        "size": file.size,
        "is_external": False,
        "is_public": True,
        "url_private": url,
        "url_private_download": f"{url}?download=1",
        "permalink": f"{ws.base_url}/files/{file.user}/{file.id}/{file.name}",
        "file_access": "visible",
    }
