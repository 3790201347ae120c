"""Annealing: a correct sampler of each sharpened target, and a search that finds the mode."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tempered_laws import final_states, misfit, reweighted

from steersman.inference import (
    MH,
    Budget,
    Enumerate,
    Move,
    Posterior,
    Proposal,
    anneal,
    block,
    infer,
    mix,
    site,
    suffix,
)
from steersman.inference.chain.target import Joint, Sharpened, Target, Tempered, log_likelihood
from steersman.inference.kernels.kernel import Kernel
from steersman.inference.tempering.anneal import Anneal
from steersman.inference.testing import crossroads_model, sentence_model
from steersman.inference.testing.transitions import check_transitions
from steersman.models import TableLM
from steersman.ppl import Text, factor, program, sample
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Trace

LM = TableLM.random(3, seed=21, scale=1.2)
PAIRS = TableLM.random(4, seed=8, eos=None, scale=0.3)
LENGTH = 9


@program
async def draft(lm: TableLM) -> tuple[int, ...]:
    """A short text, ended by its end-of-text token or its length, which a metric scores."""
    text: Text = await sample(lm.text("", max_tokens=3), "text")
    await factor(quality(text.tokens), "score")
    await factor(-0.3 * len(text.tokens), "brevity")
    return (*text.tokens, -1) if text.finish == "eos" else text.tokens


def quality(tokens: tuple[int, ...]) -> float:
    """1 is an error, most of all at the beginning."""
    return sum(-1.5 / (k + 1) if t == 1 else 0.4 for k, t in enumerate(tokens))


def pinpoint(trace: Trace) -> Floats:
    """An error model: it points at the tokens that are 1, and hardly at others."""
    return np.array([5.0 if token.value == 1 else 1.0 for token in trace.site("text").sub.sites()])


def edits() -> Kernel:
    return mix(block("text", length=2, at=pinpoint), suffix("text", at=pinpoint), weights=[3, 1])


@program
async def rugged() -> tuple[int, ...]:
    """262,144 texts of about equal probability; factors want neighbours to fit, so that single tokens get trapped."""
    text: Text = await sample(PAIRS.text("", max_tokens=LENGTH), "text")
    await factor(sum(fit(a, b) for a, b in itertools.pairwise(text.tokens)), "score")
    return text.tokens


def fit(a: int, b: int) -> float:
    return 0.5 if (a + 2 * b) % 4 == 3 else 0.25 if a == b else -0.4


def exact_mode() -> tuple[int, ...]:
    """Viterbi's recursion over the table: best[b] = max_a best[a] + log p(b | a) + fit(a, b)."""
    best = {(a,): lp for a, lp in enumerate(PAIRS.next_log_probs([()], None, None)[0])}
    for _ in range(LENGTH - 1):
        longer = [
            ((*text, b), score + lp + fit(text[-1], b))
            for text, score in best.items()
            for b, lp in enumerate(PAIRS.next_log_probs([text], None, None)[0])
        ]
        best = dict(max((x for x in longer if x[0][-1] == b), key=lambda x: x[1]) for b in range(4))
    return max(best, key=lambda text: best[text])


def test_schedules_go_from_start_to_end() -> None:
    """beta(0) = start, beta(1) = end; geometric in the logarithm, linear in beta."""
    geometric, linear = anneal(0.5, 8.0), anneal(0.0, 3.0, "linear")
    assert [geometric.beta(u) for u in (0.0, 0.25, 0.5, 1.0)] == pytest.approx([0.5, 1.0, 2.0, 8.0])
    assert [linear.beta(u) for u in (0.0, 0.5, 1.0)] == pytest.approx([0.0, 1.5, 3.0])
    assert anneal(1.0, 1.0).beta(0.3) == 1.0
    assert anneal(2.0, 4.0).target(0.5) == Sharpened(math.sqrt(8.0))
    assert anneal(2.0, 4.0, of="factors").target(0.0) == Tempered(2.0)
    assert anneal(2.0, 4.0, of=["score"]).target(1.0) == Tempered(4.0, frozenset({"score"}))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"start": 0.0}, "positive"), ({"end": -1.0}, "positive"), ({"end": math.inf}, "finite"),
        ({"start": math.nan}, "finite"), ({"kind": "cosine"}, "geometric"), ({"of": "score"}, r"of=\['score'\]"),
        ({"of": []}, "at least one"),
    ],
)
def test_bad_schedules_are_refused(settings: dict[str, Any], says: str) -> None:
    """The message names the argument and what it may be."""
    with pytest.raises(ValueError, match=says):
        anneal(**settings)


