"""Objectives, each a few lines in the language of `objective`: numbers to be maximised."""

from __future__ import annotations

from typing import Any

from .objective import Measure, Objective, density, expect, frozen, likelihood, log_mean_exp, normalise, prior


def elbo(model: Measure, guide: Measure) -> Any:
    """E_q[log p(x, y) - log q(x)] = log Z - KL(q, posterior). Source: Jordan et al. 1999; Ranganath et al. 2014."""
    x = expect(guide)
    return density(model, x) - density(guide, x)


def iwelbo(draws: int) -> Objective:
    """E[log 1/K sum_k w_k], w = p / q: between the ELBO (K = 1) and log Z. Source: Burda et al. 2016, "Importance
    weighted autoencoders"."""

    def iwelbo(model: Measure, guide: Measure) -> Any:
        x = expect(guide, draws)
        return log_mean_exp(density(model, x) - density(guide, x))

    return iwelbo


def renyi(alpha: float, draws: int) -> Objective:
    """E[1 / (1 - alpha) log 1/K sum_k w_k^(1 - alpha)]. alpha 0 is the IWELBO; towards 1 it is the ELBO, and seeks one
    mode; below 0 it covers all. Source: Li & Turner 2016, "Renyi divergence variational inference", section 4.2."""
    if alpha == 1:
        raise ValueError("renyi(alpha=1) is the ELBO: use elbo")

    def renyi(model: Measure, guide: Measure) -> Any:
        x = expect(guide, draws)
        return log_mean_exp((1 - alpha) * (density(model, x) - density(guide, x))) / (1 - alpha)

    return renyi


def wake(draws: int) -> Objective:
    """E_posterior[log q(x)], the forward KL but for a constant: draws of the guide as it is, weighted by W, w = p / q.

    Self-normalised, hence biased by O(1 / K); its gradient needs no score term and cannot blow up where q is far from
    p. Source: Bornschein & Bengio 2015, "Reweighted wake-sleep", section 3.
    """

    def wake(model: Measure, guide: Measure) -> Any:
        x = expect(frozen(guide), draws)
        weights = normalise(density(frozen(model), x) - density(frozen(guide), x))
        return (weights * density(guide, x)).sum(-1)

    return wake


def wake_model(draws: int) -> Objective:
    """E_posterior[log p(x, y)]: the M-step of EM for parameters of the program, and the wake objective for the guide.

    Source: Dempster et al. 1977; Bornschein & Bengio 2015.
    """

    def wake_model(model: Measure, guide: Measure) -> Any:
        x = expect(frozen(guide), draws)
        weights = normalise(density(frozen(model), x) - density(frozen(guide), x))
        return (weights * (density(model, x) + density(guide, x))).sum(-1)

    return wake_model


def kl_regularised(beta: float) -> Objective:
    """E_q[r(x)] - beta KL(q, prior), r the factors and observations of the program: the best q is prior exp(r / beta).

    Source: Korbak et al. 2022, "RL with KL penalties is better viewed as Bayesian inference".
    """

    def kl_regularised(model: Measure, guide: Measure) -> Any:
        x = expect(guide)
        return density(likelihood(model), x) - beta * (density(guide, x) - density(prior(model), x))

    return kl_regularised


def best_of_n(n: int) -> Objective:
    """E_q[(N - 1) log F(x)] - KL(q, prior), a bound of -KL(q, best of N), where the one factor of the program is
    log F, the log of the probability that a draw from the prior has a lower reward.

    Source: Amini et al. 2025, "Variational best-of-N alignment", section 3.
    """

    def best_of_n(model: Measure, guide: Measure) -> Any:
        x = expect(guide)
        return (n - 1) * density(likelihood(model), x) - (density(guide, x) - density(prior(model), x))

    return best_of_n


def dpg(draws: int, log_evidence: float, *, baseline: bool = True) -> Objective:
    """The gradient of distributional policy gradients: E_q[(P(x) / (Z q(x)) - 1) grad log q(x)], the forward KL with
    importance weights that are not self-normalised, so unbiased if log_evidence is log Z.

    Source: Khalifa et al. 2021, "A distributional approach to controlled text generation" (GDC); the baseline 1:
    Korbak et al. 2022, "On reinforcement learning and distribution matching", section 3.
    """

    def dpg(model: Measure, guide: Measure) -> Any:
        import jax.numpy as jnp

        x = expect(frozen(guide), draws)
        weights = jnp.exp(density(frozen(model), x) - density(frozen(guide), x) - log_evidence)
        return ((weights - baseline) * density(guide, x)).mean(-1)

    return dpg
