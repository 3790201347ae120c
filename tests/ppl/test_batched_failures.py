"""A reward that fails for one item: the item is named, or its particle closed alone."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from steersman.inference import MH, NUTS, SMC, Enumerate, infer
from steersman.models import TableLM
from steersman.ppl import AllParticlesDead, Batched, CallFailed, Failure, call, dist, factor, program, sample

LM = TableLM.random(4, seed=3)
FAULTS: dict[str, tuple[Any, str]] = {
    "nan": (math.nan, "it returned nan; a reward must be finite, or -inf"),
    "+inf": (math.inf, "it returned inf"),
    "shape": ([1.0, 2.0], "it returned \\[1.0, 2.0\\], which is no number"),
    "type": ("good", "it returned 'good', which is no number"),
    "none": (None, "it returned None, which is no number"),
    "raised": (KeyError("no rule"), "KeyError: 'no rule'"),
    "failure": (Failure(ValueError("cannot be read")), "cannot be read"),
}


def judge(fault: Any, on_error: Any = "raise") -> Batched[float]:
    """Fails for the texts that hold an a; the others score by length."""

    def score(items: list[tuple[Any, ...]]) -> list[Any]:
        if isinstance(fault, Exception) and any("a" in text for (text,) in items):
            raise fault
        return [fault if "a" in text else 0.5 * len(text) for (text,) in items]

    return Batched(score, reward=True, on_error=on_error)


@program
async def judged(reward: Any) -> str:
    text = await sample(LM.text("", max_tokens=3), "text")
    await factor(await call(reward, text, name="judge"), "reward")
    return str(text)


def plain(text: str) -> float:
    return -math.inf if "a" in text else 0.5 * len(text)


@pytest.mark.parametrize("name", FAULTS)
def test_the_particle_is_named(name: str) -> None:
    """By default the run ends, with the site, the particle and its text in the message."""
    fault, message = FAULTS[name]
    with pytest.raises(CallFailed, match=rf"call 'judge' in <program 'judged'>.* particle \d+, \('.*a.*'\): {message}"):
        infer(judged(judge(fault)), SMC(16), seed=1)


@pytest.mark.parametrize("name", FAULTS)
def test_the_others_are_kept(name: str) -> None:
    """Law: with on_error="kill" the posterior and log Z are those of a reward of -inf for what fails."""
    exact = infer(judged(plain), Enumerate())
    found = infer(judged(judge(FAULTS[name][0], "kill")), Enumerate())
    assert found.probabilities() == pytest.approx(exact.probabilities())
    assert found.log_evidence == pytest.approx(exact.log_evidence)


def test_every_method_takes_it() -> None:
    """A particle filter and a chain close particles, and reject moves, by the same rule."""
    reward = judge(math.nan, "kill")
    exact = infer(judged(plain), Enumerate()).probabilities()
    for method in (SMC(4000), MH(200, 20)):
        found = infer(judged(reward), method, seed=2).probabilities()
        assert found.keys() <= exact.keys()
        assert 0.5 * sum(abs(found.get(v, 0) - exact[v]) for v in exact) < 0.1


def test_arrays_of_numbers() -> None:
    """Law: an array of NumPy or JAX is as good as a list; one of two columns fails item by item."""
    for array in (np.asarray, jnp.asarray):
        reward = Batched(lambda items, array=array: array([float(len(t)) for (t,) in items]), reward=True)
        assert reward.evaluate([("a",), ("bb",)]) == [1.0, 2.0] and type(reward("a")) is float
        wide = Batched(lambda items, array=array: array([[0.0, 1.0]] * len(items)), reward=True)
        with pytest.raises(CallFailed, match=r"it returned \[0.0, 1.0\], which is no number"):
            wide("a")


def test_all_fail() -> None:
    """Where nothing can be scored, the error says which site closed all particles."""
    with pytest.raises(AllParticlesDead, match="judge"):
        infer(judged(Batched(lambda items: [math.nan] * len(items), reward=True, on_error="kill")), SMC(8))


def test_only_rewards_are_asked_one_by_one() -> None:
    """What is no reward raises as it did: its own exception, after one evaluation."""
    calls = []

    def broken(items: list[tuple[Any, ...]]) -> list[float]:
        calls.append(len(items))
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        infer(judged(Batched(broken)), SMC(8), seed=1)
    assert len(calls) == 1


@pytest.mark.slow  # it compiles a sampler
def test_a_reward_may_be_traced() -> None:
    """Law: a reward of numbers that JAX is tracing is checked for nothing, and its gradient moves a chain."""

    @program
    async def continuous() -> Any:
        x = await sample(dist.Normal(0.0, 1.0), "x")
        await factor(await call(Batched(lambda items: [3.0 * x for (x,) in items], reward=True), x))
        return x

    found = infer(continuous(), NUTS(40, 20), seed=1)
    assert abs(found.expectation(float) - 3.0) < 0.5


def test_outside_a_program() -> None:
    """One evaluation by hand raises the same error; a list of them is checked, too."""
    with pytest.raises(CallFailed, match=r"score\('ba'\): it returned nan"):
        judge(math.nan)("ba")
    assert judge(math.nan)("bb") == 1.0
    good, bad = judge(math.nan).evaluate([("b",), ("a",)])
    assert good == 0.5 and isinstance(bad, Failure)


def test_arguments() -> None:
    """Bad input: an unknown rule, and closing particles for what is no reward."""
    with pytest.raises(ValueError, match="on_error='skip': it is 'raise' or 'kill'"):
        Batched(lambda items: [], reward=True, on_error="skip")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs reward=True"):
        Batched(lambda items: [], on_error="kill")
