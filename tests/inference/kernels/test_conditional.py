"""`conditional` is the exact Gibbs update, costs what it says, and refuses what has no conditional."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steersman.inference import (
    Enumerate,
    Importance,
    NothingToChange,
    StructureChanged,
    conditional,
    infer,
    posterior_of,
)
from steersman.inference.chain.target import Tempered
from steersman.inference.mcmc import MCMC
from steersman.inference.testing import check_transitions, transitions
from steersman.models import TableLM
from steersman.ppl import NotEnumerable, condition, dist, factor, observe, program, sample

LM = TableLM.random(3, seed=8, scale=1.3, eos=None)


@program
async def table() -> tuple[int, ...]:
    """Four discrete choices that hang together: supports of two, three and four values, one inside a sub-program, one
    whose support depends on another, one value that is impossible with some others."""
    a = await sample(dist.Bernoulli(0.3), "a")
    b = await sample(LM.next("ab"[a]), "b")
    c = await inner(a, b)
    d = await sample(dist.DiscreteUniform(0, 1 + c), "d")
    await condition(not (b == 2 and d == 2), "no twos")
    await observe(dist.Normal(0.5 * b - c, 0.8), 0.3 * d, "seen")
    await factor(0.7 * (a == b) - 0.4 * c * d, "liking")
    return a, b, c, d


@program
async def inner(a: int, b: int) -> int:
    return await sample(dist.Categorical(np.array([[0.7, 0.3], [0.2, 0.8]])[a]), "c")


@program
async def pair() -> tuple[int, int]:
    """Two choices whose supports do not depend on one another."""
    a = await sample(dist.Bernoulli(0.3), "a")
    b = await sample(LM.next("ab"[a]), "b")
    await factor(0.9 * (a == b), "liking")
    return a, b


@pytest.mark.parametrize("target", [None, Tempered(0.4)], ids=["joint", "tempered"])
def test_the_transition_matrix(target: Any) -> None:
    """Without any chance: a random scan is reversible, a systematic one leaves the target invariant, both reach
    everything."""
    for kernel, reversible in ((conditional(scan="random"), True), (conditional(), False)):
        report = check_transitions(kernel, table(), target=target, reversible=reversible)
        assert report.passed, report


def test_it_is_the_conditional() -> None:
    """K(x, y) = pi(y) / (pi of all that differ from x at the site only), entry by entry."""
    t = transitions(conditional("b"), pair())
    states = [tuple(v for _, v in s) for s in t.states]  # type: ignore[union-attr,attr-defined]
    for i, x in enumerate(states):
        row = np.array([p if y[0] == x[0] else 0.0 for p, y in zip(t.pi, states, strict=True)])
        np.testing.assert_allclose(t.K[i], row / row.sum(), atol=1e-12)


def test_a_systematic_scan_is_a_cycle() -> None:
    """All sites in turn = the product of the updates of each."""
    each = [transitions(conditional(name), pair()).K for name in ("a", "b")]
    np.testing.assert_allclose(transitions(conditional(), pair()).K, each[0] @ each[1], atol=1e-12)
    half = 0.5 * each[0] + 0.5 * each[1]
    np.testing.assert_allclose(transitions(conditional(scan="random"), pair()).K, half, atol=1e-12)


def test_against_enumeration() -> None:
    """Probabilities of a long run are near the exact ones (the laws above are exact; this is the method as a whole)."""
    exact = infer(table(), Enumerate()).probabilities()
    chains = infer(table(), MCMC(conditional(), 50, 40, warmup=10), progress=False).probabilities()
    assert exact.keys() == chains.keys()
    assert max(abs(exact[v] - chains[v]) for v in exact) < 0.05


def test_cost() -> None:
    """One run for each other value: the tokens of what follows, and nothing for what stands before."""

    @program
    async def judged() -> None:
        await sample(LM.text("", max_tokens=3), "before")
        topic = await sample(dist.Categorical(np.ones(3) / 3), "topic")
        await observe(LM.text("abb"[topic], max_tokens=2), "ab", "after")

    costs = [infer(judged(), MCMC(conditional("topic"), 2, n, warmup=0), progress=False).cost.tokens for n in (3, 5)]
    assert costs[1] - costs[0] == 2 * 2 * 2 * 2  # chains, steps, other values, tokens behind


def test_tallies() -> None:
    """How often the value changed."""
    posterior = infer(pair(), MCMC(conditional("a"), 4, 50), progress=False)
    assert posterior.chains is not None
    assert 0.05 < posterior.chains.acceptance()["conditional('a')"] < 0.95
    assert posterior.chains.tally.tried["conditional('a')"] == 200


@program
async def refusing(how: str) -> None:
    n = await sample(dist.DiscreteUniform(0, 1), "n")
    if how == "more":
        for _ in range(n + 1):
            await sample(dist.Bernoulli(0.5), "coin")
    if how == "other":
        await sample(dist.Bernoulli(0.5), "heads" if n else "tails")
    if how == "nested":
        await sample(posterior_of(_estimated(), Importance(2)), "inner")
    await sample(dist.Normal(0.0, 1.0), "x")
    await sample(LM.text("", max_tokens=2), "line")


@program
async def _estimated() -> int:
    y = await sample(dist.Bernoulli(0.5), "y")
    await factor(0.5 * y)
    return y


@pytest.mark.parametrize(
    ("how", "names", "error", "words"),
    [
        ("more", ("n",), StructureChanged, ["at 'n' the program", "'coin#1'", "move 'n' by site()"]),
        ("other", ("n",), StructureChanged, ["at 'n' the program chooses", "site()"]),
        ("nested", ("n",), StructureChanged, ["sample 'inner'", "the density is an estimate", "move 'n' by site()"]),
        ("none", ("x",), NotEnumerable, ["'x'", "no finite support", "nuts()"]),
        ("none", ("line",), NotEnumerable, ["'line'", "no finite support", "suffix()"]),
        ("none", (), NotEnumerable, ["'x'", "no finite support"]),
    ],
)
def test_what_has_no_conditional(how: str, names: tuple[str, ...], error: type[Exception], words: list[str]) -> None:
    """One error that names the site and the kernel to use instead."""
    with pytest.raises(error) as raised:
        infer(refusing(how), MCMC(conditional(*names), 4, 20), progress=False)
    assert all(w in str(raised.value) for w in words), raised.value


def test_bad_arguments() -> None:
    """No such scan; no such site."""
    with pytest.raises(ValueError, match="scan='all'"):
        conditional(scan="all")  # type: ignore[arg-type]
    with pytest.raises(NothingToChange, match="no choice is named 'nowhere'"):
        infer(pair(), MCMC(conditional("nowhere"), 2, 4), progress=False)
