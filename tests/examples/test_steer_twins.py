"""The tasks of `examples/` as .steer programs: bit for bit the posteriors of the Python programs beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import examples
from examples import (
    acrostic,
    arithmetic,
    calibrated_judge,
    character_record,
    dialogue,
    exact_length,
    given_words,
    infilling,
    intersection,
    late_constraint,
    no_letter,
    paragraphs,
    power_sampling,
    rewriting,
    short_words,
    story,
)
from steersman import models
from steersman.inference import MH, SMC, Gibbs, Importance, ParticleGibbs, Posterior, block, infer, mix, nuts, suffix
from steersman.models import NeuralLM
from steersman.ppl import AllParticlesDead, predicate
from steersman.ppl.language import Module, load

FOLDER = Path(examples.__file__).parent


@pytest.fixture(scope="module")
def lm() -> NeuralLM:
    return models.load()


def steer(name: str, lm: NeuralLM) -> Module:
    return load(FOLDER / f"{name}.steer", models={"lm": lm})


def assert_same(ours: Posterior, theirs: Posterior) -> None:
    """Weights, values, traces (with all addresses and densities) and log Z, to the last bit."""
    assert [None if t is None else t.to_json()["sites"] for t in ours.traces] == [
        None if t is None else t.to_json()["sites"] for t in theirs.traces]
    assert list(map(repr, ours.log_weights)) == list(map(repr, theirs.log_weights))
    assert repr(ours.log_evidence) == repr(theirs.log_evidence)
    assert list(map(_plain, ours.values)) == list(map(_plain, theirs.values))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


WORDS = ["Lily", "park"]
Case = tuple[str, dict[str, Any], Callable[[NeuralLM], Any], Any]

FAST: list[Case] = [
    ("fits_both", {"max_tokens": 6}, lambda lm: intersection.fits_both(lm, intersection.FIRST, intersection.SECOND, 6),
     SMC(12)),
]
SLOW: list[Case] = [
    ("infill", {"pieces": infilling.PIECES, "max_tokens": 8}, lambda lm: infilling.infill(lm, infilling.PIECES, 8),
     SMC(12)),
    ("story", {"words": WORDS, "sentences": 3}, lambda lm: story.story(lm, tuple(WORDS), 3),
     SMC(64, resample_at="factor")),
    ("without_letter", {"max_tokens": 24}, lambda lm: no_letter.without_letter(lm, "e", 24), SMC(12)),
    ("short_words", {}, short_words.short_words, SMC(24)),
    ("exactly", {"characters": 40}, lambda lm: exact_length.exactly(lm, 40), SMC(32)),
    ("with_given_words", {}, lambda lm: given_words.with_given_words(lm, given_words.GIVEN), given_words.METHOD),
    ("expression", {}, lambda lm: arithmetic.expression(
        lm, arithmetic.EXPRESSION & predicate(lambda text: arithmetic.is_worth(12, 3, text))), SMC(48)),
    ("dialogue", {}, dialogue.dialogue, SMC(16)),
    ("paragraphs", {"letters": "ST"}, lambda lm: paragraphs.paragraphs(lm, "ST"), SMC(16, resample_at="paragraph")),
    ("acrostic", {"word": "WI"}, lambda lm: acrostic.acrostic(lm, "WI"), ParticleGibbs(8, 3)),
    ("middle", {}, lambda lm: rewriting.middle(lm, rewriting.BEGINNING, rewriting.END),
     MH(2, 4, mix(suffix("sentence"), block("sentence", length=3)))),
    ("ending", {}, lambda lm: power_sampling.ending(lm, 4.0), MH(6, 6, suffix(at=power_sampling.early))),
    ("tempered_ending", {}, lambda lm: power_sampling.tempered_ending(lm, 0.25), Importance(16)),
    ("happy_ending", {}, calibrated_judge.happy_ending,
     Gibbs({("slope", "bias"): nuts(), "ending": suffix()}, 2, 4, warmup=4)),
    ("record", {}, character_record.record, SMC(16, resample_at=tuple(character_record.VALUES))),
    ("record", {"weighted": False}, lambda lm: character_record.record(lm, False), Importance(16)),
    ("sentence", {}, lambda lm: late_constraint.sentence(lm, "hill"), SMC(256, resample_at="factor")),
]
FILES = {
    "infill": "infilling", "fits_both": "intersection", "without_letter": "no_letter", "exactly": "exact_length",
    "with_given_words": "given_words", "expression": "arithmetic", "middle": "rewriting", "ending": "power_sampling",
    "tempered_ending": "power_sampling", "happy_ending": "calibrated_judge", "record": "character_record",
    "sentence": "late_constraint",
}


def compare(case: Case, lm: NeuralLM) -> None:
    name, arguments, twin, method = case
    program = steer(FILES.get(name, name), lm).programs[name]
    assert_same(*[run(p, method, lm) for p in (program(**arguments), twin(lm))])


def run(program: Any, method: Any, lm: NeuralLM) -> Posterior:
    """Without what earlier runs left in the caches: its rounding depends on the batches that it was computed in."""
    lm.decoder.clear()
    try:
        return infer(program, method, seed=1)
    except AllParticlesDead as dead:  # few particles: some of them have to die alike
        posterior: Posterior = dead.posterior
        return posterior


@pytest.mark.parametrize("case", FAST, ids=lambda c: c[0])
def test_twins(case: Case, lm: NeuralLM) -> None:
    """One program in two languages is one program: same seed, same bits."""
    compare(case, lm)


@pytest.mark.slow
@pytest.mark.parametrize("case", SLOW, ids=lambda c: c[0])
def test_longer_twins(case: Case, lm: NeuralLM) -> None:
    """The same of the others."""
    compare(case, lm)
