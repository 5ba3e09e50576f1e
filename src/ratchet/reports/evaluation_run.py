"""A file of recorded questions through pydantic-evals: asked, compared, and perhaps judged.

Imports pydantic_evals, and with it pydantic_ai: import it where it is needed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import EvaluationReason, Evaluator, EvaluatorContext
from pydantic_evals.reporting import EvaluationReport, ReportCase, ReportCaseFailure
from yaml import YAMLError

from ratchet.domain.errors import Refused
from ratchet.reports.evaluation import Answer, Asked, Measures, Origin, measure
from ratchet.reports.evaluation_figures import CaseResult

Cases = Dataset[Asked, Answer, Origin]
Context = EvaluatorContext[Asked, Answer, Origin]
Answering = Callable[[Asked], Awaitable[Answer]]
# A new answer beside the good one: 0 to 1, and why.
Judging = Callable[[Asked, Answer, Answer], Awaitable[tuple[float, str]]]


@dataclass(repr=False)
class Compared(Evaluator[Asked, Answer, Origin]):
    """What `measure` says of an answer; what cannot be said of it is left out."""

    def evaluate(self, ctx: Context) -> dict[str, bool | int | float]:
        bad = ctx.metadata.bad if ctx.metadata is not None else None
        measures = asdict(measure(ctx.output, ctx.expected_output, bad))
        return {name: value for name, value in measures.items() if value is not None}


@dataclass(repr=False)
class Judged(Evaluator[Asked, Answer, Origin]):
    """What a judge says of an answer, where there is a good one to compare with."""

    judging: Judging

    async def evaluate(self, ctx: Context) -> dict[str, EvaluationReason]:
        if ctx.expected_output is None:
            return {}
        score, reason = await self.judging(ctx.inputs, ctx.output, ctx.expected_output)
        return {"judged": EvaluationReason(score, reason)}

    def build_serialization_arguments(self) -> dict[str, Any]:
        return {}


def load(file: Path, limit: int | None = None) -> Cases:
    """The first cases of a file that `ratchet feedback export` wrote. Raises Refused."""
    try:
        loaded = Cases.from_file(file)
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        # Without what was found there: it is what people wrote.
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Refused(f"{file} is no evaluation set: {place}: {first['msg']}") from None
    except (ValueError, YAMLError, ExceptionGroup) as error:
        raise Refused(f"{file} is no evaluation set: {_first_line(error)}") from None
    # What evaluates is ours alone: a file must not bring a model of its own.
    cases = [
        Case(name=c.name, inputs=c.inputs, expected_output=c.expected_output, metadata=c.metadata)
        for c in loaded.cases[:limit]
    ]
    return Cases(name=loaded.name, cases=cases)


async def evaluate(
    cases: Cases, answering: Answering, judging: Judging | None = None, *, at_once: int = 1
) -> list[CaseResult]:
    """Every case asked once, in the order of the file; one that fails says why and stops no other."""
    judges = [Judged(judging)] if judging is not None else []
    dataset = Cases(name=cases.name, cases=cases.cases, evaluators=[Compared(), *judges])
    report = await dataset.evaluate(answering, max_concurrency=at_once, progress=False)
    found = {result.name: result for result in _results(report)}
    return [found[case.name or f"Case {number}"] for number, case in enumerate(cases.cases, 1)]


def _results(report: EvaluationReport[Asked, Answer, Origin]) -> list[CaseResult]:
    return [*map(_result, report.cases), *map(_failure, report.failures)]


def _result(case: ReportCase[Asked, Answer, Origin]) -> CaseResult:
    values: dict[str, Any] = {name: result.value for name, result in case.scores.items()}
    values |= {name: result.value for name, result in case.assertions.items()}
    measured: dict[str, Any] = {field.name: values.get(field.name) for field in fields(Measures)}
    verdict = case.scores.get("judged")
    broken = next((failure.error_message for failure in case.evaluator_failures), None)
    return CaseResult(
        name=case.name,
        answer=case.output,
        measures=Measures(**measured),
        judged=float(verdict.value) if verdict is not None else None,
        reason=verdict.reason if verdict is not None else broken,
        question=case.inputs.text,
    )


def _failure(case: ReportCaseFailure[Asked, Answer, Origin]) -> CaseResult:
    return CaseResult(name=case.name, error=case.error_message, question=case.inputs.text)


def _first_line(error: Exception) -> str:
    inner = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
    return (str(inner).splitlines() or [type(inner).__name__])[0]
