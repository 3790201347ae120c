"""Twists steer the weights on the way and are gone at the end."""

from __future__ import annotations

import math
from typing import Any

import pytest
from exhaustive import coin, target
from hypothesis import given
from hypothesis import strategies as st

from steersman.ppl import Key, Particle, advance, condition, factor, program, sample, simulate, twist


@program
async def twisted(inner: tuple[float, ...], outer: tuple[float, ...]) -> str:
    out = ""
    for t in outer:
        out += (await sample(coin(0.3), "x"))[0]
        await twist(t)
        await factor(-0.1)
    out += await inside(inner)
    return out + await sample(coin(), "last")


@program
async def inside(twists: tuple[float, ...]) -> str:
    out = ""
    for t in twists:
        await twist(t)
        out += (await sample(coin(0.6), "y"))[0]
    return out


@program
async def plain(inner: int, outer: int) -> str:
    out = ""
    for _ in range(outer):
        out += (await sample(coin(0.3), "x"))[0]
        await factor(-0.1)
    for _ in range(inner):
        out += (await sample(coin(0.6), "y"))[0]
    return out + await sample(coin(), "last")


twists = st.lists(st.floats(-50, 50), max_size=3).map(tuple)


@given(twists, twists)
def test_twists_never_change_the_measure(inner: tuple[float, ...], outer: tuple[float, ...]) -> None:
    """The enumerated measure over return values is that of the program without twists; so is each log joint."""

    def measure(model: Any) -> list[tuple[str, float]]:
        return sorted((t.value, w) for t, w in target(model).values())

    for (value, w), (same, without) in zip(
        measure(twisted(inner, outer)), measure(plain(len(inner), len(outer))), strict=True
    ):
        assert value == same and w == pytest.approx(without, abs=1e-10)


def weights_along(model: Any) -> list[tuple[str, float]]:
    """(site answered, log-weight just after it) along one execution."""
    particle, seen = Particle(model), []

    def stop(p: Particle, effect: Any) -> bool:
        seen.append((str(effect.name), p.log_weight))
        return False

    advance([particle], Key(0), stop=stop)
    return [*seen, ("end", particle.log_weight)]


def test_a_twist_replaces_the_previous_one() -> None:
    """The weight carries the last twist of a program, not their sum, until the program returns."""

    @program
    async def model() -> None:
        await twist(2.0)
        await twist(-1.0)
        await factor(0.25)
        await sample(coin(), "x")

    seen = weights_along(model())
    assert [w for name, w in seen if name == "twist"] == [2.0, -1.0]
    assert dict(seen)["factor"] == -0.75
    assert dict(seen)["end"] == 0.25


def test_a_twist_ends_with_the_program_that_set_it() -> None:
    """Inside a sub-program it adds to that of the outer program, and goes when the sub-program returns."""
    seen = weights_along(twisted((4.0, 8.0), (0.5,)))
    assert [name for name, _ in seen] == ["x", "twist", "factor", "twist", "y", "twist", "y", "inside", "end"]
    assert [w for _, w in seen] == pytest.approx([0.0, 0.5, 0.4, 4.4, 4.4, 8.4, 0.4, 0.4, -0.1])


def test_twists_are_recorded_and_survive_forks() -> None:
    """A fork remembers what is to be divided out."""
    particle = Particle(twisted((), (3.0, 5.0)))
    advance([particle], Key(0), stop=lambda p, e: e.name == "twist")
    child = particle.fork()
    assert child.log_weight == particle.log_weight == 3.0
    advance([child, particle], Key(1))
    assert child.log_weight == particle.log_weight == pytest.approx(-0.2)
    assert child.trace is not None and [child.trace["twist"], child.trace["twist#1"]] == [3.0, 5.0]
    assert child.trace.site("twist").log_p == 0.0


def test_death_under_a_twist() -> None:
    """A twist cannot bring a dead particle back."""

    @program
    async def model() -> None:
        await twist(1e300)
        await condition(False)

    assert simulate(model()).log_weight == -math.inf
