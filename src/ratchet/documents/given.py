"""What an operator wrote about one source: values by name, each checked, what is unknown said. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class WrongError(ValueError):
    """What is wrong with one source. It never holds a value that may be a secret."""


class Given:
    """The mapping under a source's type. `base`: what paths are relative to; `environment`: for ${NAME}."""

    def __init__(self, kind: str, values: Any, base: Path, environment: Mapping[str, str]) -> None:
        if not isinstance(values, dict):
            raise WrongError(f"needs a mapping `{kind}: {{…}}`")
        self.kind = kind
        self._values = values
        self._base = base
        self._environment = environment

    def only(self, *names: str) -> None:
        """Raises WrongError when it has other settings."""
        if unknown := sorted(str(key) for key in self._values if key not in names):
            raise WrongError(f"{self.kind} has no setting {', '.join(unknown)}; it has {', '.join(names)}")

    def has(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """With ${NAME} replaced. A default of None: it must be there."""
        value = self._values.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not value.strip():
            raise WrongError(f"needs `{self.kind}: {{{name}: …}}`")
        return _VARIABLE.sub(self._variable, value.strip())

    def _variable(self, found: re.Match[str]) -> str:
        value = self._environment.get(found.group(1))
        if not value:
            raise WrongError(f"names ${{{found.group(1)}}}, which is not set")
        return value

    def number(self, name: str, default: int, least: int, most: int) -> int:
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise WrongError(f"{self.kind}.{name} is a whole number from {least:,} to {most:,}")
        return value

    def path(self, name: str) -> Path:
        """Relative to the sources file."""
        return self._base / Path(self.text(name)).expanduser()

    def folder(self, name: str) -> str:
        """A folder of a repository, "" for all of it."""
        text = self.text(name, "").strip("/")
        if any(step in ("", ".", "..") for step in text.split("/")) and text:
            raise WrongError(f"{self.kind}.{name} is a folder of the repository, such as docs/runbooks")
        return text

    def address(self, name: str, default: str | None = None) -> str:
        """A web address without a password, without the slash at its end."""
        text = self.text(name, default)
        if not text:
            return ""
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host, parts = None, urlsplit("")
        if parts.scheme not in ("https", "http") or not host or re.search(r"\s", text):
            raise WrongError(f"{self.kind}.{name} is no web address")
        if parts.username or parts.password:
            raise WrongError(f"{self.kind}.{name} has a password in it; give it by a setting of its own")
        return text.rstrip("/")

    def texts(self, name: str) -> tuple[str, ...]:
        """A text or a list of them; none when it is not there."""
        value = self._values.get(name)
        found = [value] if isinstance(value, str) else [] if value is None else value
        if not isinstance(found, list) or not all(isinstance(item, str) and item.strip() for item in found):
            raise WrongError(f"{self.kind}.{name} is a list of texts")
        return tuple(item.strip() for item in found)

    def patterns(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """File patterns below the source's folder."""
        if not self.has(name):
            return default
        try:
            found = self.texts(name)
        except WrongError:
            raise WrongError(f"{self.kind}.{name} is a list of patterns such as **/*.md") from None
        for pattern in found:
            pure = PurePosixPath(pattern)
            if pure.is_absolute() or ".." in pure.parts:
                raise WrongError(f"{self.kind}.{name}: {pattern} leads out of the directory")
        return tuple(pattern.removeprefix("./") for pattern in found)