def test_mh_takes_schedules_only() -> None:
    with pytest.raises(TypeError, match="anneal=20"):
        MH(2, 10, anneal=20)  # type: ignore[arg-type]


TARGETS: list[tuple[str, Anneal, Target]] = [
    ("posterior", anneal(1.0, 1.0), Joint()),
    ("joint", anneal(2.5, 2.5), Sharpened(2.5)),
    ("flattened", anneal(0.4, 0.4), Sharpened(0.4)),
    ("factors", anneal(3.0, 3.0, of="factors"), Tempered(3.0)),
    ("named", anneal(3.0, 3.0, of=["score"]), Tempered(3.0, frozenset({"score"}))),
]


@pytest.mark.parametrize("schedule", [t[1] for t in TARGETS], ids=[t[0] for t in TARGETS])
def test_edits_are_reversible_at_every_temperature(schedule: Anneal) -> None:
    """pi(x) K(x, y) = pi(y) K(y, x) for pi = target^beta and prior likelihood^beta, exactly: edits at the places that
    an error model points at, their densities scored in both directions."""
    report = check_transitions(edits(), draft(LM), target=schedule.target(0.3))
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize(("schedule", "target"), [t[1:] for t in TARGETS], ids=[t[0] for t in TARGETS])
def test_constant_temperature_samples_its_target(schedule: Anneal, target: Target) -> None:
    """Chains of MH(anneal=) that start exactly at the target of a constant schedule are still there after 3 steps."""
    exact = reweighted(infer(draft(LM), Enumerate()), target)
    method = MH(2000, 3, edits(), init=exact, anneal=schedule)
    assert misfit([c.trace.value for c in final_states(draft(LM), method, seed=5).chains], exact) < 4.0


class Unscored(Move):
    """Mutants: edits accepted as if they were symmetric, or by min(1, exp((s' - s) / T)) of the scores alone."""

    def __init__(self, move: Any, alone: bool) -> None:
        self.move, self.alone = move, alone

    @property
    def name(self) -> str:
        return "unscored"

    async def propose(self, chain: Any) -> Proposal | None:
        proposal: Proposal | None = await self.move.propose(chain)
        if proposal is None or proposal.log_ratio == -math.inf:
            return proposal
        new, old = proposal.particle.partial_trace(), chain.trace
        prior = [t.log_joint - log_likelihood(t) for t in (new, old)]
        return Proposal(proposal.particle, prior[1] - prior[0] if self.alone else 0.0)


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("move", [block("text", length=2, at=pinpoint), suffix("text", at=pinpoint)], ids=str)
def test_edits_without_their_densities_are_seen(move: Move, alone: bool) -> None:
    """The law above sees edits that lack the densities of the proposal, or of the place that was pointed at."""
    report = check_transitions(Unscored(move, alone), draft(LM), irreducible=False)
    assert report.z("reversible") == math.inf and max(c.observed for c in report.checks) > 1e-3
    assert check_transitions(move, draft(LM), irreducible=False).passed


def test_the_schedule_is_followed() -> None:
    """The target of step s = 1..S is that of (s - 1) / (S - 1); the warm-up has that of the beginning."""
    used: list[float] = []

    class Watched(MH):
        def _prepare(self, chain: Any, t: int) -> None:
            super()._prepare(chain, t)
            used.append(chain.target.beta)

    infer(draft(LM), Watched(1, 5, edits(), warmup=2, anneal=anneal(1.0, 16.0)))
    assert used == pytest.approx([1, 1, 1, 2, 4, 8, 16])


def found(schedule: Anneal, chains: int, steps: int) -> np.ndarray[Any, Any]:
    """Which chains have come by the mode."""
    moves = mix(site(tokens=True), block("text", length=3))
    posterior = infer(rugged(), MH(chains, steps, moves, anneal=schedule), seed=3)
    mode = exact_mode()
    return np.array([v == mode for v in posterior.values])


