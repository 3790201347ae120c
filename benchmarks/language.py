"""What the language itself costs: sites, forks, token rounds. No neural model is involved.

    python benchmarks/language.py

Prints processor time; every number is the best of several repetitions in this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from steersman.models import TableLM
from steersman.ppl import Key, Particle, advance, factor, program, sample, unfold

LM = TableLM.random(8, order=2, eos=None)


class Fixed:
    """A distribution that costs nothing, so that what is measured is the language."""

    family = "fixed"

    @staticmethod
    def draw(members: Any, keys: Any) -> Any:
        return [1] * len(members), np.zeros(len(members))

    @staticmethod
    def log_prob(members: Any, values: Any) -> Any:
        return np.zeros(len(members))

    def support(self) -> tuple[int, ...]:
        return (1,)


FIXED = Fixed()


@program
async def flat(n: int) -> int:
    total = 0
    for _ in range(n):
        total += await sample(FIXED, "x")
    return total


@program
async def factors(n: int) -> None:
    for _ in range(n):
        await factor(0.0)


@program
async def step(total: int) -> int:
    return total + await sample(FIXED, "x")


@program
async def by_sub_programs(n: int) -> int:
    total = 0
    for _ in range(n):
        total = await step(total)
    return total


@program
async def by_unfold(n: int) -> int:
    return await unfold(step, 0, lambda total: total == n)


@program
async def by_text(n: int) -> str:
    return await sample(LM.text("", max_tokens=n), "line")


@program
async def token_by_token(n: int) -> str:
    context = LM.context("a")
    for _ in range(n):
        context = context + await sample(LM.next(context), "token")
        await factor(0.0)
    return str(context)


def best(fn: Callable[[], Any], repeat: int = 5) -> float:
    """Processor seconds of the fastest run: other processes do not count."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        fn()
        times.append(time.process_time() - start)
    return min(times)


def run(model: Callable[[int], Any], n: int, particles: int) -> None:
    advance([Particle(model(n), slot) for slot in range(particles)], Key(0))


def stopped(model: Callable[[int], Any], tokens: int) -> Particle:
    """A particle that has drawn this many tokens of a longer program."""
    particle, seen = Particle(model(tokens + 9)), [0]

    def stop(p: Particle, effect: Any) -> bool:
        seen[0] += effect.name in ("x", "token")
        return seen[0] == tokens

    advance([particle], Key(0), stop=stop)
    return particle


def main() -> None:
    n = 64
    print("microseconds a site, 64 particles, batched")
    for name, model in (("sample", flat), ("factor", factors), ("sample in a sub-program", by_sub_programs),
                        ("sample in an unfold", by_unfold)):
        print(f"  {name:28s} {1e6 * best(lambda m=model: run(m, 200, n)) / 200 / n:8.2f}")

    print("microseconds a fork, after 64 / 256 / 1024 tokens")
    for name, model in (("flat", flat), ("sub-programs", by_sub_programs), ("unfold", by_unfold), ("text", by_text)):
        costs = []
        for tokens in (64, 256, 1024):
            particle = stopped(model, tokens)
            costs.append(1e6 * best(lambda p=particle: [p.fork() for _ in range(20)]) / 20)
        print(f"  {name:28s} " + " ".join(f"{c:8.1f}" for c in costs))

    print("milliseconds a token round at 64 particles, TableLM included")
    prefixes = [tuple(range(8))] * n
    uniforms = np.linspace(0.01, 0.99, n)
    alone = best(lambda: [LM.draw_next(prefixes, uniforms, None, None) for _ in range(50)]) / 50
    for name, model in (("lm.text", by_text), ("lm.next and a factor", token_by_token)):
        whole = best(lambda m=model: run(m, 100, n)) / 100
        print(f"  {name:28s} {1e3 * whole:8.3f}   without the model {1e3 * (whole - alone):.3f}")
    print(f"  {'the model alone':28s} {1e3 * alone:8.3f}")


if __name__ == "__main__":
    main()
