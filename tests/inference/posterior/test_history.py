"""What a history records is what the particles did."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steersman.inference import SMC, Posterior, TemperedSMC, every, infer, suffix
from steersman.inference.posterior.atoms import Atom
from steersman.inference.posterior.history import History
from steersman.inference.run import Run
from steersman.inference.smc import SMCState
from steersman.inference.testing.models import OracleModel, oracle_models
from steersman.models import TableLM
from steersman.ppl import Budget, condition, factor, program, sample
from steersman.ppl.effects import Invocation

METHODS: dict[str, dict[str, Any]] = {
    "weight": {}, "tokens": {"resample_at": "token"}, "pairs": {"resample_at": every(2), "ess_threshold": 1.0},
    "never": {"ess_threshold": 0.0}, "expanded": {"expand": 2, "resample": "optimal"},
    "moved": {"rejuvenate": suffix(), "ess_threshold": 1.0},
    "expanded and moved": {"expand": 2, "rejuvenate": suffix(), "resample_at": "token"},
}


def told(posterior: Posterior, i: int) -> list[Atom]:
    """All that the lineage of a final particle did, put together."""
    genealogy, history = posterior.genealogy, posterior.history
    assert genealogy is not None and history is not None and len(history) == len(genealogy)
    parts: list[list[Atom]] = []
    for t in reversed(range(len(genealogy))):
        parts.append(history.atoms(t, i))
        if history.rewritten(t, i):
            break
        i = int(genealogy.parents(t)[i])
    return [atom for part in reversed(parts) for atom in part]


def bare(atoms: list[Atom]) -> list[tuple[str, Any, float, float]]:
    """Tokens by their bytes, whether they were drawn as part of a text or one by one."""
    return [(a.place.address, a.value, a.log_p, a.log_q) for a in atoms]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("model", oracle_models(), ids=lambda m: m.name)
def test_a_lineage_adds_up_to_its_trace(model: OracleModel, method: str) -> None:
    """Law: what the ancestors of a finished particle did, generation by generation, is its trace, site by site.

    Tokens that a program draws one by one are spelt where their site is known to draw tokens; in a trace they are
    numbers."""
    posterior = infer(model.program, SMC(32, **METHODS[method]), seed=3)
    for i, trace in enumerate(posterior.traces):
        if trace is None:
            continue
        recorded, expected = told(posterior, i), History.of_traces([trace]).atoms(0, 0)
        assert [a.place.address for a in recorded] == [a.place.address for a in expected]
        assert [(a.log_p, a.log_q) for a in recorded] == [(a.log_p, a.log_q) for a in expected]
        for a, b in zip(recorded, expected, strict=True):
            assert a.value == b.value or a.place.kind == "token"


class Unrecorded(SMC):
    """SMC with a history that takes nothing."""

    def init(self, run: Run) -> SMCState:
        return replace(super().init(run), history=History(limit=0))


@pytest.mark.parametrize("method", METHODS)
def test_recording_changes_nothing(method: str) -> None:
    """Law: weights and values are the same, bit for bit, with and without it."""
    model = oracle_models()[0]
    recorded, bare = (infer(model.program, cls(16, **METHODS[method]), seed=5) for cls in (SMC, Unrecorded))
    assert bare.history is not None and bare.history.full and not len(bare.history)
    assert recorded.log_weights.tobytes() == bare.log_weights.tobytes() and recorded.values == bare.values
    assert recorded.cost.tokens == bare.cost.tokens


@program
async def says_b(lm: TableLM) -> str:
    text = await sample(lm.text("", max_tokens=4), "text")
    await condition("b" in text, "b")
    for _ in range(2):
        token = await sample(lm.next("a"), "token")
        await factor(0.3 * token, "token weight")
    return str(text)


LM = TableLM.random(4, seed=0)


def spelt(atoms: list[Atom]) -> str:
    return b"".join(a.value for a in atoms if isinstance(a.value, bytes)).decode()


def test_the_dead_are_recorded_to_their_end() -> None:
    """Law: a particle that a condition killed has drawn a text that fails it, and each death is counted once."""
    posterior = infer(says_b(LM), SMC(64, ess_threshold=0.0), seed=1)
    genealogy, history = posterior.genealogy, posterior.history
    assert genealogy is not None and history is not None
    dead = [i for i, trace in enumerate(posterior.traces) if trace is None]
    assert 0 < len(dead) < 64 and posterior.killed == history.killed() == {"b": len(dead)}
    for i in range(64):
        first = history.atoms(0, i)
        assert (first[-1].place.kind == "killed") == (i in dead) == ("b" not in spelt(first))
    assert all(not history.atoms(t, i) for t in range(1, len(history)) for i in dead)


def test_tokens_drawn_one_by_one_are_spelt() -> None:
    """A site that draws a token from a model is recorded with the bytes of the token."""
    posterior = infer(says_b(LM), SMC(16), seed=1)
    tokens = [a for i, t in enumerate(posterior.traces) if t is not None for a in told(posterior, i)
              if a.place.kind == "token"]
    assert tokens and {a.value for a in tokens} <= set(LM.tokenizer.token_bytes)
    assert {a.place.address for a in tokens} == {"token", "token#1"}


def test_a_full_history_stops() -> None:
    """Law: no more is held than the limit and one generation, and the run goes on."""

    class Small(SMC):
        def init(self, run: Run) -> SMCState:
            return replace(super().init(run), history=History(limit=40))

    posterior = infer(says_b(LM), Small(16, resample_at="token"), seed=1)
    history, genealogy = posterior.history, posterior.genealogy
    assert history is not None and genealogy is not None
    assert history.full and 40 <= len(history.held) < 40 + 2 * 16 and 0 < len(history) < len(genealogy)
    assert len(posterior.weighted_traces()) > 0


def test_a_history_is_saved(tmp_path: Path) -> None:
    """Law: load(save(h)) tells the same, its densities to four decimals."""
    posterior = infer(says_b(LM), SMC(16, resample_at="token"), seed=1)
    posterior.save(tmp_path / "p.json")
    loaded = Posterior.load(tmp_path / "p.json")
    assert loaded.killed == posterior.killed and loaded.program == posterior.program == "says_b"
    before, after = posterior.history, loaded.history
    assert before is not None and after is not None and len(before) == len(after)
    for t in range(len(before)):
        for i in range(16):
            for a, b in zip(before.atoms(t, i), after.atoms(t, i), strict=True):
                assert a[:2] == b[:2] and a[2:] == pytest.approx(b[2:], abs=6e-5)


def test_a_first_file_has_no_history(tmp_path: Path) -> None:
    """Files written before there were histories are read."""
    import json

    posterior = infer(says_b(LM), SMC(4), seed=1)
    posterior.save(tmp_path / "p.json")
    record = json.loads((tmp_path / "p.json").read_text())
    for name in ("history", "killed", "program"):
        del record[name]
    (tmp_path / "p.json").write_text(json.dumps(record))
    loaded = Posterior.load(tmp_path / "p.json")
    assert loaded.history is None and not loaded.killed and loaded.values == posterior.values


@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("expand", [1, 2])
def test_log_z_of_every_generation(threshold: float, expand: int) -> None:
    """Law: the evidence at the end of the last generation is that of the posterior, and it never depends on when
    particles were resampled: with importance sampling (threshold 0) each is the log mean weight so far."""
    posterior = infer(says_b(LM), SMC(32, ess_threshold=threshold, expand=expand), seed=2)
    genealogy = posterior.genealogy
    assert genealogy is not None
    assert genealogy.log_evidence(len(genealogy) - 1) == pytest.approx(posterior.log_evidence, abs=1e-12)
    again = type(genealogy).from_json(genealogy.to_json())
    assert [again.log_evidence(t) for t in range(len(again))] == [
        genealogy.log_evidence(t) for t in range(len(genealogy))
    ]
    if threshold == 0.0 and expand == 1:
        alive = 1 - posterior.killed["b"] / 32
        assert genealogy.log_evidence(0) == pytest.approx(math.log(alive), abs=1e-12)


@pytest.mark.parametrize("betas", [None, (0.25, 0.5, 1.0)])
def test_tempered_populations_are_recorded(betas: tuple[float, ...] | None) -> None:
    """Law: the last generation of TemperedSMC holds the final traces, and the last log Z is that of the posterior."""
    posterior = infer(says_b(LM), TemperedSMC(16, suffix(), betas=betas), seed=2)
    history, genealogy = posterior.history, posterior.genealogy
    assert history is not None and genealogy is not None and len(history) == len(genealogy)
    for i, trace in enumerate(posterior.traces):
        if trace is not None:
            assert bare(history.atoms(len(history) - 1, i)) == bare(History.of_traces([trace]).atoms(0, 0))
    assert genealogy.log_evidence(len(genealogy) - 1) == pytest.approx(posterior.log_evidence, abs=1e-12)


def test_when_all_die_the_last_step_is_told() -> None:
    """The posterior of a run whose particles all die holds what killed them, and knows no error of log Z."""
    from steersman.ppl.errors import AllParticlesDead

    with pytest.raises(AllParticlesDead) as caught:
        infer(hopeless(LM), SMC(8), seed=1)
    posterior = caught.value.posterior
    assert posterior.killed == {"z": 8} and math.isnan(posterior.log_evidence_error)
    assert posterior.history is not None and len(posterior.history) == len(posterior.genealogy or ())
    assert all(posterior.history.atoms(0, i)[0].place.kind == "text" for i in range(8))


@program
async def hopeless(lm: TableLM) -> str:
    text = await sample(lm.text("", max_tokens=3), "text")
    await condition("z" in text, "z")
    return str(text)


def test_a_stopped_run_keeps_whole_generations() -> None:
    """Law: a budget cuts the history where it cuts the genealogy."""
    call: Invocation[str] = says_b(LM)
    posterior = infer(call, SMC(16, resample_at="token"), seed=1, budget=Budget(tokens=40))
    assert posterior.stopped and posterior.history is not None and posterior.genealogy is not None
    assert len(posterior.history) == len(posterior.genealogy) == 2
    assert np.isfinite(posterior.genealogy.log_evidence(1))
