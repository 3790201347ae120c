"""Oracle 3, without chance: the transition matrix of every move, on programs of a few dozen executions."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.inference import Kernel, block, cycle, edit, involution, mix, propose, site, subprogram, suffix
from steersman.inference.chain import Chain
from steersman.inference.chain.target import Sharpened, Tempered
from steersman.inference.testing import (
    OracleModel,
    chain_models,
    check_transitions,
    line_model,
    poem_model,
    transitions,
    tree_model,
)
from steersman.models import TableLM
from steersman.ppl import Text, Trace, call, dist, factor, observe, program, sample

MODELS = {m.name: m for m in chain_models()}
LM = TableLM.random(3, seed=31, scale=0.8)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("move", [site(), site(tokens=True), suffix()], ids=lambda k: k.name)
def test_moves_that_reach_everything(name: str, move: Kernel) -> None:
    """pi(x) K(x,y) = pi(y) K(y,x), and every execution leads to every other, whatever the program: a variable number of
    choices, ends of texts, proposals, twists, sub-programs."""
    report = check_transitions(move, MODELS[name])
    assert report.passed, report


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "move", [block(length=2), edit(insert=3, delete=1), edit(replace=0, length=2), subprogram()], ids=lambda k: k.name
)
def test_moves_inside(name: str, move: Kernel) -> None:
    """The same for moves that leave something as it is (the ends of texts, what is in no sub-program)."""
    report = check_transitions(move, MODELS[name], irreducible=False)
    assert report.passed, report


def _late(trace: Trace) -> list[float]:
    """A weight for each token or other choice: later ones more often, every third never; by the length, too."""
    n = sum(len(c.tokens) if isinstance(c, Text) else 1 for c in trace.choices().values())
    return [0.0 if i % 3 == 1 and n > 2 else (i + 1.0) ** (1 + n % 2) for i in range(n)]


def _choice_weights(trace: Trace) -> list[float]:
    n = len(trace.choices())
    return [1.0 + i * n for i in range(n)]


@pytest.mark.parametrize("name", ["sentence/proposal", "line/proposal", "poem/sub"])
@pytest.mark.parametrize(
    "move",
    [suffix(at=_late), site(at=_choice_weights), site(tokens=True, at=_late), block(length=2, at=_late),
     edit(insert=2, at=_late)],
    ids=lambda k: k.name,
)
def test_weighted_places(name: str, move: Kernel) -> None:
    """P(place | y) / P(place | x) is in the ratio: `at` prefers some places, and others in y than in x."""
    if name == "poem/sub" and move.name in ("block()", "edit()"):
        move = move.on(("line",))
        move.at = lambda trace: _late(trace)[1:]  # type: ignore[attr-defined]  # the number of lines is no text
    report = check_transitions(move, MODELS[name], irreducible=False)
    assert report.passed, report


@pytest.mark.parametrize(
    "move",
    [suffix("line"), suffix("line#1"), suffix("count"), site("count"), site("line", tokens=True), edit("line#1"),
     subprogram("verse#1"), subprogram("verse"), suffix("verse", at=lambda trace: _late(trace)[1:])],
    ids=lambda k: k.name,
)
def test_named_places(move: Kernel) -> None:
    """A move for some names is reversible, too, although the names may be there in x and not in y."""
    report = check_transitions(move, poem_model("sub"), irreducible=False)
    assert report.passed, report


def test_nested_sub_programs() -> None:
    """Scopes by their name, by their whole address, and where a step of an `unfold` is meant."""
    for move, model in ((subprogram("tree"), tree_model()), (subprogram("tree/tree#1"), tree_model()),
                        (subprogram("lines/step#1"), poem_model("unfold"))):
        report = check_transitions(move, model, irreducible=False)
        assert report.passed, report
        assert (transitions(move, model).K.diagonal() < 1).any()


TARGETS = [Tempered(0.4), Tempered(0.0), Tempered(0.5, frozenset({"taste"})), Sharpened(2.0)]


@pytest.mark.parametrize("target", TARGETS, ids=repr)
@pytest.mark.parametrize("move", [suffix(), site(tokens=True)], ids=lambda k: k.name)
def test_other_targets(target: Tempered | Sharpened, move: Kernel) -> None:
    """The chain's target is what is left invariant: tempered, tempered in some factors, sharpened."""
    report = check_transitions(move, poem_model("flat"), target=target)
    assert report.passed, report


MIXED = mix(site("count"), suffix(), edit("line", insert=2, length=2), weights=[1, 2, 3])


def test_mixtures_are_reversible() -> None:
    """K = sum_i w_i K_i is reversible where every K_i is."""
    report = check_transitions(MIXED, poem_model("unfold"))
    assert report.passed, report


def test_cycles_are_invariant() -> None:
    """K = K_1 K_2 leaves pi invariant and is the product of the matrices; it is not reversible, and that is seen."""
    model, first, second = line_model("proposal"), site(tokens=True), block(length=2)
    whole = transitions(cycle(first, second), model)
    parts = transitions(first, model).K @ transitions(second, model).K
    assert abs(whole.K - parts).max() < 1e-12
    assert whole.drift < 1e-12
    assert whole.imbalance > 1e-5


def test_mixtures_of_cycles() -> None:
    """Kernels nest."""
    kernel = cycle(mix(suffix("token#1"), site(tokens=True)), site())
    report = check_transitions(kernel, MODELS["sentence/proposal"], reversible=False)
    assert report.passed, report
    assert not check_transitions(kernel, MODELS["sentence/proposal"]).passed


