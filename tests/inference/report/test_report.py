"""The page that `report` writes: what is in it, for every method and for every size."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import HOSTILE, LM, NASTY, smc, synthetic, tale

from steersman.inference import (
    MH,
    SMC,
    BestOf,
    Enumerate,
    Importance,
    NestedSampling,
    ParallelTempering,
    ParticleGibbs,
    Posterior,
    QuasiRejection,
    Rejection,
    TemperedSMC,
    anneal,
    infer,
    report,
    suffix,
)
from steersman.inference.report.choose import choose
from steersman.inference.report.ink import Ink
from steersman.inference.report.limits import ATOMS, COLUMN, NODES
from steersman.inference.report.write import embed, render
from steersman.models import TableLM
from steersman.models.tokenizer import SymbolTokenizer
from steersman.ppl import Budget, factor, program, sample
from steersman.ppl.errors import AllParticlesDead


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found is not None
    data: dict[str, Any] = json.loads(found.group(1))
    return data


def spelt(data: dict[str, Any], story: list[int]) -> str:
    """The tokens among atoms."""
    atoms = np.array(story, int).reshape(-1, 4)
    return "".join(data["pieces"][a[1]] for a in atoms if data["places"][a[0]][1] == "text" and a[1] >= 0)


def texts(data: dict[str, Any], k: int) -> list[str]:
    """The tokens of the lineage of every particle of step k, as the page reads them."""
    out = []
    for j in range(len(data["steps"][k]["slot"])):
        parts, at = [], j
        for s in range(k, -1, -1):
            step = data["steps"][s]
            parts.append(spelt(data, step["atoms"][at]))
            if at in step["anew"] or not s:
                break
            at = step["parent"][at]
        out.append("".join(reversed(parts)))
    return out


def test_the_texts_of_the_page_are_those_of_the_run() -> None:
    """Law: the pieces of a lineage, put together, are the text of its final particle."""
    posterior = smc()
    data = data_of(render(posterior))
    last = len(data["steps"]) - 1
    assert posterior.genealogy is not None and last == len(posterior.genealogy) - 1 > 2
    told = texts(data, last)
    for j, slot in enumerate(data["steps"][last]["slot"]):
        value = posterior.values[slot]
        assert value is None or value.replace("|", "") == told[j]
    assert sum(v is not None for v in posterior.values) > 3


def test_gains_add_up_to_weights() -> None:
    """Law: between resamplings, an unnormalised weight is the product of what a lineage gained; here it never is
    resampled, so that all gains of a lineage add up to N times its weight times Zhat."""
    posterior = infer(tale(LM, "b"), SMC(16, ess_threshold=0.0, resample_at="token"), seed=2)
    steps = data_of(render(posterior))["steps"]
    for j, slot in enumerate(steps[-1]["slot"]):
        total, at = 0.0, j
        for k in range(len(steps) - 1, -1, -1):
            gain = steps[k]["gain"][at]
            total = -np.inf if gain is None else total + gain
            at = steps[k]["parent"][at] if k else at
        if posterior.traces[slot] is not None:
            assert total == pytest.approx(posterior.log_weights[slot] + np.log(16), abs=0.01)


def test_no_lines_cross() -> None:
    """Law: the parents of the particles of a step, in the order drawn, never decrease."""
    genealogy = smc().genealogy
    assert genealogy is not None
    drawn = choose(genealogy)
    for parents in drawn.parents[1:]:
        assert (np.diff(parents) >= 0).all()


@pytest.mark.parametrize("N, T", [(1000, 200), (40, 3000), (5000, 3), (2000, 1)])
def test_large_runs_are_bounded(N: int, T: int, tmp_path: Path) -> None:
    """Law: what is drawn and the size of the file have limits, the drawn particles are closed under ancestry with the
    heaviest among them, and the page says what is left out."""
    posterior = synthetic(N, T)
    report(posterior, tmp_path / "large.html")
    page = (tmp_path / "large.html").read_text(encoding="utf-8")
    data = data_of(page)
    steps = data["steps"]
    assert len(page) < 3_000_000 and sum(len(s["slot"]) for s in steps) <= max(NODES, 2 * len(steps))
    assert all(len(s["slot"]) <= COLUMN for s in steps) and sum(len(a) for s in steps for a in s["atoms"]) <= 4 * ATOMS
    assert steps[0]["t"] == 0 and steps[-1]["t"] == T - 1 and len(data["curves"]["t"]) <= 2000
    assert int(np.argmax(posterior.weights)) in steps[-1]["slot"]
    genealogy = posterior.genealogy
    assert genealogy is not None
    for before, step in pairwise(steps):
        lines = genealogy.ancestors(before["t"], step["t"])
        assert [before["slot"][j] for j in step["parent"]] == lines[step["slot"]].tolist()
        between = step["t"] - before["t"]
        assert all(len(atoms) == 4 * between for atoms in step["atoms"])
    assert ("particles are drawn at each step" in page) == (T > 1 and max(len(s["slot"]) for s in steps) < N)
    assert ("particles that weigh most are listed" in page) == (T == 1)
    assert ("steps are drawn, evenly spaced" in page) == (T > 240)


def test_long_texts_are_bounded() -> None:
    """Law: many tokens a step leave room for fewer particles."""
    data = data_of(render(synthetic(100, 15, atoms=90)))
    held = sum(len(a) for s in data["steps"] for a in s["atoms"]) // 4
    assert held <= ATOMS and all(len(s["slot"]) >= 2 for s in data["steps"])


class Tags(HTMLParser):
    """The elements of a page, and its attributes that could load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [name for name, _ in attrs if name in ("src", "href", "style", "srcset") or name[:2] == "on"]


