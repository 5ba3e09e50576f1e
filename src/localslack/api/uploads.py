"""files.*: upload in three steps (get a URL, send the bytes, complete) and info.

https://docs.slack.dev/messaging/working-with-files
"""

from __future__ import annotations

from localslack import files, messages
from localslack.api.call import Call, Method
from localslack.errors import SlackError
from localslack.messages import Draft
from localslack.model import Channel, File, Json


def get_upload_url(call: Call) -> Json:
    name = call.required("filename")
    try:
        length = int(call.required("length"))
    except ValueError:
        raise SlackError("invalid_arguments") from None
    if length <= 0:
        raise SlackError("file_upload_size_restricted")
    file = files.create(call.ws, name, size=length, user=call.bot.id)
    return {"upload_url": f"{call.ws.base_url}/upload/v1/{file.id}", "file_id": file.id}


def complete_upload(call: Call) -> Json:
    wanted = call.json("files")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(item, dict) for item in wanted):
        raise SlackError("invalid_arguments")
    done = [_uploaded(call, item) for item in wanted]
    names = call.text("channel_id") or call.text("channels")
    for channel in [_shared_to(call, name) for name in names.split(",") if name]:
        _share(call, channel, done)
    for file in done:
        file.completed = True
    return {"files": [files.as_json(call.ws, file) for file in done]}


def info(call: Call) -> Json:
    file = call.ws.files.get(call.required("file"))
    if file is None or not file.completed:
        raise SlackError("file_not_found")
    return {"file": files.as_json(call.ws, file), "comments": [], "response_metadata": {"next_cursor": ""}}


def _uploaded(call: Call, item: Json) -> File:
    file = call.ws.files.get(str(item.get("id")))
    if file is None or not file.uploaded:
        raise SlackError("file_not_found")
    file.title = str(item.get("title") or file.name)
    return file


def _shared_to(call: Call, name: str) -> Channel:
    channel = call.ws.channels.get(name)
    if channel is None:
        raise SlackError("channel_not_found")
    if call.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _share(call: Call, channel: Channel, shared: list[File]) -> None:
    draft = Draft(
        channel,
        messages.bot_author(call.ws, call.bot),
        text=call.text("initial_comment"),
        files=[files.as_json(call.ws, file) for file in shared],
        thread_ts=call.text("thread_ts") or None,
        subtype="file_share",
    )
    messages.post(call.ws, draft)


METHODS = {
    "files.getUploadURLExternal": Method(get_upload_url, scope="files:write", tier=4),
    "files.completeUploadExternal": Method(complete_upload, scope="files:write", tier=4),
    "files.info": Method(info, scope="files:read", tier=4),
}
