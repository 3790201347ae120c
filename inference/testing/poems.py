"""Oracle models for Markov chains: texts that grow, shrink and stop, and a number of texts that is itself a choice.

A few dozen executions each, so that the whole transition matrix of a move can be computed. What a move gets wrong shows
here: the ends of texts (end-of-text token, stop string, length limit), densities under a proposal, the number of
choices, and kept lines whose density depends on the lines before them.
"""

from __future__ import annotations

from typing import Any

from steersman.models import TableLM
from steersman.ppl.effects import factor, sample, unfold
from steersman.ppl.program import program
from steersman.ppl.text import Text

from .models import OracleModel, Statistic, sentence_model, stanza_model

Lines = tuple[Text, ...]


@program
async def line(lm: TableLM, draft: TableLM, how: str) -> Text:
    """One text with a stop string, an end-of-text token and a length limit; long and stopped ones are wanted."""
    target = lm.text("a", stop="ba", max_tokens=3)
    proposal: Any = None
    if how == "proposal":
        proposal = draft.text("b", max_tokens=3, temperature=1.4)
    elif how == "favoured":
        proposal = target.favouring("ab", 1.5)
    text: Text = await sample(target, "line", proposal=proposal)
    await factor({"stop": 1.4, "eos": -0.9, "length": 0.5}[text.finish], "end")
    await factor(0.9 * str(text).count("b") - 1.2 * text.startswith("a"), "letters")
    return text


@program
async def poem(lm: TableLM, form: str) -> Lines:
    """None, one or two lines: first their number is drawn, then the lines, each after the one before."""
    count = await sample(lm.next("b"), "count")
    lines: Lines = ()
    if form == "unfold":
        lines = await unfold(_NextLine(lm), (), lambda state: len(state) == count, "lines")
    else:
        for _ in range(count):
            if form == "flat":
                text = await sample(_after(lm, lines), "line")
                await factor(_taste(lines, text), "taste")
            else:
                text = await verse(lm, lines)
            lines = (*lines, text)
    await factor((0.2, -0.4, 1.1)[count], "number")
    return lines


@program
async def verse(lm: TableLM, lines: Lines) -> Text:
    text: Text = await sample(_after(lm, lines), "line")
    await factor(_taste(lines, text), "taste")
    return text


class _NextLine:
    def __init__(self, lm: TableLM) -> None:
        self.lm = lm

    async def __call__(self, lines: Lines) -> Lines:
        return (*lines, await verse(self.lm, lines))


def _after(lm: TableLM, lines: Lines) -> Any:
    context = lm.context("a")
    for text in lines:
        context = context + text
    return context.lm.text(context, stop="b", max_tokens=2)


def _taste(lines: Lines, text: Text) -> float:
    """Lines that differ from the one before, and are long."""
    return 0.7 * len(text.tokens) - (1.6 if lines and str(lines[-1]) == str(text) else 0.0)


@program
async def tree(lm: TableLM, depth: int) -> Any:
    """A node draws how many branches it has, and each branch is a tree, so that a sub-program's choice decides how many
    sub-programs there are. A tree is the tuple of its branches; at depth 0 nothing is left to choose."""
    if depth == 0:
        return ()
    count = await sample(lm.next("a" * depth), "branches")
    branches = []
    for _ in range(count):
        branches.append(await tree(lm, depth - 1))
        await factor(0.8 if len(branches[-1]) == len(branches) else -0.5, "shape")
    await factor((0.6, -0.3, -0.9)[count], "cost")
    return tuple(branches)


@program
async def grove(lm: TableLM) -> Any:
    return await tree(lm, 2)


def line_statistics() -> dict[str, Statistic]:
    return {
        "tokens": lambda v: float(len(v.tokens)),
        "empty": lambda v: float(not str(v)),
        "stopped": lambda v: float(v.finish == "stop"),
        "ended": lambda v: float(v.finish == "eos"),
        "a": lambda v: float(str(v).count("a")),
        "b": lambda v: float(str(v).count("b")),
        "begins with b": lambda v: float(v.startswith("b")),
    }


def tree_statistics() -> dict[str, Statistic]:
    return {
        "branches": lambda v: float(len(v)),
        "none": lambda v: float(not v),
        "twigs": lambda v: float(sum(map(len, v))),
        "first": lambda v: float(len(v[0]) if v else -1),
        "last": lambda v: float(len(v[-1]) if v else -1),
        "even": lambda v: float(len(v) == 2 and len(v[0]) == len(v[1])),
        "bare": lambda v: float(sum(not branch for branch in v)),
    }


def poem_statistics() -> dict[str, Statistic]:
    return {
        "lines": lambda v: float(len(v)),
        "none": lambda v: float(not v),
        "tokens": lambda v: float(sum(len(text.tokens) for text in v)),
        "first": lambda v: float(len(v[0].tokens) if v else -1),
        "last": lambda v: float(len(v[-1].tokens) if v else -1),
        "stopped": lambda v: float(sum(text.finish == "stop" for text in v)),
        "ended": lambda v: float(sum(text.finish == "eos" for text in v)),
        "repeated": lambda v: float(len(v) == 2 and str(v[0]) == str(v[1])),
    }


def line_model(how: str = "prior", *, seed: int = 21) -> OracleModel:
    """One text, drawn from its own model ("prior"), from another at another temperature ("proposal"), or with a phrase
    favoured ("favoured"); the target is the same. 13 executions."""
    lm, draft = (TableLM.random(3, seed=seed + i, scale=0.8) for i in range(2))
    return OracleModel(f"line/{how}", lambda wrap: line(wrap(lm), wrap(draft), how), line_statistics())


def poem_model(form: str = "flat", *, seed: int = 23) -> OracleModel:
    """A number of texts that is drawn first, in one scope ("flat"), in sub-programs ("sub") or an `unfold` ("unfold").
    31 executions."""
    lm = TableLM.random(3, seed=seed, scale=0.8)
    return OracleModel(f"poem/{form}", lambda wrap: poem(wrap(lm), form), poem_statistics())


def tree_model(*, seed: int = 29) -> OracleModel:
    """A tree of sub-programs whose number is chosen inside them. 13 executions."""
    lm = TableLM.random(3, seed=seed, scale=0.8)
    return OracleModel("tree", lambda wrap: grove(wrap(lm)), tree_statistics())


def chain_models() -> list[OracleModel]:
    """Models small enough for transition matrices: what a new Markov kernel should be tried on."""
    return [
        *(sentence_model(how, seed=10, length=3, vocab_size=3) for how in ("prior", "proposal", "twist")),
        *(line_model(how) for how in ("prior", "proposal", "favoured")),
        *(poem_model(form) for form in ("flat", "sub", "unfold")),
        tree_model(),
        stanza_model("sub"),
    ]
