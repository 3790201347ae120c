"""The traced log density of a program is the engine's, is compiled once for each structure, and says what it cannot
trace."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as numpyro_dist
import pytest

from steersman.models import TableLM
from steersman.ppl import (
    Particle,
    Trace,
    TracedControlFlow,
    UnknownAddress,
    assess,
    call,
    condition,
    dist,
    factor,
    observe,
    program,
    sample,
    simulate,
    tempered,
    twist,
    unfold,
)
from steersman.ppl.density import Given, LogDensity, NotContinuous, log_density
from steersman.ppl.density.evaluate import log_density as evaluate
from steersman.ppl.density.evaluate import sizes
from steersman.ppl.density.layout import padded

LM = TableLM.random(3, seed=4)


class Logistic:
    """A distribution of the user's own, written in JAX."""

    def __init__(self, loc: Any) -> None:
        self.loc = loc
        self.family = "logistic"

    @staticmethod
    def draw(members: Any, keys: Any) -> Any:
        u = keys.uniform()
        values = [float(m.loc + np.log(x / (1 - x))) for m, x in zip(members, u, strict=True)]
        return values, Logistic.log_prob(members, values)

    @staticmethod
    def log_prob(members: Any, values: Any) -> Any:
        z = jnp.stack([jnp.asarray(v - m.loc) for m, v in zip(members, values, strict=True)])
        return -z - 2 * jnp.log1p(jnp.exp(-z))

    def support(self) -> None:
        return None


@program
async def scalars() -> float:
    """Supports: the line, the half-line, an interval that depends on a choice, a finite one."""
    m = await sample(dist.Normal(0.0, 2.0), "m")
    s = await sample(dist.Gamma(2.0, 3.0), "s")
    w = await sample(dist.Uniform(-s, s + m * m), "w")
    p = await sample(dist.Beta(2.0, 1.0 + s), "p")
    for x in (0.3, -0.4, 1.1):
        await observe(dist.StudentT(3.0, m + w * x, s), x)
    await observe(dist.Bernoulli(p), 1)
    await factor(-w * w, "f")
    return m


@program
async def arrays() -> Any:
    """Vectors, a simplex, a matrix; a family whose support depends on an array."""
    v = await sample(dist.Normal(jnp.zeros(3), 1.0), "v")
    q = await sample(dist.Dirichlet(jnp.array([1.0, 2.0, 3.0])), "q")
    mvn = await sample(dist.MultivariateNormal(v, jnp.eye(3)), "mvn")
    u = await sample(dist.Uniform(jnp.zeros(2), 1.0 + v[:2] ** 2), "u")
    c = await sample(dist.LKJCholesky(2, 1.5), "c")
    await observe(dist.Categorical(probs=q), 1)
    await observe(dist.Normal(v.sum() + mvn, 1.0).to_event(1), np.array([0.1, 0.2, 0.3]))
    await observe(dist.Normal(v, 1.0).mask(np.array([True, False, True])), np.array([0.1, 9.0, 0.3]))
    await factor(-(c[1, 0] ** 2) - u[0])
    return v


@program
async def step(state: float, scale: float) -> float:
    return state + await sample(dist.Normal(0.1, scale), "d")


@program
async def nested() -> float:
    """Sub-programs, an unfold, a call that is traced, constants of a language model, NumPyro objects, a mixture."""
    s = await sample(numpyro_dist.HalfNormal(2.0), "s")
    text = await sample(LM.text("", max_tokens=2), "text")
    score = await LM.score("", text)
    x = await step(0.0, s)
    done = await unfold(lambda t: _walk(t, s), (x, 0), lambda t: t[1] == 2, "walk")
    y = await call(jnp.tanh, done[0], name="tanh")
    await observe(dist.Normal(y + score, 1.0), 0.3)
    await observe(dist.MixtureSameFamily(dist.Categorical(np.array([0.3, 0.7])),
                                         dist.Normal(s + jnp.arange(2.0), 1.0)), 0.9)
    await observe(Logistic(s), 0.2)
    await observe(Logistic(x), 0.4)
    return y


