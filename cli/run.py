"""`steersman run`: a program, a method, a posterior."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .catalogue import beginning
from .exits import INTERRUPTED, USAGE
from .job import Job, Order, prepare
from .option import build, find_method, read
from .pairs import pairs
from .results import Output
from .terminal import fail, note, warnings_as_notes, watched

if TYPE_CHECKING:
    from steersman.ppl import Budget

_NO_LIMIT = "no limit if left out"


def run(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .steer file; - is standard input.")],
    program: Annotated[str | None, typer.Option(help="Which program; `main`, or the last one.")] = None,
    method: Annotated[str, typer.Option(
        "--method", "-m", help="See `steersman methods`.", autocompletion=beginning)] = "smc",
    particles: Annotated[int | None, typer.Option(
        "--particles", "-n", min=1, help="Size of the population: particles, samples, chains. [64; 4 chains]")] = None,
    option: Annotated[list[str] | None, typer.Option(
        metavar="KEY=VALUE", help="An option of the method, such as resample_at=factor or move='suffix()'.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="A run is a function of its seed.")] = 0,
    setting: Annotated[list[str] | None, typer.Option(
        "--set", metavar="NAME=VALUE", help="A parameter of the program, read by its declared type, else as JSON.",
    )] = None,
    model: Annotated[list[str] | None, typer.Option(
        metavar="NAME=PATH", help="A model folder, org/name, or `embedded` (which `lm` is if left out).")] = None,
    reward: Annotated[list[str] | None, typer.Option(
        metavar="NAME=PATH", help="A sequence classifier as a reward; PATH#LABEL where it has several labels.")] = None,
    budget_tokens: Annotated[int | None, typer.Option(min=1, help=f"Tokens drawn or scored; {_NO_LIMIT}.")] = None,
    budget_seconds: Annotated[float | None, typer.Option(help=f"Wall-clock time; {_NO_LIMIT}.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    out: Annotated[Path | None, typer.Option(help="Save the posterior, for `Posterior.load`.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page that shows the run.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many values to print.")] = 5,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no warnings.")] = False,
) -> None:
    """Infer: print the most probable values with their probability, then log Z, ESS and cost.

    In JSON, -inf and inf are the strings "-inf" and "inf", and what is unknown is null.
    """
    output = Output(as_json, top, out, report, {"file": file})
    output.check()
    chosen, given = find_method(method), pairs("--option", option or ())
    read(chosen, given, particles)  # say what is wrong before anything large is loaded
    order = Order(file, program, pairs("--set", setting or ()), pairs("--model", model or ()),
                  pairs("--reward", reward or ()))
    budget = _budget(budget_tokens, budget_seconds)

    def method_of(job: Job) -> Any:
        return build(chosen, given, particles, job.module.programs, job.call)

    try:
        with warnings_as_notes(quiet):
            status = _run(order, method_of, seed, budget, output, quiet)
    except KeyboardInterrupt:
        note("interrupted: nothing was finished")
        status = INTERRUPTED
    raise typer.Exit(status)


def _run(order: Order, method_of: Callable[[Job], Any], seed: int, budget: Budget | None, output: Output,
         quiet: bool) -> int:
    from steersman.inference import AllParticlesDead, ImpossibleStart, infer
    from steersman.ppl import SteersmanError

    job: Job | None = None
    try:
        job = prepare(order)
        output = replace(output, more={**output.more, "program": job.program, "arguments": job.arguments})
        if not quiet:
            for diagnostic in job.warnings:
                note(f"{diagnostic}\n")
        posterior = infer(job.call, method_of(job), seed=seed, budget=budget, progress=watched() and not quiet)
    except (AllParticlesDead, ImpossibleStart) as dead:
        return output.dead(dead)
    except (SteersmanError, ValueError, ArithmeticError) as error:  # such as a scale below zero, met while drawing
        return output.problem(error if job is None else job.module.explained(error))
    return output.finish(posterior)


def _budget(tokens: int | None, seconds: float | None) -> Budget | None:
    if tokens is None and seconds is None:
        return None
    from steersman.ppl import Budget

    try:
        return Budget(tokens=tokens, seconds=seconds)
    except ValueError as error:
        fail(f"--budget-seconds {seconds}: {error}", USAGE)
