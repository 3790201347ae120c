"""Classification heads on our decoder: read in the right place, in few shapes, whatever company a text has.

The oracle is the language model with the same weights: its logits of three tokens are those of the three labels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from head_checkpoints import ROWS, change_tensors, write_checkpoint, write_head

from steersman import models
from steersman.inference import SMC, infer
from steersman.models import ModelError, TableLM, load_reward, load_step_reward
from steersman.models.rewards import TextTooLong, head
from steersman.ppl import CallFailed, call, factor, program, sample

TEXTS = ["a", "Once upon a time", "the end.", "x" * 40, "é", "Tom and Lily went out to play in the park today"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_head(tmp_path_factory.mktemp("head"))


@pytest.fixture(scope="module")
def lm(tmp_path_factory: pytest.TempPathFactory) -> models.NeuralLM:
    return models.load(write_checkpoint(tmp_path_factory.mktemp("plain")))


def expected(lm: models.NeuralLM, text: str) -> np.ndarray:
    """log p of the tokens of the labels after the text, [3]."""
    return lm.next_log_probs([lm.tokenizer.encode(text)], None, None)[0][list(ROWS)]


def test_probability_of_each_label(folder: Path, lm: models.NeuralLM) -> None:
    """Law: with several labels the reward is the softmax of their logits after the last token of each text."""
    for label in range(3):
        found = load_reward(folder, label=f"label {label}").scores(TEXTS)
        for r, text in zip(found, TEXTS, strict=True):
            e = np.exp(expected(lm, text))
            assert r == pytest.approx(e[label] / e.sum(), abs=2e-6)


def test_one_label_is_a_score(tmp_path: Path, lm: models.NeuralLM) -> None:
    """Law: with one label the reward is its logit, alone as in a batch."""
    reward = load_reward(write_head(tmp_path, labels=1))
    found = reward.scores(TEXTS)
    for r, text in zip(found, TEXTS, strict=True):
        a, b, _ = expected(lm, text)
        assert r == pytest.approx(a - b, abs=2e-5) and reward(text) == pytest.approx(r, abs=2e-5)
    assert np.ptp(found) > 0.5  # the texts do differ


def test_the_last_token_that_is_no_padding(tmp_path: Path, lm: models.NeuralLM) -> None:
    """Law: with a padding token in config.json the head is read before the padding tokens that end a text, and at the
    first token if there are no others, as `transformers` does."""
    reward = load_reward(write_head(tmp_path, labels=1, pad_token_id=ord("!") - 33))  # the alphabet begins at "!"
    assert lm.tokenizer.encode("!") == (0,)
    a, b, _ = expected(lm, "go! on")
    assert reward("go! on!!!") == pytest.approx(reward("go! on"), abs=2e-5) == pytest.approx(a - b, abs=2e-5)
    a, b, _ = expected(lm, "!")
    assert reward("!!!") == pytest.approx(a - b, abs=2e-5)


def test_steps_are_read_at_their_ends(tmp_path: Path, lm: models.NeuralLM) -> None:
    """Law: a token-classification head gives each step what it says after the mark that ends it."""
    reward = load_step_reward(write_head(tmp_path, "Token"), label=2, step_end="\n")
    batch = [("2 + 2 = 4?", ("First, 2 + 2.", "It is 4.", "Yes.")), ("Why", ("So.",)), ("", ())]
    for found, (prompt, steps) in zip(reward.evaluate([*batch]), batch, strict=True):
        assert isinstance(found, tuple) and len(found) == len(steps)
        for t in range(len(steps)):
            text = prompt + "".join(s + "\n" for s in steps[: t + 1])
            # the beginning-of-text token stands first, and the head has biases -1, 0, 1
            x = lm.next_log_probs([(256, *lm.tokenizer.encode(text))], None, None)[0][list(ROWS)] + [-1.0, 0.0, 1.0]
            assert found[t] == pytest.approx(np.exp(x[2]) / np.exp(x).sum(), abs=2e-6)


def test_long_texts_are_read_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Law: how many tokens are fed at once does not show."""
    whole = load_reward(folder, label=0).scores(TEXTS)
    monkeypatch.setattr(head, "CHUNK", 8)
    np.testing.assert_allclose(load_reward(folder, label=0).scores(TEXTS), whole, atol=2e-6)


