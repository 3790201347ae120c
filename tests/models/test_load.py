"""`load`: what it reads, and one clear error for everything it cannot read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from checkpoints import write_checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from steersman import models
from steersman.inference import SMC, Enumerate, Importance, infer
from steersman.models import ContextTooLong, ModelError, NonFiniteLogits
from steersman.ppl import Invocation, Text, condition, factor, program, sample


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> models.NeuralLM:
    return models.load(write_checkpoint(tmp_path_factory.mktemp("tiny")))


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    message = str(error.value)
    assert "\n" not in message and len(message) < 400
    return message


def test_the_embedded_model_loads_and_knows_its_limits() -> None:
    """`load()` needs no argument and no network, and gives one shared model."""
    lm = models.load()
    assert lm is models.load()
    assert lm.vocab_size >= 4096 and lm.max_length == 512 and lm.bos in lm.eos
    total = sum(f.stat().st_size for f in models.load.__globals__["EMBEDDED"].iterdir())
    assert total <= 16_000_000


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_the_embedded_tokenizer_is_exact(text: str) -> None:
    """decode(encode(s)) == s for every string, and the bytes of the tokens are those of the string."""
    tokenizer = models.load().tokenizer
    tokens = tokenizer.encode(text)
    assert b"".join(tokenizer.token_bytes[t] for t in tokens) == text.encode("utf-8", "surrogatepass")
    assert tokenizer.decode(tokens) == text


def test_a_name_that_is_neither_folder_nor_hub_name(tmp_path: Path) -> None:
    """An unknown path is reported with what is accepted."""
    for name in ("no-such-folder", "./no/such", tmp_path / "absent", ""):
        with pytest.raises(ModelError) as error:
            models.load(name)
        assert "not a folder" in one_line(error) and "org/name" in one_line(error)


@pytest.mark.parametrize(("bad", "why"), [("a\ud800b", "lone surrogate"), (5, "a text is a str")])
def test_what_has_no_bytes_is_refused(bad: str, why: str) -> None:
    """Half a UTF-16 pair, or no text at all."""
    with pytest.raises(ValueError, match=f"cannot encode .*{why}"):
        models.load().tokenizer.encode(bad)


def test_bad_sizes() -> None:
    """A batch of no rows and an unknown number format are refused at once."""
    with pytest.raises(ValueError, match="at least 1 row"):
        models.load(max_rows=0)
    with pytest.raises(ModelError, match="'int4' is not supported; supported: float32, bfloat16, int8"):
        models.load(dtype="int4")


@pytest.mark.parametrize("said", [("no route to host\nsecond line",), ()])  # some errors of the hub say nothing
def test_a_hub_name_without_a_network(said: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint that cannot be downloaded is one line naming it."""
    import huggingface_hub

    def offline(*args: object, **kwargs: object) -> str:
        raise ConnectionError(*said)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(ModelError) as error:
        models.load("someone/some-model")
    assert "someone/some-model" in one_line(error) and "ConnectionError" in one_line(error)


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(missing: str, tmp_path: Path) -> None:
    """Each of the three files that a folder needs is named when it is not there."""
    folder = write_checkpoint(tmp_path / "model")
    (folder / missing).unlink()
    with pytest.raises(ModelError) as error:
        models.load(folder)
    assert missing.split(".")[-1] in one_line(error) and "model" in one_line(error)


@pytest.mark.parametrize("corrupt", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_corrupt_file_is_named(corrupt: str, tmp_path: Path) -> None:
    """A file that is cut or no JSON is named, in one line."""
    folder = write_checkpoint(tmp_path / "model")
    data = (folder / corrupt).read_bytes()
    (folder / corrupt).write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError) as error:
        models.load(folder)
    assert corrupt in one_line(error)


def test_an_unsupported_architecture_is_named(tmp_path: Path) -> None:
    """The error names the architecture and lists those that work."""
    folder = write_checkpoint(tmp_path / "model", architectures=["MambaForCausalLM"], model_type="mamba")
    with pytest.raises(ModelError) as error:
        models.load(folder)
    assert "MambaForCausalLM" in one_line(error) and "LlamaForCausalLM" in one_line(error)


