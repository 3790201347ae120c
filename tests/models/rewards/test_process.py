"""`process_reward`: what it must be told, the links, and telescoping that leaves the last reward only.

That the two modes are different posteriors, and that filters sample each, is tested in
tests/inference/test_process_rewards.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from steersman.inference import MH, SMC, Enumerate, infer, suffix
from steersman.models import Reward, TableLM, process_reward
from steersman.models.rewards import exp, odds, prob, tilt
from steersman.ppl import program, sample

LM = TableLM([0.3, -0.2, 0.1], vocabulary=["a", "b", "c"], eos=2)
NUMBERS = {"": 0.5, "a": 0.8, "b": 0.3, "aa": 0.6, "ab": 0.2, "ba": 0.7, "bb": 0.4}
LINKS: dict[str, tuple[Any, Callable[[float], float]]] = {
    "prob": ("prob", lambda r: r), "odds": ("odds", lambda r: r / (1 - r)),
    "exp": (exp(3.0), lambda r: math.exp(3 * r)), "tilt": (tilt(0.5), lambda r: math.exp(r / 0.5)),
    "own": (lambda r: 2 * math.log(r), lambda r: r * r),
}  # fmt: skip


@program
async def reason(judge: Any) -> str:
    """Up to two steps; the end may come earlier, so the number of rewards varies."""
    steps = ""
    for t in range(2):
        token = await sample(LM.next(steps), "step")
        if token in LM.eos:
            await judge(steps, last=True)
            return steps
        steps += LM.tokenizer.decode([token])
        await judge(steps, last=t == 1)
    return steps


def by_hand(mode: str, g: Callable[[float], float]) -> tuple[dict[str, float], float]:
    p = [math.exp(x) for x in LM.next_log_probs([()], None, None)[0]]
    measure = {}
    for steps in NUMBERS:
        base = math.prod(p[LM.tokenizer.encode(s)[0]] for s in steps) * (p[2] if len(steps) < 2 else 1.0)
        seen = [steps[: t + 1] for t in range(len(steps))] + ([steps] if len(steps) < 2 else [])
        rewards = [g(NUMBERS[s]) for s in seen]
        measure[steps] = base * (math.prod(rewards) if mode == "emission" else rewards[-1])
    total = sum(measure.values())
    return {v: m / total for v, m in measure.items()}, math.log(total)


@pytest.mark.parametrize("mode", ["emission", "telescoping"])
@pytest.mark.parametrize("name", LINKS)
def test_every_link_in_every_mode(name: str, mode: Any) -> None:
    """Law: posterior and log Z are the hand-made sums, texts of variable length; functions and `Reward`s agree."""
    link, g = LINKS[name]
    exact, log_z = by_hand(mode, g)
    batched = Reward(lambda items: [NUMBERS[s] for (s,) in items], name="table")
    for fn in (NUMBERS.__getitem__, batched):
        found = infer(reason(process_reward(fn, link=link, mode=mode)), Enumerate())
        assert found.probabilities() == pytest.approx(exact) and found.log_evidence == pytest.approx(log_z)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["emission", "telescoping"])
def test_filters_and_chains_agree(mode: Any) -> None:
    """Law: a particle filter that resamples at every reward, and a chain, sample the same posterior."""
    exact, _ = by_hand(mode, lambda r: r)
    model = reason(process_reward(NUMBERS.__getitem__, link="prob", mode=mode))
    for method in (SMC(4000, ess_threshold=1.0), MH(300, 20, suffix())):
        found = infer(model, method, seed=1).probabilities()
        assert 0.5 * sum(abs(found.get(v, 0.0) - exact[v]) for v in exact) < 0.05


def test_what_must_be_declared() -> None:
    """Bad input: neither link nor mode has a default, and telescoping must be told which step is the last."""
    with pytest.raises(TypeError, match=r"'link' and 'mode'"):
        process_reward(len)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match=r"mode='product'.*different posteriors"):
        process_reward(len, link="prob", mode="product")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"link='log': it is 'prob', 'odds', exp"):
        process_reward(len, link="log", mode="emission")  # type: ignore[arg-type]

    @program
    async def forgets(mode: Any) -> None:
        await process_reward(lambda s: 0.5, link="prob", mode=mode)("step")

    infer(forgets("emission"), Enumerate())
    with pytest.raises(TypeError, match="say which it is"):
        infer(forgets("telescoping"), Enumerate())


def test_rewards_that_no_link_takes() -> None:
    """Bad input: what is no probability is refused with the reward in the message; a 0 closes the execution where it
    stays in the target, and is refused where the next ratio would have to take it back."""
    for link in (prob, odds):
        for r in (-0.1, 1.3, math.nan):
            with pytest.raises(ValueError, match=f"takes a probability, got a reward of {r}"):
                link(r)
        assert link(0.0) == -math.inf and link(0.5) == pytest.approx(math.log(0.5) if link is prob else 0.0)
    with pytest.raises(ValueError, match="infinite odds"):
        odds(1.0)
    for make in (exp, tilt):
        for beta in (0.0, -1.0, math.inf):
            with pytest.raises(ValueError, match="beta is a positive number"):
                make(beta)

    def harsh(steps: str) -> float:
        return 0.0 if steps == "a" else 0.5

    found = infer(reason(process_reward(harsh, link="prob", mode="emission")), Enumerate()).probabilities()
    assert set(found) == {"", "b", "ba", "bb"}
    with pytest.raises(ValueError, match="before the last step has weight 0"):
        infer(reason(process_reward(harsh, link="prob", mode="telescoping")), Enumerate())
