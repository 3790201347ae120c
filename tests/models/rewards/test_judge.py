"""S055: P(yes) of a language model, principles that multiply, and all questions of a round in one call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from head_checkpoints import write_checkpoint

from steersman import models
from steersman.inference import SMC, Enumerate, infer
from steersman.models import Judge, TableLM, likelihood
from steersman.ppl import CallFailed, call, factor, observe, program, sample

LM = TableLM.random(3, seed=5)  # writes a and b
CRITIC = TableLM.random(7, seed=8, scale=1.5)  # a to f and an end: c and d ask, e means yes, f and dd no
TEMPLATE = "{principle}{text}c"
judge = Judge(CRITIC, TEMPLATE, yes="e", no=("f", "dd"))


def p_yes(text: str, principle: str) -> float:
    """P(yes) summed by hand from the table."""
    def p(prompt: str, answer: str) -> float:
        out, tokens = 1.0, CRITIC.tokenizer.encode(prompt)
        for token in CRITIC.tokenizer.encode(answer):
            out *= math.exp(CRITIC.next_log_probs([tokens], None, None)[0][token])
            tokens = (*tokens, token)
        return out

    prompt = principle + text + "c"
    yes = p(prompt, "e")
    return yes / (yes + p(prompt, "f") + p(prompt, "dd"))


@program
async def written() -> str:
    return str(await sample(LM.text("", max_tokens=3), "text"))


PRIOR = infer(written(), Enumerate()).probabilities()


def posterior_by_hand(weights: dict[str, float]) -> tuple[dict[str, float], float]:
    measure = {v: p * math.prod(p_yes(v, name) ** w for name, w in weights.items()) for v, p in PRIOR.items()}
    total = sum(measure.values())
    return {v: m / total for v, m in measure.items()}, math.log(total)


def test_principles_multiply() -> None:
    """Law: observing two principles to hold is the posterior p(text) P_1(yes) P_2(yes) / Z, with its log Z; and so is
    one `agree` of both, and a False one takes P(no)."""
    exact, log_z = posterior_by_hand({"d": 1.0, "cd": 1.0})

    @program
    async def observed() -> str:
        text = await sample(LM.text("", max_tokens=3), "text")
        await observe(judge.principle("d")(text), True, "polite")
        await observe(judge.principle("cd")(text), True, "cites")
        return str(text)

    @program
    async def agreed(principles: Any) -> str:
        text = await sample(LM.text("", max_tokens=3), "text")
        await factor(await call(judge.agree, text, principles), "judge")
        return str(text)

    for model in (observed(), agreed(("d", "cd"))):
        found = infer(model, Enumerate())
        assert found.probabilities() == pytest.approx(exact) and found.log_evidence == pytest.approx(log_z)
    weighed, log_z = posterior_by_hand({"d": 0.3, "cd": 2.5})
    found = infer(agreed({"d": 0.3, "cd": 2.5}), Enumerate())
    assert found.probabilities() == pytest.approx(weighed) and found.log_evidence == pytest.approx(log_z)

    @program
    async def refused() -> str:
        text = await sample(LM.text("", max_tokens=3), "text")
        await observe(judge.principle("d")(text), False)
        return str(text)

    no = {v: p * (1 - p_yes(v, "d")) for v, p in PRIOR.items()}
    total = sum(no.values())
    assert infer(refused(), Enumerate()).probabilities() == pytest.approx({v: m / total for v, m in no.items()})


def test_a_verdict_can_be_drawn() -> None:
    """Law: as a latent choice a verdict has probabilities P(yes) and P(no)."""

    @program
    async def verdict() -> bool:
        return await sample(judge.principle("d")("ab"), "verdict")

    exact = infer(verdict(), Enumerate()).probabilities()
    assert exact == pytest.approx({True: p_yes("ab", "d"), False: 1 - p_yes("ab", "d")})
    drawn = infer(verdict(), SMC(4000), seed=3).probabilities()[True]
    assert abs(drawn - exact[True]) < 4.5 * math.sqrt(exact[True] * exact[False] / 4000)


def test_all_questions_of_a_round_are_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: however many particles and principles, a round asks the model once, each distinct question once; the
    evaluations and their tokens are charged."""
    batches: list[int] = []
    score = CRITIC.score_sequences

    def counted(prefixes: Any, tails: Any) -> Any:
        batches.append(len(prefixes))
        return score(prefixes, tails)

    monkeypatch.setattr(CRITIC, "score_sequences", counted)

    @program
    async def agreed() -> str:
        text = str(await sample(LM.text("", max_tokens=1), "text"))
        await factor(await call(judge.agree, text, ("d", "cd", "dd")), "judge")
        return text

    posterior = infer(agreed(), SMC(64), seed=1)
    questions = 3 * len(posterior.probabilities())
    assert len(batches) <= 2 and sum(batches) <= 2 * 3 * questions and posterior.cost.rewards == 64
    assert posterior.cost.tokens == 64 + 64 * 3 * 4  # a token of text each; yes, no and the two of the other no


