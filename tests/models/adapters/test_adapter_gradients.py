"""Gradients of adapted models against finite differences of a float64 model written without any of our code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from adapter_cases import PROMPT, TAILS, WEIGHTS, drawn, language_model, moved_by, perturb, score, small_llama, texts

from steersman.models import LogitBias, LoRA, ModelError, NeuralLM, SoftPrompt
from steersman.models.adapters import AdaptedLM, passes, whole_texts
from steersman.ppl import OutsideSupport, choice, regex
from steersman.ppl.parameters import named

Model = tuple[NeuralLM, dict[str, Any]]

@pytest.fixture(scope="module")
def small() -> Model:
    return small_llama()


@pytest.fixture(scope="module")
def adapted(small: Model) -> AdaptedLM:
    lm = small[0].adapted(LoRA(2, alpha=2.0), SoftPrompt(3), LogitBias())
    perturb(lm)
    return lm


def direction(theta: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda a: rng.normal(size=a.shape), theta)


def along(gradient: Any, direction: Any) -> float:
    g, d = named(gradient), named(direction)
    assert set(g) == set(d)
    return float(sum((np.asarray(g[k], np.float64) * d[k]).sum() for k in d))


def slope(f: Callable[[Any], float], theta: Any, direction: Any, h: float = 1e-5) -> float:
    """Central difference in float64, off by O(h^2)."""
    plain = jax.tree.map(lambda a: np.asarray(a, np.float64), theta)

    def moved(x: float) -> Any:
        steps = {k: x * v for k, v in named(direction).items()}
        return moved_by(plain, steps)

    return (f(moved(h)) - f(moved(-h))) / (2 * h)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_against_finite_differences(small: Model, adapted: AdaptedLM, temperature: float) -> None:
    """Law: along random directions of each adapter, and of all together, the gradient of weighted log-probabilities of
    texts is the slope of their sum in float64; its value is that sum."""
    members, values = texts(adapted, temperature)
    theta = adapted.params

    def f(theta: Any) -> float:
        each = [score(small[1], theta, (0, *PROMPT), t, temperature) for t in TAILS]
        return float(WEIGHTS @ np.array(each))

    value, gradient = adapted.log_prob_and_gradient(members, values, WEIGHTS)
    assert value == pytest.approx(f(theta), abs=1e-4)
    assert value == pytest.approx(WEIGHTS @ type(members[0]).log_prob(members, values), abs=1e-4)
    for seed, keys in enumerate([("lora",), ("prompt",), ("bias",), ("lora", "prompt", "bias")]):
        d = {k: v if k in keys else jax.tree.map(lambda a: 0 * a, v) for k, v in direction(theta, seed).items()}
        want = slope(f, theta, d)
        assert abs(want) > 0.05 and along(gradient, d) == pytest.approx(want, rel=2e-4, abs=1e-4), keys


def test_coordinates(small: Model, adapted: AdaptedLM) -> None:
    """Law: single numbers of A, B, the soft prompt and the bias have the partial derivatives of the float64 model."""
    members, values = texts(adapted)
    gradient = adapted.gradient(members, values, WEIGHTS)
    theta = adapted.params
    assert all(g.dtype == np.float32 for g in named(gradient).values())

    def f(theta: Any) -> float:
        return float(WEIGHTS @ np.array([score(small[1], theta, (0, *PROMPT), t) for t in TAILS]))

    for leaf in ("lora/0/qkv/a", "lora/1/out/b", "lora/0/gate_up/b", "lora/1/down/a", "prompt", "bias"):
        g = np.asarray(named(gradient)[leaf])
        at = np.unravel_index(np.abs(g).argmax(), g.shape)
        one = {k: np.zeros(v.shape) for k, v in named(theta).items()}
        one[leaf][at] = 1.0
        tree = moved_by(jax.tree.map(lambda a: np.zeros(a.shape), theta), one)
        assert g[at] == pytest.approx(slope(f, theta, tree), rel=1e-3, abs=1e-4), leaf


@pytest.mark.slow
def test_the_fast_path_is_what_is_differentiated(adapted: AdaptedLM) -> None:
    """Law: the decoder's scores, cold, and after whatever its caches hold, are those of the differentiated pass, for
    every kind of distribution that has a gradient."""
    lm = adapted
    start = lm.context() + PROMPT
    members, values = texts(lm)
    cold, cold_values = texts(lm, 0.8, PROMPT[:2])
    steered = lm.text(start, max_tokens=3, where=regex("(<5>|<6>|<7>)+"))
    token = steered.begin(None).next().dist
    some = lm.next(start).masked([3, 4, 9]).tempered(1.7)
    members += [*cold, steered, steered.proposal, some, token, token.proposal, lm.next(start)]
    values += [*cold_values, drawn(5, 7, 6), drawn(5, 7, 6), 9, 7, 7, 2]
    log_q = scores(members, values)
    np.testing.assert_allclose(scores(members, values), log_q, rtol=0, atol=1e-5)
    lm.decoder.clear()
    np.testing.assert_allclose(scores(members[::-1], values[::-1])[::-1], log_q, rtol=0, atol=1e-4)
    for w in np.random.default_rng(0).normal(size=(3, len(members))):
        value, _ = lm.log_prob_and_gradient(members, values, w)
        assert value == pytest.approx(w @ log_q, abs=1e-4 * np.abs(w).sum())


def scores(members: list[Any], values: list[Any]) -> Any:
    """log q of each, by the decoder, one call for each kind."""
    out = np.zeros(len(members))
    for kind in dict.fromkeys(map(type, members)):
        some = [i for i, m in enumerate(members) if type(m) is kind]
        out[some] = kind.log_prob([members[i] for i in some], [values[i] for i in some])
    return out


@pytest.mark.slow
def test_without_a_beginning_of_text_token(small: Model) -> None:
    """Law: where texts begin with nothing, a soft prompt stands before their first token, which then has a density and
    a gradient; without one it has neither."""
    base = language_model(small[0].decoder)
    base.bos = None
    lm = base.adapted(SoftPrompt(4))
    text = lm.text("", max_tokens=3)
    log_q = float(type(text).log_prob([text], [drawn(5, 7, 6)])[0])
    assert lm.log_prob_and_gradient([text], [drawn(5, 7, 6)], [1.0])[0] == pytest.approx(log_q, abs=1e-4)
    assert len(lm.context()) == 0 and np.exp(lm.next("").log_probs()).sum() == pytest.approx(1.0, abs=1e-5)
    plain = base.adapted(LogitBias())
    for ask in (plain.next("").log_probs, lambda: plain.gradient([plain.next("")], [5], [1.0])):
        with pytest.raises(ModelError, match="an empty prefix has no next-token distribution"):
            ask()


def close(a: Any, b: Any) -> None:
    for (path, x), y in zip(named(a).items(), named(b).values(), strict=True):
        x, y = np.asarray(x), np.asarray(y)
        np.testing.assert_allclose(x, y, rtol=0, atol=2e-5 * max(1.0, float(np.abs(y).max())), err_msg=path)


def test_padding_chunks_and_sharing_change_nothing(adapted: AdaptedLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: the gradient of many is the sum of those of each alone, whether rows share their prompt, wait in chunks,
    are padded, or are the steps of one text."""
    members, values = texts(adapted)
    whole = adapted.gradient(members, values, WEIGHTS)
    alone = [adapted.gradient([m], [v], [w]) for m, v, w in zip(members, values, WEIGHTS, strict=True)]
    close(whole, _sum(alone))
    work = adapted._whole_texts
    assert whole_texts._shared([r.led(adapted._led) for r in whole_rows(adapted, members, values)]) == 23
    monkeypatch.setattr(work, "most", 16)  # a row in a chunk
    before = work.stats.forwards
    close(adapted.gradient(members, values, WEIGHTS), whole)
    assert work.stats.forwards == before + 3
    monkeypatch.setattr(whole_texts, "LEAST_SHARED", 1000)
    close(adapted.gradient(members, values, WEIGHTS), whole)


