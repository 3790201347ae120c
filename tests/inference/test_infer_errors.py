"""Bad input: a clear line that names the argument, the value and what was expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from steersman.inference import SMC, AllParticlesDead, Enumerate, Importance, Rejection, every, infer
from steersman.inference.testing import coins_model, sentence_model
from steersman.models import TableLM
from steersman.ppl import InvalidWeight, Invocation, call, condition, factor, program, sample
from steersman.ppl.errors import SteersmanError
from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

LM = TableLM([0.0, 0.0, 0.0, 0.0], eos=None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SMC(0), "SMC: particles=0 must be a whole number, at least 1"),
        (lambda: SMC(1.5), "SMC: particles=1.5 must be a whole number"),  # type: ignore[arg-type]
        (lambda: SMC(-3), "SMC: particles=-3"),
        (lambda: Importance(0), "Importance: particles=0"),
        (lambda: Importance(4, batch=0), "batch=0 must be a whole number, at least 1"),
        (lambda: SMC(4, resample="bogus"), "unknown resampler 'bogus'; choose from .*multinomial.*ssp"),
        (lambda: SMC(4, ess_threshold=-0.1), "ess_threshold=-0.1"),
        (lambda: SMC(4, ess_threshold=float("nan")), "ess_threshold=nan"),
        (lambda: SMC(4, expand=0), "expand=0"),
        (lambda: SMC(4, resample_at=[]), r"resample_at=\[\]: expected 'weight'"),
        (lambda: SMC(4, resample_at=3), r"resample_at=3: expected 'weight'"),  # type: ignore[arg-type]
        (lambda: SMC(4, resample_at=["token", 3]), "resample_at"),  # type: ignore[list-item]
        (lambda: every(0), r"every\(0\)"),
    ],
)
def test_bad_arguments(make: Callable[[], object], message: str) -> None:
    """Refused when the method is made, not in the middle of a run."""
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("method", ["smc", None, SMC, sentence_model])
def test_not_a_method(method: Any) -> None:
    """A name, a class or a function where a method is expected: told what to pass."""
    with pytest.raises(TypeError, match=r"not a method; pass for example SMC\(64\)"):
        infer(sentence_model().program, method)


def test_not_a_program() -> None:
    """A coroutine function, a coroutine, a program that lacks arguments, anything else."""

    async def undecorated() -> None:
        await sample(LM.next(""))

    @program
    async def needy(prompt: str) -> None:
        await sample(LM.next(prompt))

    for model, message in ((undecorated, "decorate"), (needy, "needs arguments"), (3, "expected a program")):
        with pytest.raises(TypeError, match=message):
            infer(model, SMC(2))  # type: ignore[call-overload]


METHODS = [SMC(60, ess_threshold=0.0), Importance(60, batch=13), Rejection(1, attempts=60, batch=7)]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_all_dead(method: Any) -> None:
    """Each killing site with the number of particles that it killed, the deadliest first; they add up."""

    @program
    async def impossible() -> None:
        token = await sample(LM.next(""), "token")
        await condition(token == 0, "only zero")
        await inner(token)

    @program
    async def inner(token: int) -> None:
        await factor(-np.inf if token == 0 else 0.0, "never")

    with pytest.raises(AllParticlesDead) as error:
        infer(impossible, method)
    killed = error.value.killed
    assert set(killed) == {"only zero", "inner/never"}
    assert sum(killed.values()) == 60
    message = str(error.value)
    assert message.index("only zero") < message.index("inner/never")
    assert "impossible, or too rare" in message


def test_rejected_by_the_accept_step() -> None:
    """Alive but never accepted: that is said too."""

    @program
    async def unlikely() -> None:
        token = await sample(LM.next(""), "token")
        await condition(token != 0, "not zero")
        await factor(-60.0, "unlikely")

    with pytest.raises(AllParticlesDead) as error:
        infer(unlikely, Rejection(1, attempts=40))
    assert set(error.value.killed) == {"not zero", "the accept step"}
    assert sum(error.value.killed.values()) == 40


@pytest.mark.parametrize("method", [SMC(4), Importance(4), Enumerate()], ids=lambda m: m.name)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "heavy"])
def test_bad_weights(method: Any, bad: Any) -> None:
    """NaN, +inf and non-numbers are named with their site."""

    @program
    async def broken() -> None:
        await sample(LM.next(""), "token")
        await factor(bad, "the weight")

    with pytest.raises(InvalidWeight, match="the weight"):
        infer(broken, method)


def test_errors_of_the_program_say_where() -> None:
    """An exception in a program or a called function comes through, with a note on the site."""

    def reward(token: int) -> float:
        return 1 / 0

    @program
    async def broken() -> None:
        token = await sample(LM.next(""), "token")
        await call(reward, token, name="judge")

    with pytest.raises(ZeroDivisionError) as error:
        infer(broken, SMC(4))
    assert any("judge" in note for note in error.value.__notes__)


def test_a_bad_resampler_is_caught() -> None:
    """A resampling function of the user's that points outside the population."""
    from steersman.inference.resampling import Ancestry

    def outside(W: Floats, n: int, key: Key, /) -> Ancestry:
        return Ancestry(np.full(n, len(W)), np.full(n, 1 / n))

    with pytest.raises(ValueError, match="ancestors run from 4 to 4, but there are 4 parents"):
        infer(sentence_model().program, SMC(4, resample=outside, ess_threshold=1.0))


def test_killing_needs_equal_sizes() -> None:
    """Killing resampling with expand: what it needs, and what to use instead."""
    with pytest.raises(ValueError, match="use ssp or optimal"):
        infer(coins_model().program, SMC(4, expand=2, resample="killing"))


def test_every_message_is_one_line() -> None:
    """Errors fit a terminal line or two and need no traceback to be understood."""

    def message(model: Invocation[Any], method: Any) -> str:
        with pytest.raises(SteersmanError) as error:
            infer(model, method)
        return str(error.value)

    @program
    async def never() -> None:
        await condition(False, "never")

    text = message(never(), SMC(3))
    assert "\n" not in text and len(text) < 300


def test_trivial_programs() -> None:
    """No choice at all is a program too: log Z is its factors."""

    @program
    async def nothing() -> int:
        return 7

    @program
    async def constant() -> int:
        await factor(-1.5)
        return 7

    for method in (SMC(3), Importance(3), Enumerate()):
        for model, log_z in ((nothing, 0.0), (constant, -1.5)):
            posterior = infer(model, method)
            assert posterior.log_evidence == pytest.approx(log_z)
            assert posterior.probabilities() == pytest.approx({7: 1.0})
            assert posterior.log_evidence_error == pytest.approx(0.0, abs=1e-7)


def test_enumeration_knows_that_it_is_impossible() -> None:
    """All executions were tried: no advice to try more of them."""

    @program
    async def impossible() -> None:
        token = await sample(LM.next(""), "token")
        await condition(token > 7, "above seven")

    with pytest.raises(AllParticlesDead, match=r"all 4 executions are dead; killed by: above seven \(4\)\. No exec"):
        infer(impossible, Enumerate())


def test_seeds_are_whole_numbers() -> None:
    """NumPy integers are seeds like others; text and fractions are none."""
    runs = [infer(sentence_model().program, SMC(4), seed=seed) for seed in (3, np.int64(3))]  # type: ignore[call-overload]
    assert runs[0].values == runs[1].values and runs[1].seed == 3
    for seed in ("3", 0.5, None):
        with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
            infer(sentence_model().program, SMC(4), seed=seed)  # type: ignore[call-overload]
