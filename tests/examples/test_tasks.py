"""Tasks known from the literature, on the embedded model; every text of positive weight is checked from outside.

The validators look at finished text only and share nothing with the programs.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from task_texts import N, texts

from examples import exact_length, given_words, infilling, intersection, no_letter, short_words, story
from steersman.inference import SMC, AllParticlesDead, Importance, infer
from steersman.models import NeuralLM


def test_no_letter_e(lm: NeuralLM) -> None:
    """A lipogram: the letter never appears, in either case, and the text is no stub."""
    for text in texts(infer(no_letter.without_letter(lm, "e"), SMC(N), seed=1)):
        assert "e" not in text.lower() and len(text) > 15


def test_words_of_at_most_five_letters(lm: NeuralLM) -> None:
    """One sentence, at least six words, none longer than five letters."""
    for text in texts(infer(short_words.short_words(lm), SMC(N), seed=1)):
        words = re.findall(r"[A-Za-z']+", text)
        assert len(words) >= 6 and max(map(len, words)) <= 5
        assert re.fullmatch(r"[^.!?]*[.!?]", text)


@pytest.mark.slow
def test_infilling_between_fixed_segments(lm: NeuralLM) -> None:
    """The fixed pieces stand in their places and each gap is one sentence."""
    first, second, third = infilling.PIECES
    pattern = re.escape(first) + r"[^.!\n]+[.!]" + re.escape(second) + r"[^.!\n]+[.!]" + re.escape(third)
    for text in texts(infer(infilling.infill(lm, infilling.PIECES), SMC(N), seed=1)):
        assert re.fullmatch(pattern, text), text


def test_prompt_intersection(lm: NeuralLM) -> None:
    """One continuation for two prompts: its weight is that of the product of both models' probabilities."""
    posterior = infer(intersection.fits_both(lm, intersection.FIRST, intersection.SECOND), SMC(N), seed=1)
    for trace in posterior.traces:
        if trace is None:
            continue
        text = trace.value
        assert re.fullmatch(r"[^.!?]+[.!?]", text)
        tokens = [v for a, v in trace.choices().items()]
        both = sum(
            float(lm.score_sequences([lm.context(prompt).tokens], [tuple(tokens)])[0].sum())
            for prompt in (intersection.FIRST, intersection.SECOND)
        )
        assert trace.log_joint == pytest.approx(both, abs=1e-3)


def test_exactly_82_characters(lm: NeuralLM) -> None:
    """82 characters, the last of which ends a sentence."""
    for text in texts(infer(exact_length.exactly(lm), SMC(N), seed=1)):
        assert len(text) == 82 and text[-1] in ".!?"


def test_eleven_words_of_which_three_are_given(lm: NeuralLM) -> None:
    """Eleven words and a full stop; the 4th, the 8th and the 11th are the given ones."""
    for text in texts(infer(given_words.with_given_words(lm, given_words.GIVEN), SMC(N, resample_at=["word"]), seed=1)):
        words = text.rstrip(".").split()
        assert text.endswith(".") and len(words) == 11
        assert {k: words[k - 1] for k in given_words.GIVEN} == given_words.GIVEN


def same_draw(lm: NeuralLM, prefix: tuple[int, ...], a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether two texts are draws from one sequence of uniforms: equal, or parted by a uniform on a boundary.

    Rounding depends on the shape of a batch, so cumulative probabilities differ by about 1e-7 between runs; where a
    uniform falls among tokens of such masses, another neighbour is drawn. (On table models runs are equal bit for bit.)
    """
    parted = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if parted is None:
        return len(a) == len(b)
    p = np.exp(lm.next_log_probs([prefix + a[:parted]], None, None)[0])
    low, high = sorted((a[parted], b[parted]))
    return float(p[low : high + 1].sum()) - float(max(p[low], p[high])) < 1e-5


def test_concurrent_programs_equal_sequential_ones(lm: NeuralLM) -> None:
    """Different prompts at once: each result is that of its own run, up to the rounding of another batch shape."""
    beginnings = ("Tom had a cat.", "It was a cold day.")
    calls = [infilling.infill(lm, [first, " The end."]) for first in beginnings]
    together = infer(calls, Importance(8), seed=5)
    for first, call, posterior in zip(beginnings, calls, together, strict=True):
        alone = infer(call, Importance(8), seed=5)
        equal = 0
        for x, y in zip(alone.traces, posterior.traces, strict=True):
            if x is None or y is None:
                continue
            a, b = x["gap"].tokens, y["gap"].tokens
            assert same_draw(lm, lm.context(first).tokens, a, b)
            equal += a == b
            if a == b:
                assert x.log_joint == pytest.approx(y.log_joint, abs=1e-3)
        assert equal >= 3


@pytest.mark.slow
def test_one_seed_identical_particles(lm: NeuralLM) -> None:
    """A run is a function of its seed, caches or not; another seed gives another run."""

    def run(seed: int) -> list[tuple[int, ...]]:
        posterior = infer(infilling.infill(lm, infilling.PIECES[:2]), SMC(8), seed=seed)
        return [t["gap"].tokens for t in posterior.traces if t is not None]

    first = run(3)
    again = run(3)
    lm.decoder.clear()
    assert first == again == run(3)
    assert first != run(4)


@pytest.mark.slow
def test_the_demo_meets_its_constraint_and_the_raw_model_does_not(lm: NeuralLM) -> None:
    """SMC finds stories that the independent check accepts; the unsteered model finds none with as many particles.

    One run in about thirty dies out at this size (0 of 8 seeds did when this was written), and rounding decides which
    on a given machine, so up to three seeds are tried.
    """
    words = (story.NAME, *story.WORDS)
    runs = (story.run(SMC(192, resample_at="factor"), lm, 5.0, seed=seed) for seed in (1, 2, 3))
    posterior = next(p for p in runs if p.weights.any())
    found = [str(v) for v, w in zip(posterior.values, posterior.weights, strict=True) if w > 0]
    assert found and all(story.satisfied(text, words) for text in found)
    assert posterior.log_evidence < -6
    with pytest.raises(AllParticlesDead) as dead:
        infer(story.story(lm, words, boost=0.0), Importance(192), seed=1)
    assert set(dead.value.killed) & {"plain", "all words"}


def test_the_check_of_the_demo_can_fail() -> None:
    """The outside check rejects texts that break one rule each."""
    words = ("Lily", "dog", "ball", "tree")
    good = "Lily saw a dog. The dog had a ball. It sat by the tree."
    assert story.satisfied(good, words)
    for bad in (
        "Lily saw a ball. The dog had a dog. It sat by the tree.",
        "Lily saw a dog. The dog had a ball. It sat by the tree",
        "Lily saw a dog in the very big and very green park. The ball hit a tree.",
        "Lily saw a dogs. The doggy had a ball. It sat by the tree.",
        'Lily said "dog. The ball hit a tree.',
    ):
        assert not story.satisfied(bad, words), bad