def whole_rows(lm: AdaptedLM, members: list[Any], values: list[Any]) -> list[Any]:
    from steersman.models.adapters.rows import rows_of

    return rows_of(lm, members, values, WEIGHTS)


def _sum(gradients: list[Any]) -> Any:
    first, *rest = gradients
    for other in rest:
        steps = {k: np.asarray(v) for k, v in named(other).items()}
        first = moved_by(jax.tree.map(np.asarray, first), steps)
    return first


def test_the_steps_of_a_text_are_one_row(adapted: AdaptedLM) -> None:
    """Law: next tokens along one line have the gradient of the text, and cost its positions once; equal texts add."""
    members, values = texts(adapted)
    context, tokens, dists = adapted.context() + PROMPT, TAILS[2], []
    for t in tokens:
        dists.append(adapted.next(context))
        context = context + t
    stats = adapted._whole_texts.stats
    stats.reset()
    steps = adapted.gradient(dists, list(tokens), np.full(len(tokens), 0.4))
    assert stats.forwards == 1 and stats.positions <= 24 + len(tokens)
    text = adapted.gradient(members[2:], values[2:], [0.4])
    close(steps, text)
    close(adapted.gradient(members[2:] * 2, values[2:] * 2, [0.1, 0.3]), text)
    constrained = adapted.text(adapted.context() + PROMPT, max_tokens=3, where=regex("(<5>|<6>|<7>)+")).proposal
    machine, dists = constrained.begin(None), []
    for t in (5, 7, 6):
        dists.append(machine.next().dist)
        machine.send(t, 0.0, 0.0)
    close(adapted.gradient(dists, [5, 7, 6], np.ones(3)), adapted.gradient([constrained], [drawn(5, 7, 6)], [1.0]))