def test_hostile_texts_are_harmless() -> None:
    """Law: whatever a model writes, the page has the same elements, loads nothing, and its data reads back exactly."""
    posterior = replace(smc(nasty=True), program="<script>alert(1)</script>", killed={"</table><script>": 2})
    page = render(posterior, title="</title><script>alert(2)</script>")
    tags = Tags()
    tags.feed(page)
    assert tags.tags.count("script") == 2 and "img" not in tags.tags and "b" not in tags.tags and not tags.loads
    assert set(HOSTILE) & {v for text in texts(data_of(page), 0) for v in HOSTILE if v in text}
    block = page[page.index('id="data">') : page.rindex("<script>")]
    assert block.isascii() and block.count("<") == 1 and "\u2028" not in page[page.index('id="data">') :]
    assert json.loads(embed({"x": list(HOSTILE)})) == {"x": list(HOSTILE)}
    assert "http" not in re.sub(r"http://www.w3.org/2000/svg|http-equiv", "", page)


def test_characters_spread_over_tokens_are_whole() -> None:
    """Law: a character whose bytes are several tokens is written by the last of them; one that is never finished reads
    as U+FFFD. Bytes of one lineage never meet those of another."""

    class Bytes(SymbolTokenizer):
        def __init__(self) -> None:
            super().__init__(["", "a", "b"], (0,))
            self.token_bytes = (b"", *[bytes([x]) for x in "é".encode()])

    from steersman.inference.posterior.atoms import Atom, Place

    place = Place("text", "text", 0)
    pieces = [Atom(place, b, -1.0, -1.0) for b in Bytes().token_bytes[1:]]
    ink = Ink()
    first, pending = ink.write(pieces[:1])
    second, _ = ink.write(pieces[1:], pending)
    assert [ink.pieces[first[1]], ink.pieces[second[1]]] == ["", "é"]
    other, _ = ink.write([pieces[0], Atom(Place("next", "text", 0), b"x", -1.0, -1.0)])
    assert [ink.pieces[i] for i in other[1::4]] == ["\ufffd", "x"]


@program
async def numbers() -> float:
    from steersman.ppl.dist import Normal

    x = await sample(Normal(0.0, 1.0), "x")
    await factor(-abs(x), "small")
    return float(x)


