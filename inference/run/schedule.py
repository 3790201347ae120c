"""Running methods: one trampoline steps any number of runs and merges their rounds."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from steersman.ppl.driver import play_round
from steersman.ppl.errors import BudgetExhausted, BudgetTooSmall, Interrupted, Stopped

from ..posterior import Posterior
from .algorithm import Algorithm
from .gather import Waiting, advance_coroutine
from .interrupt import Interrupt
from .run import Run

R = TypeVar("R")


async def execute(run: Run, method: Algorithm[Any]) -> Posterior:
    """Step a method until it is done, the budget ends, or someone presses Ctrl-C."""
    state = method.init(run)
    try:
        while not method.done(state):
            state, info = await method.step(run, state)
            run.report(info)
    except BudgetExhausted as stop:
        if run.meter.rounds == 0:
            raise BudgetTooSmall(f"the budget does not pay for a single step: {stop}") from None
        run.stopped = f"budget: {stop}"
    except Stopped as stop:
        run.stopped = str(stop)
    return method.result(run, state)


def run_together(
    coroutines: Sequence[Coroutine[Waiting, None, R]], interrupt: Interrupt | None = None
) -> list[R]:
    """The results of many runs, advanced in common rounds. A run is stepped as soon as its own request is met."""
    results: list[R | None] = [None] * len(coroutines)
    waiting: dict[int, Waiting] = {}

    def resume(i: int, error: Exception | None = None) -> None:
        waiting.pop(i, None)
        try:
            waiting[i] = advance_coroutine(coroutines[i], error)
        except StopIteration as end:
            results[i] = end.value

    try:
        for i in range(len(coroutines)):
            resume(i)
        while waiting:
            if interrupt is not None and interrupt.pressed:
                for i in list(waiting):
                    resume(i, Interrupted("interrupted (Ctrl-C)"))
                continue
            play_round([r for w in waiting.values() for r in w.requests()])
            for i, w in list(waiting.items()):
                w.progress()
                if not w.live:
                    resume(i, w.error)
    finally:
        for c in coroutines:
            c.close()
    return results  # type: ignore[return-value]
