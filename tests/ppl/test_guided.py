"""`guided`: a guide in step with a program."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from steersman.inference import MH, SMC, Enumerate, Importance, infer, suffix
from steersman.ppl import batched, call, condition, dist, factor, param, program, sample
from steersman.ppl.address import Address
from steersman.ppl.errors import InvalidWeight, NotADistribution, ProgramError, UnknownAddress
from steersman.ppl.guided import guided


@program
async def inner(p: float) -> int:
    return await sample(dist.Categorical(probs=np.array([1 - p, p])), "coin")


@program
async def outer() -> tuple[int, ...]:
    first = await sample(dist.Categorical(probs=np.array([0.2, 0.5, 0.3])), "x")
    coin = await inner(0.3)
    second = await sample(dist.Categorical(probs=np.array([0.6, 0.4])), "x")
    await factor(0.8 * first - coin + 0.5 * second)
    await condition((first, coin, second) != (2, 1, 1))
    third = await sample(dist.Categorical(probs=np.array([0.5, 0.5])), "free")
    return first, coin, second, third


@batched
def lengthened(xs: list[int]) -> list[float]:
    return [1.0 + x for x in xs]


@program
async def inner_guide() -> None:
    await sample(dist.Categorical(probs=np.array([0.6, 0.4])), "coin")


@program
async def guide() -> None:
    first = await sample(dist.Categorical(probs=np.array([0.3, 0.3, 0.4])), "x")
    more = await call(lengthened, first)
    coin = await sample(inner_guide(), "inner")
    await param("unused", 0.0)
    p = 1 / (1 + math.exp(0.3 * more - coin))
    await sample(dist.Categorical(probs=np.array([p, 1 - p])), "x")


class EverySite:
    """A guide by address, which looks at the earlier choices."""

    def at(self, address: Address, d: Any, chosen: Mapping[Address, tuple[Any, Any]]) -> Any:
        if address == ("free", 0):
            return None
        n = len(d.support())
        tilt = np.arange(n) + 1.0 + sum(v for _, v in chosen.values())
        return dist.Categorical(probs=tilt / tilt.sum())


@pytest.mark.parametrize("by", [guide, EverySite()], ids=["program", "site"])
@pytest.mark.parametrize("method", [Importance(3000), SMC(3000), SMC(3000, resample_at="x", ess_threshold=1.0)])
def test_the_target_stays(by: Any, method: Any) -> None:
    """Law: a guided program has the posterior and log Z of the program, under methods that fork and resample too."""
    exact = infer(outer(), Enumerate())
    found = infer(guided(outer(), by), method, seed=1)
    assert abs(found.log_evidence - exact.log_evidence) < 4 * max(found.log_evidence_error, 1e-3)
    table = exact.probabilities()
    for value, p in found.probabilities().items():
        assert abs(p - table[value]) < 6 * math.sqrt(table[value] / found.ess)


@pytest.mark.slow
def test_chains_propose_from_the_guide() -> None:
    """Law: MH on a guided program has the posterior of the program."""
    exact = infer(outer(), Enumerate())
    found = infer(guided(outer(), guide), MH(64, 150, suffix()), seed=2)
    table = exact.probabilities()
    for value, p in found.probabilities().items():
        assert abs(p - table[value]) < 0.02


def test_what_is_recorded() -> None:
    """Law: choices keep their addresses; log q is that of the guide where it has one; its calls are named as its."""
    (trace, *_) = infer(guided(outer(), guide), Importance(1)).traces
    assert trace is not None
    sites = dict(trace.outer_sites())
    assert [a for a, s in sites.items() if s.kind == "sample"] == [
        ("x", 0), ("inner", 0, "coin", 0), ("x", 1), ("free", 0)
    ]  # fmt: skip
    assert sites["x", 0].log_q == pytest.approx(math.log([0.3, 0.3, 0.4][trace["x"]]))
    assert sites["free", 0].log_q == sites["free", 0].log_p
    assert "guide: call" in {a[-2] for a in sites}


def test_bad_guides() -> None:
    """Law: what a guide may not do is refused, with the site."""

    @program
    async def weighs() -> None:
        await sample(dist.Categorical(probs=np.ones(3) / 3), "x")
        await condition(True)

    @program
    async def elsewhere() -> None:
        await sample(dist.Categorical(probs=np.ones(2) / 2), "free")
        await sample(dist.Categorical(probs=np.ones(2) / 2), "y")

    @program
    async def other_order() -> None:
        await sample(dist.Categorical(probs=np.ones(2) / 2), "free")
        await sample(dist.Categorical(probs=np.ones(3) / 3), "x")

    @program
    async def no_distribution() -> None:
        await sample(3, "x")

    with pytest.raises(InvalidWeight, match="a guide only draws"):
        infer(guided(outer(), weighs), Importance(2))
    with pytest.raises(UnknownAddress, match="waits at 'y'"):
        infer(guided(outer(), elsewhere), Importance(2))
    with pytest.raises(UnknownAddress, match="waits at 'x'"):
        infer(guided(outer(), other_order), Importance(2))
    with pytest.raises(NotADistribution):
        infer(guided(outer(), no_distribution), Importance(2))
    with pytest.raises((TypeError, ProgramError)):
        guided(outer(), 3)
