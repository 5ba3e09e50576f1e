"""What every command has in common: the application, its settings, how it fails and stops."""

from __future__ import annotations

import asyncio
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

import typer

from ratchet.domain.errors import Misconfigured, RatchetError

if TYPE_CHECKING:
    from ratchet.settings import Settings

app = typer.Typer(
    help="Ratchet: runbooks from how people triaged the alert before, in your team's Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@contextmanager
def told() -> Iterator[None]:
    """An expected failure is a sentence on standard error, not a traceback. 2: mend the settings."""
    try:
        yield
    except RatchetError as error:
        raise _ended([error]) from None
    except BaseExceptionGroup as group:
        known, unknown = group.split(RatchetError)
        if unknown is not None or known is None:
            raise
        raise _ended(list(_leaves(known))) from None


def _ended(errors: list[BaseException]) -> typer.Exit:
    """What is to be mended comes first: the others may have followed from it."""
    mend = [error for error in errors if isinstance(error, Misconfigured)]
    typer.echo(f"ratchet: {clean(str((mend or errors)[0]))}", err=True)
    return typer.Exit(2 if mend else 1)


def clean(text: str) -> str:
    """Without secrets, which an error of another program or an address may hold; withheld where in doubt."""
    from ratchet.llm.redact import RedactionFailed, redact  # noqa: PLC0415  # heavy

    try:
        return redact(text)
    except RedactionFailed:
        return "withheld: it could not be checked for secrets"


def told_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """For `sys.excepthook`: the traceback, without secrets."""
    text = "".join(traceback.format_exception(kind, error, trace))
    typer.echo(clean(text), err=True, nl=False)


def _leaves(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def quiet_settings() -> Settings:
    """The settings, for a command whose output is for a person or a pipe: only warnings are logged."""
    from ratchet.llm.redact import redact_event, use_patterns  # noqa: PLC0415  # heavy
    from ratchet.settings import load  # noqa: PLC0415  # heavy
    from ratchet.telemetry import configure_logging  # noqa: PLC0415  # heavy

    configure_logging("warning", human=True, clean=redact_event)
    settings = load()
    use_patterns(settings.redact_patterns)
    return settings


def stop_on_signals() -> asyncio.Event:
    """Set by SIGTERM or Ctrl-C; a second Ctrl-C ends at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked() -> None:
        if stop.is_set():
            loop.remove_signal_handler(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    return stop