async def _walk(t: tuple[float, int], s: float) -> tuple[float, int]:
    return await step(t[0], s), t[1] + 1


@program
async def chosen_by_others(how: str) -> None:
    """Discrete choices decide which numbers meet."""
    places = [await sample(dist.Normal(0.0, 1.0), "place") for _ in range(3)]
    for i in range(12):
        z = await sample(dist.Categorical(np.array([0.2, 0.3, 0.5])), "z")
        if how == "list":
            place = places[z]
        elif how == "stack":
            place = jnp.stack(places)[z]
        elif how == "where":
            place = jnp.where(z > 1, places[0], places[1] * 2.0)
        else:
            place = places[0] + 0.5 * z
        await observe(dist.Normal(place, 1.0), 0.1 * i, "y")


PROGRAMS: dict[str, tuple[Any, set[str]]] = {
    "scalars": (scalars(), {"m", "s", "w", "p"}),
    "some scalars": (scalars(), {"s", "p"}),
    "arrays": (arrays(), {"v", "q", "mvn", "u", "c"}),
    "nested": (nested(), {"s", "d"}),
    "tempered": (tempered(scalars(), 0.4), {"m", "s", "w", "p"}),
    **{how: (chosen_by_others(how), {"place"}) for how in ("list", "stack", "where", "number")},
}


def drawn(model: Any, seed: int) -> Trace:
    trace = simulate(model, seed).trace
    assert trace is not None
    return trace


def addresses(trace: Trace, names: set[str]) -> list[Any]:
    return [a for a in trace.choice_sites() if a[-2] in names]


def moved(density: LogDensity, trace: Trace, seed: int) -> tuple[Any, dict[Any, Any]]:
    """Values of the chosen sites nearby, inside their supports: a step in the real numbers."""
    sites = dict(trace.outer_sites())
    arguments = density.arguments(sites)
    u = np.asarray(density.reals(density.vector(sites), arguments))
    u = u + 0.3 * np.random.default_rng(seed).normal(size=u.shape).astype(u.dtype)
    x, _, _ = density.evaluate(u, arguments, density.weights())
    return u, density.values(np.asarray(x))


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_density_of_the_engine(name: str) -> None:
    """log p(x) of the compiled function = the log joint by `assess`, for the recorded values and for others."""
    model, names = PROGRAMS[name]
    for seed in (1, 2):
        trace = drawn(model, seed)
        density = log_density(trace, addresses(trace, names))
        assert density() == pytest.approx(trace.log_joint, abs=2e-3)
        _, values = moved(density, trace, seed)
        expected = assess(model, trace.choices() | values).log_weight
        assert density(values) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("name", ["scalars", "arrays", "nested", "list"])
def test_the_jacobian(name: str) -> None:
    """u = T^-1(T(u)); where x has as many numbers as u, the log-determinant is that of the derivative of T, by
    automatic differentiation."""
    model, names = PROGRAMS[name]
    trace = drawn(model, 3)
    if name == "arrays":
        names = {"v", "mvn", "u"}
    density = log_density(trace, addresses(trace, names))
    arguments, weights = density.arguments(dict(trace.outer_sites())), density.weights()
    D, E = sizes(density.layout)
    assert D == E == len(density.vector(dict(trace.outer_sites())))

    u, _ = moved(density, trace, 3)
    x, _, log_det = density.evaluate(u, arguments, weights)
    np.testing.assert_allclose(density.reals(x, arguments), u, rtol=1e-4, atol=1e-4)
    derivative = jax.jit(jax.jacfwd(lambda u: evaluate(density.layout, u, arguments, weights)[0]))(u)
    _, expected = np.linalg.slogdet(np.asarray(derivative, np.float64))
    assert float(log_det) == pytest.approx(float(expected), abs=1e-3)


