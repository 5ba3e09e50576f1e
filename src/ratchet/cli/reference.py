"""The reference pages that are made of the code: docs/configuration.md's table and docs/cli.md.

`ratchet config --reference` and `python -m ratchet.cli.reference` print them; tests compare.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from ratchet.cli.base import app
from ratchet.settings import Settings, variable, written

# The first setting of each part, in the order of the settings.
PARTS: Final = {
    "slack_bot_token": "Slack",
    "database_url": "Database",
    "openai_api_key": "Language models",
    "classifier_incident_classification_binary": "Alerts and secrets",
    "documentation": "Documents",
    "time_zone": "Behaviour",
    "commands_mcp_server_urls": "Tools and channel monitors",
    "http_addr": "HTTP",
    "sentry_dsn": "Traces and logs",
}
HEADER: Final = "| variable | type | default | meaning |\n|---|---|---|---|"
PAGE: Final = re.compile(r"docs/([a-z-]+\.md)(#[a-z-]+)?")
TYPES: Final = {bool: "`true` or `false`", int: "whole number", float: "number", Path: "path", str: "text"}
# Where the default is not a value: what happens then.
UNSET: Final = {
    "slack_bot_token": "required for `run`",
    "slack_app_token": "required for `run`",
    "data_dir": "`~/.local/share/ratchet`",
}


def settings_table() -> str:
    """Every setting by part: its type and range, its default, its meaning, whether it is a secret."""
    lines: list[str] = []
    for name, field in Settings.model_fields.items():
        if name in PARTS:
            lines += ["", f"### {PARTS[name]}", "", HEADER]
        lines.append(_row(name, field))
    return "\n".join(lines[1:]) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    kinds = _kinds(field.annotation)
    secret = SecretStr in kinds
    default = UNSET.get(name) or (f"`{text}`" if (text := written(field.default)) else "")
    meaning = PAGE.sub(lambda found: f"[{found[1]}]({found[1]}{found[2] or ''})", field.description or "")
    cells = [f"`{variable(name)}`", _type(kinds, field), default, meaning]
    if secret:
        cells[1] = f"secret {cells[1]}"
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _kinds(annotation: Any) -> list[Any]:
    """The types that a value may have; None aside, since that is what nothing set means."""
    if get_origin(annotation) in (Annotated, None):
        inner = get_args(annotation)[:1] or (annotation,)
        return list(inner)
    if get_origin(annotation) in (Literal, tuple, frozenset):
        return [annotation]
    return [kind for one in get_args(annotation) for kind in _kinds(one) if kind is not type(None)]


def _type(kinds: list[Any], field: FieldInfo) -> str:
    [kind] = kinds
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) in (tuple, frozenset):
        return "list, comma-separated"
    return TYPES.get(str if kind is SecretStr else kind, "text") + _range(field)


def _range(field: FieldInfo) -> str:
    """As in ` 1 to 100`, ` at least 1`; nothing without bounds."""
    bounds: dict[str, Any] = {}
    for constraint in field.metadata:
        for side in ("ge", "gt", "le"):
            if (value := getattr(constraint, side, None)) is not None:
                bounds[side] = f"{value:,}" if isinstance(value, int) else f"{value:g}"
    low = bounds.get("ge")
    if low and "le" in bounds:
        return f", {low} to {bounds['le']}"
    if low:
        return f", at least {low}"
    return f", above {bounds['gt']}" if "gt" in bounds else ""


COMMANDS_PAGE: Final = """# Commands

Made of the program by `python -m ratchet.cli.reference`; `ratchet COMMAND --help` says the same. A command
ends with 0 when all is well, with 1 when it failed, with 2 when it was called wrongly or a setting is wrong.
Settings come from the environment and from `.env` ([configuration.md](configuration.md)).

"""


def commands_page() -> str:
    """Every command with its arguments and options."""
    root = typer.main.get_command(app)
    return COMMANDS_PAGE + "\n".join(_sections(root, ("ratchet",))).strip() + "\n"


def _sections(group: Any, path: tuple[str, ...]) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _sections(command, (*path, name))
        else:
            yield _section(command, (*path, name))


def _section(command: Any, path: tuple[str, ...]) -> str:
    params = [param for param in command.params if not param.hidden]
    arguments = [param for param in params if param.param_type_name == "argument"]
    usage = " ".join([*path, *map(_argument, arguments)])
    lines = [f"## {' '.join(path)}", "", f"`{usage}`", "", " ".join((command.help or "").split()), ""]
    if params:
        lines += ["| | default | |", "|---|---|---|", *map(_param, params), ""]
    return "\n".join(lines)


def _argument(param: Any) -> str:
    name = param.name.upper() + ("…" if param.nargs == -1 else "")
    return name if param.required else f"[{name}]"


def _param(param: Any) -> str:
    if param.param_type_name == "argument":
        names = f"`{_argument(param)}`"
    else:
        names = ", ".join(f"`{name}`" for name in (*param.opts, *param.secondary_opts))
    default = written(param.default) if not callable(param.default) else ""
    if default == "false" and not param.secondary_opts:
        default = ""
    if param.param_type_name != "argument" and param.required:
        default = "required"
    cells = [names, default and f"`{default}`", param.help or ""]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    import ratchet.cli  # noqa: F401  # adds the commands

    typer.echo(commands_page(), nl=False)
