"""An adapted model is a language model: its base at first, with its weights, and caches that follow its parameters."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from adapter_cases import drawn, language_model, perturb, random_tokens, reference, small_llama
from jax.sharding import Mesh

from steersman.inference import Enumerate, Importance, infer
from steersman.models import ContextTooLong, LogitBias, LoRA, ModelError, NeuralLM, SoftPrompt, TableLM
from steersman.models.decoder import Decoder, programs
from steersman.ppl import choice, observe, program, sample
from steersman.ppl.parameters import named
from steersman.ppl.trainable import trainable_of
from tests.models.decoder.llama_reference import SMALL, write_folder

PROMPT = random_tokens(0, 20)
Model = tuple[NeuralLM, dict[str, Any]]


@pytest.fixture(scope="module")
def small() -> Model:
    return small_llama()


def context(lm: Any, tokens: tuple[int, ...] = PROMPT) -> Any:
    return lm.context() + tokens


def test_it_begins_as_its_base(small: Model) -> None:
    """Law: with B = 0 and b = 0 every next-token distribution is that of the base, up to the rounding of another
    compiled program."""
    base, _ = small
    lm = base.adapted(LoRA(4, alpha=16.0), LogitBias())
    got = lm.next(context(lm)).log_probs()
    np.testing.assert_allclose(got, base.next(context(base)).log_probs(), rtol=0, atol=1e-5)


def test_a_soft_prompt_begins_as_words(small: Model) -> None:
    """Law: a soft prompt that begins as words is the base after these words; more tokens repeat them, fewer cut
    them."""
    base, tensors = small
    for count, ids in ((None, (5, 9, 33)), (2, (5, 9)), (7, (5, 9, 33, 5, 9, 33, 5))):
        lm = base.adapted(SoftPrompt(count, words="<5><9><33>"))
        assert np.array_equal(lm.params["prompt"], tensors["model.embed_tokens.weight"][list(ids)])
    got = lm.next(context(lm)).log_probs()
    np.testing.assert_allclose(got, base.next(context(base, ids + PROMPT)).log_probs(), rtol=0, atol=1e-5)


def test_a_random_soft_prompt_depends_on_its_seed_alone(small: Model) -> None:
    """Law: without words the rows are embeddings of tokens chosen by the seed."""
    base, tensors = small
    rows = [base.adapted(SoftPrompt(6, seed=s)).params["prompt"] for s in (0, 0, 1)]
    assert np.array_equal(rows[0], rows[1]) and not np.array_equal(rows[0], rows[2])
    table = tensors["model.embed_tokens.weight"]
    assert all((row == table).all(1).any() for row in np.asarray(rows[2]))


def test_it_is_what_the_equations_say(small: Model) -> None:
    """Law: with any parameters, log q is that of a float64 Llama with merged weights W + (alpha / rank) A B, the rows
    of the soft prompt behind the first token, and b added to the logits; at any temperature, whatever was asked
    before."""
    base, tensors = small
    lm = base.adapted(LoRA(2, alpha=3.0), SoftPrompt(5, seed=1), LogitBias())
    for seed in (1, 2):
        perturb(lm, seed=seed)
        for n, temperature in ((20, 1.0), (3, 1.0), (19, 0.7), (20, 2.0)):
            got = lm.next(context(lm, PROMPT[:n]), temperature=temperature).log_probs()
            want = reference(tensors, lm.params, (0, *PROMPT[:n]), scale=1.5, temperature=temperature)[-1]
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)


def test_base_weights_are_shared(small: Model) -> None:
    """Law: the arrays of the base are those of the adapted model, itself, and the base does not change."""
    base, _ = small
    before = base.next(context(base)).log_probs()
    lm = base.adapted(LoRA(4), SoftPrompt(3), LogitBias())
    perturb(lm)
    lm.next(context(lm)).log_probs()
    mine, theirs = lm.decoder.params, base.decoder.params
    assert mine.embed.weight is theirs.embed.weight and mine.head is theirs.head
    for a, b in zip(mine.layers, theirs.layers, strict=True):
        for target in ("qkv", "out", "gate_up", "down"):
            assert getattr(a, target).weight is getattr(b, target).weight and getattr(b, target).low is None
    base.decoder.clear()
    np.testing.assert_allclose(base.next(context(base)).log_probs(), before, rtol=0, atol=2e-5)


def test_assigning_drops_caches_and_compiles_nothing(small: Model) -> None:
    """Law: after an assignment nothing that was cached is used again, and the programs are those there were."""
    base, _ = small
    lm = base.adapted(LoRA(2), SoftPrompt(3), LogitBias())
    rng = np.random.default_rng(0)

    def use() -> Any:
        rows = [context(lm).tokens] * 8
        for _ in range(4):
            tokens, _ = lm.draw_next(rows, rng.uniform(size=8), None, None)
            rows = [(*r, int(t)) for r, t in zip(rows, tokens, strict=True)]
        return lm.score_sequences([context(lm).tokens], [PROMPT[:4]])[0]

    before = use()
    assert lm.decoder.stats.banks > 0
    jitted = [programs.feed, programs.feed_scored, programs.draw_rows, programs.score_rows, programs.allocate]
    compiled = [f._cache_size() for f in jitted]
    params = lm.params
    params["bias"] = np.asarray(params["bias"]) + np.arange(61, dtype=np.float32) / 10
    np.testing.assert_allclose(use(), before, rtol=0, atol=1e-5)  # a change of what was handed out is no assignment
    lm.params = params
    assert lm.decoder.stats.banks == 0
    after = use()
    assert np.abs(after - before).max() > 0.1
    assert [f._cache_size() for f in jitted] == compiled


def test_the_soft_prompt_is_not_seen(small: Model) -> None:
    """Law: contexts show and count their own tokens only; what the vectors take is missing from `max_length`."""
    base, _ = small
    lm = base.adapted(SoftPrompt(8))
    here = context(lm)
    assert len(here) == 21 and str(here) == str(context(base)) and max(here.tokens) < 61
    assert lm.max_length == 120 and lm.vocab_size == 61
    assert len(lm.next(here).log_probs()) == 61
    lm.text(context(lm, PROMPT[:10]), max_tokens=109)
    with pytest.raises(ContextTooLong, match="121 tokens"):
        lm.text(context(lm, PROMPT[:10]), max_tokens=110)
    full = random_tokens(3, 119)
    assert np.isfinite(lm.next(context(lm, full)).log_probs()).all()
    with pytest.raises(ContextTooLong):
        base.adapted(SoftPrompt(127))


@pytest.mark.slow
def test_it_runs_in_programs(small: Model) -> None:
    """Law: programs use it like its base: log Z of a constraint is the sum over its texts, an observation weighs its
    probability, a product multiplies, a proposal is weighed by p / q."""
    base, _ = small
    lm = base.adapted(LoRA(2), SoftPrompt(4), LogitBias(), name="a")
    perturb(lm)
    members = ["<5><6>", "<7><8>", "<7><9>"]
    start = context(lm, PROMPT[:4])

    def mass(model: Any, a: float = 1.0) -> Any:
        texts = [model.tokenizer.encode(m) for m in members]
        scores = model.score_sequences([context(model, PROMPT[:4]).tokens] * 3, texts)
        return np.array([a * s.sum() for s in scores])

    @program
    async def chosen() -> str:
        return str(await sample(lm.text(start, max_tokens=2, where=choice(members)), "text"))

    exact = float(np.logaddexp.reduce(mass(lm)))
    assert infer(chosen(), Enumerate()).log_evidence == pytest.approx(exact, abs=1e-4)

    @program
    async def observed(value: str) -> None:
        await observe(lm.text(start, max_tokens=2), drawn(*lm.tokenizer.encode(value)))

    assert infer(observed(members[0]), Importance(2)).log_evidence == pytest.approx(mass(lm)[0], abs=1e-4)

    product = (lm * base) ** 0.5
    dist = product.text(product.context() + PROMPT[:4], max_tokens=2)
    value = drawn(*lm.tokenizer.encode(members[1]))
    got = type(dist).log_prob([dist], [value])[0]
    assert got == pytest.approx((mass(lm)[1] + mass(base)[1]) / 2, abs=1e-4)

    plain, guide = base.text(context(base, PROMPT[:4]), max_tokens=3), lm.text(start, max_tokens=3)

    @program
    async def proposed() -> Any:
        return await sample(plain, "text", proposal=guide)

    run = infer(proposed(), Importance(8), seed=1)
    log_p, log_q = (type(t).log_prob([t] * 8, run.values) for t in (plain, guide))
    np.testing.assert_allclose(run.log_weights + np.log(8), log_p - log_q, rtol=0, atol=1e-4)


def test_its_distributions_know_it(small: Model) -> None:
    """Law: what an adapted model makes depends on it, wrapped or not; what its base makes depends on nothing."""
    base, _ = small
    lm = base.adapted(LogitBias())
    text = lm.text("", max_tokens=2)
    these = [
        lm.next(""), text, text.favouring("<5>"), text.where(choice(["<5>"])), text.where(choice(["<5>"])).proposal,
        (lm * base).text("", max_tokens=2), (base * lm).next(""), (lm * base).next("").proposal,
    ]
    assert all(trainable_of(dist) is lm for dist in these)
    assert trainable_of(base.text("", max_tokens=2)) is None and trainable_of(base.next("")) is None


@pytest.mark.slow
def test_int8_and_bfloat16_bases_can_be_adapted(small: Model) -> None:
    """Law: adapters of a base in another type begin as that base, and soft prompts as its own words."""
    for dtype, near in (("int8", 1e-5), ("bfloat16", 0.02)):
        base, _ = small_llama(dtype)
        lm = base.adapted(LoRA(2), SoftPrompt(words="<4><5>"))
        got = lm.next(context(lm)).log_probs()
        np.testing.assert_allclose(got, base.next(context(base, (4, 5, *PROMPT))).log_probs(), rtol=0, atol=near)


def test_bad_params_are_named(small: Model) -> None:
    """Law: parameters of another structure, shape or with bad values are refused by the name of the leaf, and change
    nothing."""
    base, _ = small
    lm = base.adapted(LoRA(2), LogitBias(), name="mine")
    good = lm.params
    bad_leaf = np.zeros(61, np.float32)
    bad_leaf[7] = np.nan
    lora = {**good["lora"], "0": {**good["lora"]["0"], "qkv": {"a": good["lora"]["0"]["qkv"]["a"]}}}
    for new, message in (
        ({"lora": good["lora"]}, "params of 'mine': bias is missing"),
        ({**good, "prompt": bad_leaf}, "there is no prompt; there are bias, lora/0/down/a"),
        ({**good, "bias": np.zeros(60)}, r"bias has shape \[60\], not \[61\]"),
        ({**good, "bias": bad_leaf}, "bias has 1 of 61 numbers that are not finite"),
        ({**good, "bias": "x"}, "bias is 'x', no array of numbers"),
        ({**good, "lora": lora}, "lora/0/qkv/b is missing"),
    ):
        with pytest.raises(ValueError, match=message):
            lm.params = new
    assert all(a is b for a, b in zip(named(lm.params).values(), named(good).values(), strict=True))
    assert list(named(good))[:3] == ["bias", "lora/0/down/a", "lora/0/down/b"]


def test_bad_adapters_are_refused(small: Model, tmp_path: Any) -> None:
    """Law: what cannot be adapted, or adapted so, says so and what to do instead."""
    base, _ = small
    for make, kind, message in (
        (lambda: base.adapted(), TypeError, "give adapters"),
        (lambda: base.adapted(LoRA(2), LoRA(4)), TypeError, "one of a kind"),
        (lambda: base.adapted("lora"), TypeError, "give adapters"),
        (lambda: base.adapted(LogitBias(), name=""), TypeError, "a name is a str"),
        (lambda: base.adapted(LogitBias()).adapted(LoRA(2)), ModelError, "give all adapters together"),
        (lambda: LoRA(0), ValueError, "rank=0"),
        (lambda: base.adapted(LoRA(33)), ValueError, "of rank 32 at most"),
        (lambda: LoRA(targets=("q_proj",)), ValueError, "give some of qkv, out, gate_up, down"),
        (lambda: LoRA(alpha=-1.0), ValueError, "alpha=-1.0"),
        (lambda: SoftPrompt(), ValueError, "number of tokens, or the words"),
        (lambda: SoftPrompt(0), ValueError, "at least 1"),
        (lambda: TableLM.random(3).adapted(LogitBias()), ModelError, "TrainableTable"),
    ):
        with pytest.raises(kind, match=message):
            make()
    one = Mesh(np.array(jax.devices()[:1]), ("particles",))
    write_folder(tmp_path, SMALL)
    meshed = language_model(Decoder.from_folder(tmp_path, max_rows=8, mesh=one))
    with pytest.raises(ModelError, match="on a mesh cannot be adapted: load it without mesh="):
        meshed.adapted(LoRA(2))