@pytest.mark.parametrize("name", ["scalars", "nested", "where"])
def test_the_gradient(name: str) -> None:
    """The gradient of log p(T(u)) is its slope along random directions."""
    model, names = PROGRAMS[name]
    trace = drawn(model, 4)
    density = log_density(trace, addresses(trace, names))
    arguments, weights = density.arguments(dict(trace.outer_sites())), density.weights()

    @jax.jit
    def log_p(u: Any) -> Any:
        return evaluate(density.layout, u, arguments, weights)[1]

    u, _ = moved(density, trace, 4)
    along = np.random.default_rng(0).normal(size=u.shape).astype(u.dtype)
    h = 1e-2
    slope = (float(log_p(u + h * along)) - float(log_p(u - h * along))) / (2 * h)
    assert float(jax.jit(jax.grad(log_p))(u) @ along) == pytest.approx(slope, rel=2e-2, abs=2e-2)


def groups(density: LogDensity) -> list[str]:
    return [g.role for g in density.layout.groups]


def test_one_call_for_each_family_however_many_sites() -> None:
    """A hundred sites come to as many calls as ten: one for each operation and level, and one for each family."""

    @program
    async def regression(n: int) -> None:
        a, b = [await sample(dist.Normal(0.0, 1.0), "w") for _ in range(2)]
        s = await sample(dist.HalfNormal(1.0), "s")
        for i in range(n):
            await observe(dist.Normal(a + b * (0.1 * i), s), 1.0)
            await observe(dist.Bernoulli(logits=a * b), 1)

    densities = [log_density(drawn(regression(n), 0), ["w", "w#1", "s"]) for n in (10, 100)]
    assert groups(densities[0]) == groups(densities[1])
    assert groups(densities[0]).count("term") == 3  # Normal (priors, too), HalfNormal, Bernoulli
    assert len(densities[0].layout.groups) <= 9


@pytest.mark.parametrize("how", ["stack", "where", "number"])
def test_other_values_are_arguments(how: str) -> None:
    """A density fits executions that differ in their discrete choices, and is right for them: nothing is traced or
    compiled again."""
    first, second = drawn(chosen_by_others(how), 5), drawn(chosen_by_others(how), 6)
    second.program = first.program
    names = addresses(first, {"place"})
    density = log_density(first, names)
    assert density.given.sites == {"z"}
    sites = dict(second.outer_sites())
    assert density.fits(second, sites, names)
    arguments = density.arguments(sites)
    _, log_p, _ = density.evaluate(density.reals(density.vector(sites), arguments), arguments, density.weights())
    constant = sum(s.log_p for a, s in sites.items() if a not in density.dependent)
    assert float(log_p) + constant == pytest.approx(second.log_joint, abs=1e-3)


def test_control_flow_on_other_values_is_allowed() -> None:
    """Where the program needs the number of a choice that is not chosen, executions that differ in it have densities of
    their own, but one layout: which of the places is meant is an index."""
    traces = [drawn(chosen_by_others("list"), seed) for seed in (5, 6)]
    densities = [log_density(t, addresses(t, {"place"})) for t in traces]
    assert densities[0].given.sites == frozenset()
    assert not densities[0].fits(traces[1], dict(traces[1].outer_sites()), addresses(traces[1], {"place"}))
    assert densities[0].layout == densities[1].layout


def test_equal_arrays_are_shared() -> None:
    """Densities of one layout hold what is equal in both only once."""
    traces = [drawn(chosen_by_others("list"), seed) for seed in (5, 6)]
    first, second = (log_density(t, addresses(t, {"place"})) for t in traces)
    second.share(first)
    shared = [a is b for a, b in zip(first.arguments({}), second.arguments({}), strict=True)]
    assert any(shared) and not all(shared)
    assert second() == pytest.approx(traces[1].log_joint, abs=1e-3)


def test_one_name_branched_on_leaves_the_others_arguments() -> None:
    """Names are tried one by one where all together fail."""

    @program
    async def both() -> None:
        x = await sample(dist.Normal(0.0, 1.0), "x")
        branch = await sample(dist.Bernoulli(0.5), "branch")
        scale = await sample(dist.HalfNormal(1.0), "scale")
        await observe(dist.Normal(x if branch else -x, 0.5 + scale), 0.3)

    assert log_density(drawn(both(), 1), ["x"]).given.sites == {"scale"}