@pytest.mark.slow
def test_annealing_finds_the_mode_and_more_often_than_sampling() -> None:
    """The exact mode from about two starts in three; McNemar's test against the same chains at constant temperature."""
    annealed, constant = found(anneal(1.0, 12.0), 40, 250), found(anneal(1.0, 1.0), 40, 250)
    assert annealed.mean() > 0.35
    gained, lost = int((annealed & ~constant).sum()), int((constant & ~annealed).sum())
    assert (gained - lost) / math.sqrt(gained + lost) > 3.5


@pytest.mark.parametrize("model", [sentence_model(), sentence_model("proposal"), crossroads_model()], ids=str)
def test_the_mode_of_the_oracle_models(model: Any) -> None:
    """best() is the trace of the largest joint density that enumeration finds."""
    posterior = infer(model.program, MH(8, 120, suffix(), anneal=anneal()), seed=1)
    assert posterior.best().log_joint == pytest.approx(model.exact.best().log_joint)
    assert posterior.best().value == model.exact.best().value


def test_factors_alone_lead_to_the_best_score() -> None:
    """of="factors" ends at the best scored execution, which is not the most probable one here; best() knows."""
    exact = infer(draft(LM), Enumerate())
    score = {t.value: sum(s.log_p for _, s in t.walk() if s.kind == "factor") for t in exact.traces if t is not None}
    top = max(score.values())
    posterior = infer(draft(LM), MH(8, 200, suffix(), anneal=anneal(1, 200, of="factors")), seed=2)
    assert score[posterior.best().value] == pytest.approx(top)
    assert score[exact.best().value] < top - 0.1


def test_the_best_is_the_best_that_was_scored() -> None:
    """Also one that was left or rejected: `best` is no worse than any state of any chain; its score is its density."""
    schedule = anneal(0.05, 0.05)  # so flat that the chains leave what is good
    method = MH(4, 60, block("text", length=2), anneal=schedule)
    kept = [0.0] * 4
    seen = [-math.inf] * 4

    class Watched(MH):
        async def step(self, run: Any, state: Any) -> Any:
            state, info = await super().step(run, state)
            for i, c in enumerate(state.chains):
                kept[i] = c.trace.log_joint
                seen[i] = max(seen[i], kept[i])
            return state, info

    posterior = infer(rugged(), Watched(4, 60, block("text", length=2), anneal=schedule), seed=7)
    assert posterior.values == infer(rugged(), method, seed=7).values
    best = [t.log_joint for t in posterior.traces if t is not None]
    assert all(b >= s for b, s in zip(best, seen, strict=True))
    assert any(b > k + 1.0 for b, k in zip(best, kept, strict=True))
    assert posterior.chains is not None
    assert posterior.chains.scores == pytest.approx([0.05 * b for b in best])
    assert posterior.best().log_joint == max(best)


def test_the_result_claims_no_posterior() -> None:
    """claim "optimisation", one trace a chain, log Z unknown."""
    posterior = infer(draft(LM), MH(3, 20, edits(), anneal=anneal()), seed=2)
    assert posterior.chains is not None
    assert (posterior.chains.claim, posterior.chains.chains, posterior.chains.draws) == ("optimisation", 3, 1)
    assert len(posterior) == 3 and math.isnan(posterior.log_evidence)
    sampled = infer(draft(LM), MH(3, 20, edits()), seed=2)
    assert sampled.chains is not None and sampled.chains.claim == "posterior" and sampled.chains.scores == ()


def test_a_stopped_search_has_what_it_found() -> None:
    """A budget that ends after some steps leaves the best of each chain so far."""
    posterior = infer(draft(LM), MH(3, 1000, suffix(), anneal=anneal()), budget=Budget(tokens=60))
    assert posterior.stopped is not None and len(posterior) == 3 and posterior.cost.tokens <= 60
    assert posterior.best().value in infer(draft(LM), Enumerate()).probabilities()


def test_the_best_survives_a_file(tmp_path: Path) -> None:
    """What was sought, and how well each chain did, are saved with the traces."""
    posterior = infer(draft(LM), MH(4, 30, suffix(), anneal=anneal(1, 100, of="factors")), seed=2)
    posterior.save(tmp_path / "annealed.json")
    loaded = Posterior.load(tmp_path / "annealed.json")
    assert loaded.best().value == posterior.best().value
    assert loaded.chains is not None and loaded.chains.claim == "optimisation"