@program
async def kinds(lm: TableLM) -> Any:
    """One name for a token here and a text there."""
    kind = await sample(lm.next("a"), "kind")
    value = await sample(lm.text("b", max_tokens=2) if kind else lm.next("b"), "value")
    await factor(0.7 if kind == 1 else -0.2 * len(str(value)))
    last = await sample(lm.next(lm.context() + kind), "last")
    return kind, value, last


@pytest.mark.parametrize("move", [site(), site(tokens=True), suffix(), block()], ids=lambda k: k.name)
def test_one_name_for_two_kinds(move: Kernel) -> None:
    """What has the same name but is another kind of choice is drawn anew, both ways."""
    report = check_transitions(move, kinds(LM), irreducible=not move.name.startswith("block"))
    assert report.passed, report


@program
async def coin(lm: TableLM) -> Any:
    """Choices that are no language model's: their draws are enumerated, too."""
    heads = await sample(dist.Bernoulli(0.3), "heads")
    size = await sample(dist.Categorical([0.2, 0.5, 0.3]), "size", proposal=dist.Categorical([0.4, 0.4, 0.2]))
    text = await sample(lm.text("ab"[int(heads)], max_tokens=2), "text")
    await factor(0.8 * (len(str(text)) == size))
    return int(heads), int(size), str(text)


@pytest.mark.parametrize("move", [site(), suffix(), mix(site("size"), edit("text"))], ids=lambda k: k.name)
def test_other_distributions(move: Kernel) -> None:
    """NumPyro distributions beside texts, with a proposal of their own."""
    report = check_transitions(move, coin(LM), irreducible=not move.name.startswith("mix"))
    assert report.passed, report


@program
async def heard(lm: TableLM, other: TableLM) -> Any:
    """A text of a product of models, which is not normalised; one that is observed; one from another model; a call."""
    first = await sample((lm * other).text("a", stop="ba", max_tokens=2), "first")
    await observe(other.text(other.context(str(first)), max_tokens=2), "ab", "echo")
    last = await sample(lm.text(lm.context("b") + first, max_tokens=1, temperature=0.5), "last",
                        proposal=other.text("a", max_tokens=1))
    await factor(0.3 * await call(len, str(first)))
    return str(first), str(last)


@pytest.mark.parametrize("move", [site(), site(tokens=True), suffix(), block(), edit()], ids=lambda k: k.name)
def test_products_and_observations(move: Kernel) -> None:
    """Densities that are no probabilities, and likelihoods that change with what is kept behind them."""
    report = check_transitions(move, heard(LM, TableLM.random(3, seed=32)), irreducible=False)
    assert report.passed, report


@program
async def new_line(trace: Trace) -> None:
    """Proposes the first line by another model than the program's."""
    await sample(LM.text("b", stop="b", max_tokens=2), "line")


@program
async def recount(trace: Trace) -> None:
    """A new number of lines, likelier to go up; with it, lines appear and vanish."""
    await sample(dist.Categorical([0.1, 0.3, 0.6]), "count")


def guide(trace: Trace) -> Any:
    return recount(trace) if len(trace.choices()) < 3 else new_line(trace)


def test_proposed_by_a_program() -> None:
    """A guide with a model of its own, asked for other choices in other states: its draws, and the density of the way
    back where there is one, enter the ratio."""
    report = check_transitions(propose(guide), poem_model("flat"), irreducible=False)
    assert report.passed, report


def test_involutions() -> None:
    """Two choices are exchanged: a deterministic move with an auxiliary draw."""

    @program
    async def which(trace: Trace) -> None:
        await sample(dist.Bernoulli(0.5), "swap")

    def exchange(trace: Trace, u: dict[str, Any]) -> tuple[Any, ...]:
        x = trace.choices()
        if not u["swap"] or ("last", 0) not in x:
            return {}, u
        return {"kind": x["last", 0], "last": x["kind", 0]}, u

    report = check_transitions(involution(which, exchange), kinds(LM), irreducible=False)
    assert report.passed, report


class _Secretive(Kernel):
    """Decides by a key of its own."""

    name = "secretive()"

    async def step(self, chain: Chain) -> None:
        if chain.new_key().uniform() < 0.5:
            await suffix().step(chain)


def test_hidden_chance_is_refused() -> None:
    """What is not decided by the chain cannot be enumerated, and is not passed over in silence."""
    with pytest.raises(TypeError, match=r"chain\.choose"):
        check_transitions(_Secretive(), line_model())


def test_what_the_matrix_says() -> None:
    """Rows of a stochastic matrix; the slowest mode of a chain that cannot move is 1, and its pairs without a way are
    counted."""
    t = transitions(suffix(), line_model())
    assert t.K.sum(1) == pytest.approx(1.0)
    assert len(t.states) == len(t.pi) == 13
    assert 0 < t.relaxation < 1
    stuck = transitions(subprogram(), line_model())
    assert stuck.relaxation == pytest.approx(1.0)
    assert stuck.unreachable == 13 * 12
    assert not check_transitions(subprogram(), line_model()).passed


def test_any_call_is_a_model() -> None:
    """A program call is enough; an oracle model gives the same."""
    model = OracleModel.of(kinds(LM))
    assert (transitions(site("kind"), model).K == transitions(site("kind"), kinds(LM)).K).all()
