"""What products cost: tokens, calls, forward passes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from checkpoints import write_checkpoint
from product_sums import PRODUCTS, A, B, product_of, told

from steersman import models
from steersman.inference import Enumerate, Importance, infer
from steersman.models import TableLM, power
from steersman.ppl import assess, observe, program


def test_the_ledger_charges_every_context_once() -> None:
    """A power costs the tokens of its text, whoever reads the forward pass; each further prompt or model costs them
    again, and each model is a call."""
    text = A.text("a", max_tokens=3)
    cases: list[tuple[Any, Any, int, int]] = [  # target, proposal, contexts, models
        (text**4, None, 1, 1), (text**-1, None, 1, 1), (text * A.text("a", max_tokens=3, temperature=2.0), None, 1, 1),
        (text * A.text("b", max_tokens=3), None, 2, 1), (text * B.text("a", max_tokens=3), None, 2, 2),
        (text**4, A.text("a", max_tokens=3, temperature=0.5), 1, 1), (text**4, A.text("b", max_tokens=3), 2, 2),
        (text, text * B.text("a", max_tokens=3), 2, 2),
    ]
    for target, proposal, contexts, calls in cases:
        posterior = infer(told(target, proposal), Importance(20), seed=1)
        assert posterior.cost.tokens == contexts * sum(len(v.tokens) for v in posterior.values), (target, proposal)
        assert posterior.cost.calls == calls * max(len(v.tokens) for v in posterior.values), (target, proposal)
        assert infer(told(target, proposal), Enumerate()).cost.tokens == contexts * (1 + 3 + 9), (target, proposal)

    @program
    async def seen() -> None:
        await observe(text**2 * B.text("", max_tokens=3), "ab", "seen")
        await observe(A.next("a") * A.next("b"), 1)

    cost = infer(seen(), Importance(2)).cost
    assert (cost.tokens, cost.calls) == (2 * (2 * 3 + 2), 3)


@pytest.mark.parametrize(("name", "calls"), [("power", [0, 0]), ("models", [1, 1]), ("ratio", [1, 1])])
def test_one_batched_call_for_each_model_a_round(name: str, calls: list[int]) -> None:
    """Vectors are asked for once a round and model, whatever the number of its factors; a power asks for none."""

    class Spy(TableLM):
        def __init__(self, lm: TableLM) -> None:
            self.__dict__.update(lm.__dict__)
            self.plain, self.asked = lm, 0

        def next_log_probs(self, *question: Any) -> Any:
            self.asked += 1
            return self.plain.next_log_probs(*question)

        def draw_next(self, *question: Any) -> Any:
            return self.plain.draw_next(*question)

        def score_next(self, *question: Any) -> Any:
            return self.plain.score_next(*question)

    spies = {id(lm): Spy(lm) for lm in (A, B)}
    text = product_of([(spies[id(lm)], prompt, a) for lm, prompt, a in PRODUCTS[name]], 3)
    posterior = infer(told(text), Importance(8))
    rounds = max(len(v.tokens) for v in posterior.values)
    assert [spy.asked for spy in spies.values()] == [n * rounds for n in calls]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["power", "prompts", "temperatures"])
def test_no_second_forward_pass(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the decoder: a power moves no vector to the host and reads back once a round; other products ask for the
    vectors of all their factors once a round, and what is scored afterwards costs no forward pass."""
    lm = models.load(write_checkpoint(tmp_path / "tiny"))
    plain = lm.text("ab", max_tokens=4)
    text, prompts = {
        "power": (power(lm, 3.0).text("ab", max_tokens=4), 1),
        "prompts": (plain * lm.text("xyz", max_tokens=4), 2),
        "temperatures": (plain**2 / lm.text("ab", max_tokens=4, temperature=0.5), 1),
    }[kind]
    asked: list[int] = []
    vectors = lm.next_log_probs

    def ask(prefixes: Any, *steer: Any) -> Any:
        asked.append(len(prefixes))
        return vectors(prefixes, *steer)

    monkeypatch.setattr(lm, "next_log_probs", ask)
    lm.decoder.stats.reset()
    posterior = infer(told(text), Importance(8), seed=2)
    rounds, stats = max(len(v.tokens) for v in posterior.values), lm.decoder.stats
    assert stats.forwards <= prompts * rounds
    if kind == "power":
        assert not asked and stats.readbacks == rounds
    else:
        assert len(asked) == rounds
        for value, log_weight in zip(posterior.values, posterior.log_weights, strict=True):
            trace = assess(told(text), {"text": value}).trace
            assert trace is not None
            site = trace.site("text")
            assert site.log_p - site.log_q == pytest.approx(log_weight + math.log(8), abs=2e-4)
