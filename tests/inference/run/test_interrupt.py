"""Ctrl-C: the first one ends the run after the round with what there is, the second one at once."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from steersman.inference import SMC, Enumerate, Importance, Posterior, Rejection, infer
from steersman.inference.run.algorithm import Algorithm
from steersman.models import TableLM
from steersman.ppl import Invocation, call, factor, program, sample


class Presser:
    """Sends a real SIGINT to this process at its n-th call (and `times` of them)."""

    def __init__(self, at: int, times: int = 1) -> None:
        self.at, self.times, self.calls = at, times, 0

    def press(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)


@program
async def pressed(presser: Presser, length: int = 5) -> tuple[int, ...]:
    lm, out = TableLM.random(3, seed=2, eos=None), []
    for _ in range(length):
        out.append(await sample(lm.next(lm.context() + out), "token"))
        await call(presser.press)
        await factor(0.3 * out[-1], "step")
    return tuple(out)


def _interrupted(model: Invocation[tuple[int, ...]], method: Algorithm[object], seed: int = 0) -> Posterior:
    before = signal.getsignal(signal.SIGINT)
    with pytest.warns(UserWarning, match="interrupted"):
        posterior = infer(model, method, seed=seed)
    assert signal.getsignal(signal.SIGINT) is before
    assert posterior.stopped is not None and "Ctrl-C" in posterior.stopped
    return posterior


def test_smc_keeps_every_particle() -> None:
    """In the third round: all particles are there, three tokens each, the same as in the run that was not disturbed."""
    posterior = _interrupted(pressed(Presser(at=8 * 2 + 3)), SMC(8, ess_threshold=0.0))
    assert len(posterior) == 8
    assert posterior.finished is not None and not posterior.finished.any()
    calm = infer(pressed(Presser(at=0)), SMC(8, ess_threshold=0.0))
    for trace, whole in zip(posterior.traces, calm.values, strict=True):
        assert trace is not None
        assert list(trace.choices().values()) == list(whole[: len(trace.choices())])
        assert len(trace.choices()) == 3


def test_importance_keeps_finished_batches() -> None:
    """Eight of twenty are finished when it comes: they are importance sampling with eight."""
    posterior = _interrupted(pressed(Presser(at=2 * 4 * 5 + 7)), Importance(20, batch=4))
    whole = infer(pressed(Presser(at=0)), Importance(8))
    assert posterior.values == whole.values
    assert posterior.log_evidence == whole.log_evidence


def test_enumeration_keeps_finished_traces() -> None:
    """Depth first, some traces are complete: each with its exact weight, their sum below Z."""
    posterior = _interrupted(pressed(Presser(at=60), 4), Enumerate(width=3))
    exact = infer(pressed(Presser(at=0), 4), Enumerate())
    weights = dict(zip(exact.values, exact.log_weights, strict=True))
    assert 0 < len(posterior) < len(exact)
    assert all(weights[v] == w for v, w in zip(posterior.values, posterior.log_weights, strict=True))


def test_rejection_keeps_accepted_draws() -> None:
    """Draws accepted so far are exact draws."""
    posterior = _interrupted(pressed(Presser(at=3000), 3), Rejection(10**6, log_bound=2.0, attempts=10**6, batch=50))
    assert len(posterior) > 0
    assert all(v is not None and len(v) == 3 for v in posterior.values)


def test_saved_afterwards(tmp_path: object) -> None:
    """A partial posterior can be stored like any other."""
    posterior = _interrupted(pressed(Presser(at=20)), SMC(6))
    path = f"{tmp_path}/partial.json"
    posterior.save(path)
    again = Posterior.load(path)
    assert again.stopped == posterior.stopped
    assert again.traces == posterior.traces


def test_many_programs() -> None:
    """All runs of a list end together, each with its own part."""
    with pytest.warns(UserWarning, match="interrupted"):
        results = infer([pressed(Presser(at=9)), pressed(Presser(at=0))], SMC(4))
    assert len(results) == 2
    assert all(p.stopped is not None and len(p) == 4 for p in results)


def test_second_press_ends_at_once() -> None:
    """KeyboardInterrupt, and the handler of before."""
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        infer(pressed(Presser(at=5, times=2)), SMC(4))
    assert signal.getsignal(signal.SIGINT) is before


def test_handler_is_restored_after_an_error() -> None:
    """Also when the program raises."""

    @program
    async def failing() -> None:
        await call(_fail)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError, match="broken reward"):
        infer(failing, SMC(4))
    assert signal.getsignal(signal.SIGINT) is before


def _fail() -> None:
    raise RuntimeError("broken reward")


def test_outside_the_main_thread() -> None:
    """Signals belong to the main thread; inference elsewhere works without them."""
    results: list[Posterior] = []
    thread = threading.Thread(target=lambda: results.append(infer(pressed(Presser(at=0)), SMC(4))))
    thread.start()
    thread.join()
    assert results[0].stopped is None