def test_new_parameters_compile_nothing(adapted: AdaptedLM) -> None:
    """Law: the compiled programs of a gradient do not depend on parameters, weights, or which tokens."""
    members, values = texts(adapted)
    adapted.gradient(members, values, WEIGHTS)
    jitted = [passes.begin, passes.add, passes.finish]
    compiled = [f._cache_size() for f in jitted]
    before = adapted.params
    perturb(adapted, seed=5)
    values[1] = drawn(*reversed(TAILS[1]))
    adapted.gradient(members, values, -WEIGHTS)
    adapted.params = before
    assert [f._cache_size() for f in jitted] == compiled


def test_a_bias_learns_what_is_favoured(small: Model) -> None:
    """Law: steps along the gradient of log q raise it, and its mean vanishes: sum_x q(x) grad log q(x) = 0."""
    lm = small[0].adapted(LogitBias())
    dist = lm.next(lm.context() + PROMPT)
    q = np.exp(dist.log_probs())
    zero = lm.gradient([dist] * 61, list(range(61)), q)["bias"]
    assert np.abs(zero).max() < 1e-5
    before = dist.log_probs()[7]
    for _ in range(3):
        lm.params = {"bias": lm.params["bias"] + lm.gradient([dist], [7], [1.0])["bias"]}
    assert dist.log_probs()[7] > before + 1


def test_bad_input(small: Model, adapted: AdaptedLM) -> None:
    """Law: what has no gradient is refused in one message that names the distribution."""
    lm, base = adapted, small[0]
    text = lm.text("", max_tokens=2)
    chosen = lm.text("", max_tokens=2, where=choice(["<5>", "<6>"]))
    other = base.adapted(LogitBias(), name="other")
    for member, value, kind, message in (
        (text.favouring("<5>"), drawn(5, 6), ModelError, "favouring.*no function of masked logits"),
        (chosen.proposal, drawn(7, 1), OutsideSupport, "where its density is 0"),
        ((lm * base).next("").proposal, 5, ModelError, "LocalToken.*no function of masked logits"),
        ((lm * other).next(""), 5, ModelError, "more than one of its models is learnt"),
        (other.next(""), 5, ModelError, "another model than <AdaptedLM"),
        (text, drawn(5, 6, 7), OutsideSupport, "where its density is 0"),
        (text, 5, OutsideSupport, "a text is a str"),
        (lm.next("").masked([3]), 5, OutsideSupport, "where its density is 0"),
        (lm.next(""), 61, OutsideSupport, "where its density is 0"),
        (lm.text("", max_tokens=2, where=regex("<5>")), drawn(6, 1), OutsideSupport, "where its density is 0"),
    ):
        with pytest.raises(kind, match=message):
            lm.gradient([member], [value], [1.0])
    with pytest.raises(ValueError, match="weight of row 0 is nan"):
        lm.gradient([lm.next("")], [5], [np.nan])
    with pytest.raises(ValueError, match="2 members, 1 values"):
        lm.gradient([lm.next("")] * 2, [5], [1.0])
    nothing = lm.gradient([text], [drawn(5, 6, 7)], [0.0])
    assert all(not np.asarray(g).any() for g in named(nothing).values())