def test_neural_judge(tmp_path: Any) -> None:
    """Law: on a decoder, whatever the company, P(yes) is that of the next-token probabilities of the question alone."""
    lm = models.load(write_checkpoint(tmp_path))
    asked = Judge(lm, "{text}\nIs it {principle}? ", yes="y", no="n")
    texts = ["It rained.", "A", "The dog ran home."]
    found = asked.agree.scores([(t, ("kind", "short")) for t in texts])
    y, n = lm.tokenizer.encode("yn")
    for log_g, text in zip(found, texts, strict=True):
        expected = 0.0
        for principle in ("kind", "short"):
            question = lm.tokenizer.encode(f"{text}\nIs it {principle}? ")
            lp = lm.next_log_probs([(256, *question)], None, None)[0]
            expected -= float(np.logaddexp(0.0, lp[n] - lp[y]))
        assert log_g == pytest.approx(expected, abs=2e-5)


def test_likelihood_of_another_model() -> None:
    """Law: the reward log p(text | prompt) is that of the table, token by token, and the target p(text) q(text)."""
    reward = likelihood(CRITIC)

    def by_hand(prompt: str, text: str) -> float:
        out, tokens = 0.0, CRITIC.tokenizer.encode(prompt)
        for token in CRITIC.tokenizer.encode(text):
            out += CRITIC.next_log_probs([tokens], None, None)[0][token]
            tokens = (*tokens, token)
        return out

    @program
    async def liked() -> str:
        text = await sample(LM.text("", max_tokens=3), "text")
        await factor(await call(reward, "cd", text))
        return str(text)

    weight = {v: p * math.exp(by_hand("cd", v)) for v, p in PRIOR.items()}
    total = sum(weight.values())
    found = infer(liked(), Enumerate())
    assert found.probabilities() == pytest.approx({v: w / total for v, w in weight.items()})
    assert reward("c", "") == 0.0


def test_bad_input(tmp_path: Any) -> None:
    """One error each: templates, answers, and texts that leave no room for an answer, which spare the others."""
    answers: dict[str, Any] = {"yes": "e", "no": "f"}
    for template, changes, match in (
        ("no place", {}, "must hold {text}"), ("{text}", {"yes": ""}, "at least one token"),
        ("{text}", {"no": ("f", "ed")}, "begins another"), ("{text}", {"no": "e"}, "begins another"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=match):
            Judge(CRITIC, template, **(answers | changes))
    with pytest.raises(ValueError, match=r"has no \{principle\}"):
        Judge(CRITIC, "{text}c", yes="e", no="f").principle("d")
    with pytest.raises(CallFailed, match="asked about a principle: name it"):
        judge.agree("ab")
    lm = models.load(write_checkpoint(tmp_path))
    asked = Judge(lm, "{text}?", yes="y", no="n")
    with pytest.raises(CallFailed, match="context of 75 tokens does not fit this model, which has 64"):
        asked.agree("x" * 72)
    found = asked.agree.scores(["x" * 72, "x"])
    assert np.isnan(found[0]) and found[1] == pytest.approx(asked.agree("x"), abs=2e-5)
    found = likelihood(lm).scores([("a", "x" * 72), ("a", "x")])
    assert np.isnan(found[0]) and found[1] < 0
