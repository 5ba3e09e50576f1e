"""What a parameter may be: checked here, so that no odd value reaches the database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Path, Query
from pydantic import AfterValidator, StringConstraints

from ratchet.domain.channels import CHANNEL_ID

MAX_QUESTION: Final = 10_000
MAX_PAGE: Final = 1_000
MAX_OFFSET: Final = 1_000_000
# Slack's: ten digits of seconds today, six of microseconds.
TS: Final = r"^[0-9]{9,11}\.[0-9]{6}$"
ID: Final = r"^[A-Za-z0-9_-]{1,40}$"


def clean(text: str) -> str:
    """Raises ValueError for what PostgreSQL cannot hold."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds a NUL or half a character")
    return text


def in_utc(moment: datetime) -> datetime:
    """A time without a zone is taken for UTC."""
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of range") from None


Name = Annotated[str, AfterValidator(clean), Path(min_length=1, max_length=500)]
Ts = Annotated[str, Path(pattern=TS, examples=["1700000000.000100"])]
TsQuery = Annotated[str, Query(pattern=TS, examples=["1700000000.000100"])]
ChannelId = Annotated[str, Path(pattern=ID)]
ChannelIdQuery = Annotated[str, Query(pattern=ID)]
ServiceName = Annotated[str, AfterValidator(clean), Query(max_length=500)]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET)]
PageSize = Annotated[int, Query(ge=1, le=MAX_PAGE)]
RecordedChannel = Annotated[str, StringConstraints(pattern=f"^{CHANNEL_ID.pattern}$")]
Moment = Annotated[datetime, AfterValidator(in_utc)]
ChannelNames = Annotated[
    list[Annotated[str, AfterValidator(clean)]],
    Query(max_length=100, description="Names or ids, repeated or separated by commas; all without it"),
]