def test_non_finite_logits_are_an_error_not_a_token(tmp_path: Path) -> None:
    """A checkpoint with a NaN weight draws nothing: it says so."""
    folder = write_checkpoint(tmp_path / "model")
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"][3] = np.nan
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    lm = models.load(folder)
    with pytest.raises(NonFiniteLogits):
        infer(one_token(lm), Importance(3))


def test_a_prompt_longer_than_the_window(tiny: models.NeuralLM) -> None:
    """Both the prompt alone and prompt + max_tokens are checked, with the numbers."""
    with pytest.raises(ContextTooLong) as error:
        tiny.context("x" * 80)
    assert "82" in one_line(error) and "64" in one_line(error)
    with pytest.raises(ContextTooLong):
        tiny.text("x" * 40, max_tokens=30)
    assert tiny.text("x" * 40, max_tokens=10) is not None


@program
async def one_token(lm: models.NeuralLM) -> int:
    return await sample(lm.next(lm.context("ab")), "token")


@program
async def two_letters(lm: models.NeuralLM) -> Text:
    text: Text = await sample(lm.text("ab", max_tokens=2, stop="q"), "text")
    await condition(text.finish != "eos" and text.isascii(), "letters")
    await factor(0.7 * text.count("a"), "a")
    return text


def test_enumeration_of_a_neural_model_is_the_truth_for_sampling(tiny: models.NeuralLM) -> None:
    """On a real decoder, E[Zhat] = Z: SMC and importance sampling against exact enumeration of two byte tokens."""
    lm = tiny

    @program
    async def small() -> str:
        mask = lm.tokens_where(lambda piece: piece in ("a", "b", "c"))
        context, text = lm.context("ab"), ""
        for _ in range(3):
            d = lm.next(context)
            t = await sample(d.masked(mask), "token")
            context = context + t
            text = str(context)[2:]
            await factor(1.5 * (text[-1] == "b"), "b")
        return text

    exact = infer(small(), Enumerate())
    assert len(exact) == 27
    for method in (SMC(16, ess_threshold=1.0), Importance(16)):
        z = np.exp([infer(small(), method, seed=s).log_evidence - exact.log_evidence for s in range(150)])
        assert abs(z.mean() - 1) < 4.5 * z.std(ddof=1) / len(z) ** 0.5


def test_batched_and_single_runs_agree_to_float_tolerance(tiny: models.NeuralLM) -> None:
    """Many programs at once give the log Z of separate runs; on neural models up to rounding."""
    calls: list[Invocation[Text]] = [two_letters(tiny) for _ in range(3)]
    method = Importance(40)
    for together in infer(calls, method, seed=3):
        alone = infer(two_letters(tiny), method, seed=3)
        assert together.log_evidence == pytest.approx(alone.log_evidence, abs=1e-4)


def test_scores_of_texts_match_the_draws(tiny: models.NeuralLM) -> None:
    """The density recorded while drawing equals the teacher-forced score of the finished text."""
    posterior = infer(two_letters(tiny), Importance(200), seed=1)
    traces = [t for t in posterior.traces if t is not None]
    assert traces
    for trace in traces[:5]:
        text = trace["text"]
        scored = tiny.text("ab", max_tokens=2, stop="q").log_prob([tiny.text("ab", max_tokens=2, stop="q")], [text])
        assert float(scored[0]) == pytest.approx(text.log_p, abs=1e-4)


def test_the_posterior_of_texts_survives_a_file(tiny: models.NeuralLM, tmp_path: Path) -> None:
    """Saved and loaded, texts keep their tokens, their ends and their log-probabilities."""
    posterior = infer(two_letters(tiny), Importance(100), seed=1)
    posterior.save(tmp_path / "p.json")
    assert json.loads((tmp_path / "p.json").read_text())["method"] == posterior.method
    again = models_posterior(tmp_path / "p.json")
    assert again.probabilities() == posterior.probabilities()
    kept = [(a.tokens, a.finish) for a in again.values if a is not None]
    assert kept == [(b.tokens, b.finish) for b in posterior.values if b is not None]


def models_posterior(path: Path):  # type: ignore[no-untyped-def]
    from steersman.inference import Posterior

    return Posterior.load(path)
