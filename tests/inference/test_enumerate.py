"""Oracle 1: enumeration, the judge of everything else, against sums that do not use the engine."""

from __future__ import annotations

import math

import numpy as np
import pytest

from steersman.inference import AllParticlesDead, Budget, Enumerate, infer
from steersman.inference.testing import (
    OracleModel,
    WeightedSet,
    coins_model,
    oracle_models,
    sentence_model,
    stanza_model,
    target_measure,
)
from steersman.inference.testing.programs import hand_sum, sentence
from steersman.models import TableLM
from steersman.ppl import Invocation, condition, factor, observe, program, sample
from steersman.ppl.errors import NotEnumerable
from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats


@pytest.mark.parametrize("how", ["prior", "proposal", "twist"])
@pytest.mark.parametrize("seed", range(4))
def test_hand_summed_sentences(how: str, seed: int) -> None:
    """Every mass is the hand-made product of table entries and factors; proposals and twists are not in it."""
    lm = TableLM.random(4, seed=seed)
    posterior = infer(sentence(lm, how, 4), Enumerate())
    expected = hand_sum(lm, 4)
    z = math.fsum(expected.values())
    assert posterior.log_evidence == pytest.approx(math.log(z), abs=1e-12)
    assert posterior.probabilities() == pytest.approx({v: p / z for v, p in expected.items()}, rel=1e-10)
    assert posterior.log_evidence_error == 0.0


@pytest.mark.parametrize("lookahead", ["none", "mass", "wrong"])
@pytest.mark.parametrize("relative", [False, True])
def test_weighted_sets(lookahead: str, relative: bool) -> None:
    """log Z = log of the sum of the weights, and every string has its weight."""
    strings = WeightedSet({"a": 1.0, "ab": 2.0, "abc": 0.5, "b": 3.0, "cab": 4.0}, relative=relative, seed=4)
    posterior = infer(strings.program(lookahead=lookahead), Enumerate())
    assert posterior.log_evidence == pytest.approx(strings.log_evidence, abs=1e-12)
    z = math.exp(strings.log_evidence)
    assert posterior.probabilities() == pytest.approx({s: strings.mass(s) / z for s in strings.weights})


def test_three_forms_have_one_measure() -> None:
    """flat = sub-program = unfold, as measures."""
    flat, sub, unfolded = (target_measure(stanza_model(form)) for form in ("flat", "sub", "unfold"))
    assert flat == pytest.approx(sub, rel=1e-12)
    assert flat == pytest.approx(unfolded, rel=1e-12)


def test_text_and_its_tokens_have_one_measure() -> None:
    """A text drawn token by token has the densities of the table, end of text and length limit included."""
    lm = TableLM.random(3, seed=1)

    @program
    async def text() -> tuple[str, str]:
        drawn = await sample(lm.text("", max_tokens=2), "text")
        return str(drawn), drawn.finish

    row: Floats = np.exp(lm.next_log_probs([(), (1,), (2,)], None, None))
    expected = {("", "eos"): row[0, 0]}
    for i, letter in ((1, "a"), (2, "b")):
        expected[letter, "eos"] = row[0, i] * row[i, 0]
        for j, second in ((1, "a"), (2, "b")):
            expected[letter + second, "length"] = row[0, i] * row[i, j]
    posterior = infer(text, Enumerate())
    assert posterior.probabilities() == pytest.approx(expected)
    assert posterior.log_evidence == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("width", [1, 3, 1000])
def test_width_changes_nothing(width: int) -> None:
    """How many executions are advanced at once is a matter of memory alone."""
    model = sentence_model("proposal")
    narrow = infer(model.program, Enumerate(width=width))
    assert narrow.probabilities() == pytest.approx(model.exact.probabilities(), rel=1e-12)


@pytest.mark.parametrize("model", oracle_models(), ids=lambda m: m.name)
def test_traces_carry_their_density(model: OracleModel) -> None:
    """The log-weight of an enumerated trace is its log joint density."""
    for trace, log_w in zip(model.exact.traces, model.exact.log_weights, strict=True):
        assert trace is not None
        assert trace.log_joint == pytest.approx(log_w, abs=1e-10)


def test_observation() -> None:
    """Bayes' rule for one token given the next one."""
    lm = TableLM.random(4, seed=2, eos=None)

    @program
    async def hidden() -> int:
        first = await sample(lm.next(""), "first")
        await observe(lm.next(lm.context() + first), 2, "second")
        return first

    prior = np.exp(lm.next(lm.context()).log_probs())
    likelihood = [math.exp(lm.next(lm.context() + first).log_probs()[2]) for first in range(4)]
    joint = prior * likelihood
    posterior = infer(hidden, Enumerate())
    assert posterior.log_evidence == pytest.approx(math.log(joint.sum()))
    assert posterior.probabilities() == pytest.approx(dict(enumerate(joint / joint.sum())))


def test_cost_is_one_token_a_node() -> None:
    """The ledger counts every prefix at which the model was asked, and a budget stops before it is exceeded."""
    posterior = infer(coins_model(3).program, Enumerate())
    assert posterior.cost.tokens == 3  # tails close the branch: one prefix at each depth
    model = sentence_model()
    full = model.exact.cost.tokens
    for limit in (1, 2, full - 1, full):
        partial = infer(model.program, Enumerate(), budget=Budget(tokens=limit))
        assert partial.cost.tokens <= limit
        assert (partial.stopped is None) is (limit == full)
        assert partial.log_evidence <= model.exact.log_evidence + 1e-12


def test_max_traces_is_a_lower_bound() -> None:
    """Stopped enumeration says so, and its sum is a part of Z."""
    model = sentence_model()
    posterior = infer(model.program, Enumerate(max_traces=10, width=2))
    assert len(posterior) == 10
    assert posterior.stopped is not None and "lower bound" in posterior.stopped
    assert posterior.log_evidence < model.exact.log_evidence
    assert math.isnan(posterior.log_evidence_error)


def test_impossible_program_names_the_sites() -> None:
    """All branches dead: the sites and how many branches each closed."""
    lm = TableLM.random(3, eos=None)

    @program
    async def impossible() -> None:
        token = await sample(lm.next(""), "token")
        await condition(token != 0, "not zero")
        await factor(-math.inf, "never")

    with pytest.raises(AllParticlesDead, match="never") as error:
        infer(impossible, Enumerate())
    assert error.value.killed == {"not zero": 1, "never": 2}


def test_infinite_support_is_refused_by_name() -> None:
    """A choice that cannot be enumerated is named with the fix."""

    class Count:
        family = "count"

        @staticmethod
        def draw(members: list[Count], keys: Keys) -> tuple[list[int], Floats]:
            return [0] * len(members), np.zeros(len(members))

        @staticmethod
        def log_prob(members: list[Count], values: list[int]) -> Floats:
            return np.zeros(len(members))

        def support(self) -> None:
            return None

    @program
    async def counting() -> int:
        return int(await sample(Count(), "how many"))

    with pytest.raises(NotEnumerable, match="how many"):
        infer(counting, Enumerate())


@pytest.mark.parametrize("bad", [{"max_traces": 0}, {"width": 0}])
def test_bad_arguments(bad: dict[str, int]) -> None:
    """Sizes are at least 1."""
    with pytest.raises(ValueError, match="at least 1"):
        Enumerate(**bad)


def test_a_program_is_run_many_times() -> None:
    """A program call holds no state."""
    call: Invocation[tuple[int, ...]] = sentence_model().program
    assert infer(call, Enumerate()).log_evidence == infer(call, Enumerate()).log_evidence