METHODS: dict[str, Any] = {
    "importance": Importance(20), "rejection": Rejection(10), "enumerate": Enumerate(), "best": BestOf(4, draws=12),
    "quasi": QuasiRejection(5, log_beta=2.0), "tempered": TemperedSMC(12, suffix()), "mh": MH(3, 20, suffix()),
    "gibbs": ParticleGibbs(4, 6), "nested": NestedSampling(12, suffix(), steps=4),
    "annealed": MH(2, 10, suffix(), anneal=anneal(1, 5)),
    "parallel": ParallelTempering([0.5, 1.0], 8, suffix()), "expanded": SMC(6, expand=2),
    "moved": SMC(12, rejuvenate=suffix(), ess_threshold=1.0),
}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_report(name: str, tmp_path: Path) -> None:
    """Law: every posterior has a page that names its program, method and most probable value, and so has what is left
    of it in a file."""
    method = METHODS[name]
    call = likely(LM) if name in ("rejection", "quasi", "enumerate") else tale(LM, "b")
    posterior = infer(call, method, seed=1)
    posterior.report(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    data = data_of(page)
    assert posterior.method.split("(")[0] in page and str(call.name) in page
    assert posterior.best().value if name == "annealed" else posterior.mode() in page
    assert data["view"] == ("chains" if posterior.chains is not None else "population") and data["steps"]
    posterior.save(tmp_path / "saved.json")
    again = render(Posterior.load(tmp_path / "saved.json"))
    assert str(call.name) in again and data_of(again)["steps"]


@program
async def likely(lm: TableLM) -> str:
    text = await sample(lm.text("", max_tokens=4), "text")
    await factor(-0.2 * text.count("b"), "b")
    return str(text)


def test_values_that_are_no_texts() -> None:
    """Numbers are shown as choices with their value."""
    page = render(infer(numbers(), Importance(5), seed=1))
    data = data_of(page)
    assert ["x", "sample"] in data["places"] and ["small", "factor"] in data["places"]


def test_chains_show_draws_and_moves() -> None:
    """Draws of a chain that stayed where it was are not written again; every other text is there."""
    posterior = infer(tale(LM, "b"), MH(2, 30, suffix()), seed=1)
    page = render(posterior)
    data = data_of(page)
    assert len(data["steps"]) == 30 and len(data["curves"]["log_p"]) == 2 and "Accepted moves" in page
    for c in range(2):
        told = ""
        for d, step in enumerate(data["steps"]):
            if step["atoms"][c] is not None:
                told = spelt(data, step["atoms"][c])
            assert told == posterior.values[30 * c + d].replace("|", "")
    assert any(step["atoms"][0] is None for step in data["steps"])


def test_what_is_missing_is_left_out(tmp_path: Path) -> None:
    """No part of a posterior is needed: no history, no genealogy, no particle, a run that was stopped or died."""
    posterior = smc()
    page = render(replace(posterior, history=None))
    assert "was not recorded" in page and any(texts(data_of(page), len(data_of(page)["steps"]) - 1))
    assert data_of(render(replace(posterior, history=None, genealogy=None)))["steps"]
    empty = Posterior([], np.empty(0), -np.inf, np.nan, posterior.cost, "nothing")
    assert data_of(render(empty))["view"] == "empty"
    stopped = infer(tale(LM, "b"), SMC(8, resample_at="token"), seed=1, budget=Budget(tokens=20))
    assert "The run was stopped: budget" in render(stopped)
    with pytest.raises(AllParticlesDead) as caught:
        infer(tale(LM, "z"), SMC(8), seed=1)
    caught.value.posterior.report(tmp_path / "dead.html", title="What went wrong")
    dead = (tmp_path / "dead.html").read_text(encoding="utf-8")
    assert "<title>What went wrong</title>" in dead and "Particles killed, by site" in dead and "needle" in dead


def test_lone_surrogates_can_be_written(tmp_path: Path) -> None:
    """A value that has no bytes is written with a mark in its place."""
    posterior = smc()
    trace = next(t for t in posterior.traces if t is not None)
    odd = type(trace)(trace.program, trace.sites(), "\ud800 odd")
    report(replace(posterior, traces=[odd] * len(posterior)), tmp_path / "odd.html")
    assert "? odd" in (tmp_path / "odd.html").read_text(encoding="utf-8")


def test_the_same_run_has_the_same_page() -> None:
    """Law: a page is a function of the posterior."""
    assert render(smc()) == render(smc()) and NASTY.vocab_size == len(HOSTILE) + 1