@pytest.mark.parametrize("kind", ["Sequence", "Token"])
def test_a_shared_beginning_is_read_once(kind: str, tmp_path: Path) -> None:
    """Law: what all texts begin with is fed once, and changes no logits after any of their tokens; texts that are the
    beginning of others included."""
    read = head.Head(write_head(tmp_path, kind), "float32", 128)
    prompt = tuple(np.random.default_rng(2).integers(0, 256, 37).tolist())
    rows = [(*prompt, *tail) for tail in [(1, 2, 3), (), (1,), (7, 8, 9, 10), (200,) * 20]]
    alone = [read.logits([row])[0] for row in rows]
    read.stats.reset()
    together = read.logits(rows)
    assert read.stats.positions == 36 + sum(len(row) - 36 for row in rows)  # one token less than the shortest text
    for a, b, row in zip(alone, together, rows, strict=True):
        assert a.shape == b.shape == (len(row), 3)
        np.testing.assert_allclose(a, b, atol=2e-5)
    assert len(read.logits([rows[0], (5, *rows[0][1:])])) == 2  # nothing shared
    assert read.logits([]) == []


def test_a_handful_of_shapes(folder: Path) -> None:
    """Law: batches of any number and length share a few programs, equal texts are read once, and scoring the same
    again compiles nothing."""
    reward, rng = load_reward(folder, label=0), np.random.default_rng(0)
    batches = [[chr(97 + i % 26) * k for i, k in enumerate(rng.integers(1, 64, n))] for n in rng.integers(1, 65, 30)]
    compiled = head._feed._cache_size()
    for batch in batches:
        reward.scores(batch)
    assert head._feed._cache_size() - compiled <= reward.head.stats.compiles <= 8
    compiled = head._feed._cache_size()
    for batch in batches:
        reward.scores(batch)
    assert head._feed._cache_size() == compiled
    reward.head.stats.reset()
    reward.scores(["abc"] * 50)
    assert reward.head.stats.positions == 3


def test_a_text_that_is_too_long(folder: Path) -> None:
    """Bad input: longer than the window of 64 is one error with both numbers, and spares the other texts; so is an
    empty text, which has no last token."""
    reward = load_reward(folder, label=0)
    with pytest.raises(CallFailed, match=r"text of 65 tokens does not fit this reward model, which has 64 positions"):
        reward("x" * 65)
    assert reward("x" * 64) > 0
    found = reward.scores(["x" * 65, "fine", ""])
    assert np.isnan(found[[0, 2]]).all() and found[1] == pytest.approx(reward("fine"), abs=2e-6)
    lm = TableLM.random(3, seed=1)

    @program
    async def repeated(times: int) -> str:
        text = await sample(lm.text("", max_tokens=2), "text")
        await factor(await call(load, "x" * times if "a" in text else "y"), "reward")
        return str(text)

    load = load_reward(folder, label=0)
    with pytest.raises(CallFailed, match=r"particle \d+, \('x{39} \.\.\. x+'\): TextTooLong: a text of 200"):
        infer(repeated(200), SMC(16), seed=1)
    load = load_reward(folder, label=0, on_error="kill")
    assert all("a" not in v for v in infer(repeated(200), SMC(16), seed=1).probabilities())
    assert issubclass(TextTooLong, ModelError)


def test_heads_that_do_not_fit(tmp_path: Path, folder: Path, lm: models.NeuralLM) -> None:
    """Bad input: one clear error each for a head of another size, none, one too many, and another kind of model."""

    def refused(path: Path, match: str, load: Any = load_reward, **options: Any) -> None:
        with pytest.raises(ModelError, match=match):
            load(path, **options)

    one = write_head(tmp_path / "wrong size", id2label={"0": "bad", "1": "good"})
    refused(one, r"'score.weight' has shape \[3, 32\]; config.json asks for \[2, 32\]", label=0)
    two = change_tensors(write_head(tmp_path / "no head"), score_weight=None)
    refused(two, "no tensor 'score.weight', which LlamaForSequenceClassification needs", label=0)
    three = write_head(tmp_path / "gap", id2label={"0": "bad", "2": "good"})
    refused(three, r"id2label must name the labels 0..1, found \[0, 2\]", label=0)
    refused(folder, r"label=None: this reward model has 3 labels; give one of 0 'label 0'")
    refused(folder, r"label='good': this reward model has 3 labels", label="good")
    refused(folder, "read by load_reward: its head speaks once", load_step_reward, label=0)
    refused(write_head(tmp_path / "steps", "Token"), "read by load_step_reward", label=0)
    refused(write_checkpoint(tmp_path / "plain"), "'LlamaForCausalLM' has no classification head.*models.load")
    refused(folder, "a classifier is a reward: models.load_reward", models.load)
    bert = write_head(tmp_path / "bert", architectures=["BertForSequenceClassification"])
    refused(bert, "'BertForSequenceClassification' is not supported; supported are the heads of the decoders")