def test_given_values_skip_the_search() -> None:
    """What is known from another execution is taken over."""
    trace = drawn(chosen_by_others("number"), 5)
    density = log_density(trace, addresses(trace, {"place"}), given=Given(frozenset({"z"}), frozenset()))
    assert density() == pytest.approx(trace.log_joint, abs=1e-3)


def test_texts_and_scores_are_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Constants are taken from the trace: a language model is not asked."""
    trace = drawn(nested(), 1)
    monkeypatch.setattr(TableLM, "score_sequences", lambda *_: pytest.fail("the language model was asked"))
    density = log_density(trace, ["s"])
    assert ("text", 0) not in density.dependent and ("score", 0) not in density.dependent
    assert ("tanh", 0) not in density.dependent  # it depends on the steps, which are not chosen
    assert density() == pytest.approx(trace.log_joint, abs=1e-3)


def test_twists_do_not_count() -> None:
    """The density is the target: twists are divided out at the end."""

    @program
    async def steered() -> None:
        x = await sample(dist.Normal(0.0, 1.0), "x")
        await twist(-x * x)
        await observe(dist.Normal(x, 1.0), 0.5)

    trace = drawn(steered(), 1)
    density = log_density(trace, ["x"])
    assert density({"x": 0.2}) == pytest.approx(assess(steered(), {"x": 0.2}).log_weight, abs=1e-4)


def test_powers_weigh_the_terms() -> None:
    """sum_i w_i log p_i, with the powers of a target on top of those of the program."""
    trace = drawn(scalars(), 1)
    density = log_density(trace, ["m", "s", "w", "p"])
    sites = dict(trace.outer_sites())
    arguments = density.arguments(sites)
    u = density.reals(density.vector(sites), arguments)
    weights = density.weights(lambda kind, name: {"sample": 1.0, "observe": 0.25}.get(kind, 3.0))
    _, log_p, _ = density.evaluate(u, arguments, weights)
    w = {"sample": 1.0, "observe": 0.25, "factor": 3.0}
    assert float(log_p) == pytest.approx(sum(w[s.kind] * s.log_p for s in sites.values()), abs=1e-3)


def test_impossible_at_power_zero() -> None:
    """What is impossible stays so at weight 0."""

    @program
    async def bounded() -> None:
        x = await sample(dist.Normal(0.0, 1.0), "x")
        await observe(dist.Uniform(0.0, jnp.exp(x)), 0.4)

    density = log_density(drawn(bounded(), 1), ["x"])
    weights = density.weights(lambda kind, name: float(kind == "sample"))
    for x, possible in ((0.0, True), (-2.0, False)):
        _, log_p, _ = density.evaluate(jnp.array([x]), density.arguments({}), weights)
        assert bool(np.isfinite(log_p)) is possible


def test_padding_is_bounded() -> None:
    """Group sizes come in few steps, so that a few rows more or less are the same layout; little is wasted."""
    sizes_ = [padded(n, 1) for n in range(1, 2000)]
    assert sizes_ == sorted(sizes_) and all(s >= n for n, s in enumerate(sizes_, 1))
    assert all(padded(n, 1) <= 1.125 * n for n in range(64, 2000))
    assert len(set(sizes_)) < 50
    assert padded(3, 50_000) == 3  # rows of many numbers are not repeated


class Plain:
    """A distribution in plain Python."""

    family = "plain"

    def __init__(self, loc: Any) -> None:
        self.loc = loc

    @staticmethod
    def draw(members: Any, keys: Any) -> Any: ...

    @staticmethod
    def log_prob(members: Any, values: Any) -> Any:
        return np.array([-0.1 * float(m.loc) for m in members])


class Costly(Plain):
    """Like a token distribution: it costs tokens."""

    def tokens(self, value: Any, given: Any = None) -> int:
        return 1


@program
async def refused(how: str) -> None:
    x = await sample(dist.Normal(0.0, 1.0), "x")
    mu: Any = await sample(dist.Normal(0.0, 1.0), "mu")
    recorded = isinstance(mu, float)
    match how:
        case "branch":
            await factor(1.0 if mu > 0 else x)
        case "condition":
            await condition(mu > -9)
        case "numpy":
            await factor(np.cos(mu))
        case "float":
            await factor(float(mu))
        case "dictionary":
            await factor({1.0: 0.0}.get(mu, 0.5))
        case "call":
            await factor(await call(float, mu, name="reward"))
        case "text":
            await observe(LM.text("a", max_tokens=2, temperature=1 + mu * mu), "a", "line")
        case "token":
            await observe(Costly(mu), 1, "token")
        case "own":
            await observe(Plain(mu), 0.0, "own")
        case "static":
            await observe(dist.Multinomial(3 if recorded else mu, np.array([0.5, 0.5])), np.array([1, 2]), "count")
        case "shape":
            await factor(mu if recorded else mu * np.ones(2), "f")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("branch", ["control flow", "jax.numpy.where", "test_density.py:"]), ("condition", ["control flow"]),
        ("numpy", ["a NumPy function", "jax.numpy"]), ("float", ["a plain number"]),
        ("dictionary", ["unhashable", "test_density.py:"]), ("call", ["call 'reward'", "'float'"]),
        ("text", ["control flow", "test_density.py:"]), ("token", ["observe 'token'", "language model"]),
        ("own", ["observe 'own'", "Plain.log_prob"]), ("static", ["observe 'count'", "'total_count' of Multinomial"]),
    ],
)
def test_what_cannot_be_traced(how: str, words: list[str]) -> None:
    """The error says what the program did, where, with which site, and what to do instead."""
    with pytest.raises(TracedControlFlow) as raised:
        log_density(drawn(refused(how), 1), ["x", "mu"])
    message = str(raised.value)
    assert all(w in message for w in [*words, "'mu'", "Gibbs({", "MH"]), message
    if how in ("branch", "condition", "numpy", "float", "text", "call", "own"):
        assert "It depends on 'mu': move" in message


def test_shape_of_a_factor() -> None:
    """A log-weight is one number."""
    with pytest.raises(TypeError, match=r"factor 'f'.*shape \(2,\).*sum it"):
        log_density(drawn(refused("shape"), 1), ["mu"])


@program
async def unmovable(what: Any) -> None:
    await sample(what, "site")


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (dist.Bernoulli(0.5), "its values are discrete"), (dist.Delta(1.0), "point mass"),
        (dist.ProjectedNormal(np.ones(2)), "no bijection"), (LM.text("", max_tokens=2), "no distribution of"),
        (LM.next(""), "no distribution of"),
    ],
    ids=["discrete", "point", "sphere", "text", "token"],
)
def test_what_no_gradient_moves(what: Any, why: str) -> None:
    """The error names the site and the moves for it."""
    trace = drawn(unmovable(what), 1)
    with pytest.raises(NotContinuous) as raised:
        log_density(trace, ["site"])
    message = str(raised.value)
    assert all(w in message for w in ("sample 'site'", why, "site()", "conditional()")), message


def test_unknown_sites() -> None:
    """A site that the execution does not have."""
    trace = drawn(scalars(), 1)
    with pytest.raises(UnknownAddress, match="no choice 'nowhere'"):
        log_density(trace, ["m", "nowhere"])
    with pytest.raises(UnknownAddress, match="'s' is not a site of this density: it is one of 'm'"):
        log_density(trace, ["m"])({"s": 1.0})


def test_constants_that_change_after_all() -> None:
    """A prompt that a traced number was written into is found when the program is run with another one."""
    @program
    async def written() -> None:
        x = await sample(dist.Normal(0.0, 1.0), "x")
        await observe(LM.text("a" if "0" in f"{x}" else "b", max_tokens=1), "a", "line")

    trace = drawn(written(), 1)
    density = log_density(trace, ["x"])
    particle = Particle(written())
    particle.resume(0.5)
    with pytest.raises(TracedControlFlow, match=r"observe 'line'.*changes with 'x'.*Gibbs"):
        density.check_constant(particle, ("line", 0))

