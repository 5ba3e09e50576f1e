"""The body of a form, read without a parser of files: pages of ours send none."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

FORM: Final = "application/x-www-form-urlencoded"
MAX_FIELDS: Final = 200


def form_fields(body: bytes) -> dict[str, str]:
    """The first value of each field; {} for a form with more fields than any of ours."""
    try:
        found = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}
