"""The page in a real browser: it works without a network, says nothing on the console, and can be used."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Browser, find_browser
from runs import HOSTILE, LM, smc, synthetic, tale

from steersman.inference import MH, SMC, Importance, infer, report, suffix


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = find_browser()
    if executable is None:
        pytest.skip("no Chromium or Chrome is installed")
    with Browser(executable) as running:
        yield running


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    """Opens the page of a posterior; afterwards nothing may have been complained of, nor asked of a network."""
    path = tmp_path / "page.html"

    def open_page(posterior: Any, **settings: Any) -> Browser:
        report(posterior, path)
        browser.open(path, **settings)
        return browser

    yield open_page
    assert browser.complaints == [] and browser.requests == [path.resolve().as_uri()]


def particle(browser: Browser) -> tuple[str, str]:
    """Heading and text of the particle that is shown."""
    read = "['particle-title', 'particle-text'].map((id) => document.getElementById(id).innerText)"
    heading, text = browser.run(read)
    return heading, text


def tokens(browser: Browser, selector: str = "#particle-text") -> str:
    """The tokens that an element shows, without the marks of ends of texts."""
    read = f"[...document.querySelectorAll('{selector} .tok')].map((e) => e.textContent).join('')"
    return str(browser.run(read)).replace("∎", "")


def place_of(browser: Browser, k: int, j: int) -> tuple[float, float]:
    """Where particle j of step k is in the window."""
    x, y = browser.run(
        f"(() => {{ tree.svg.scrollIntoView({{block: 'center'}}); tree.reveal({k}); const [x, y] = tree.at({k}, {j});"
        " const r = tree.svg.getBoundingClientRect(); return [r.left + x, r.top + y]; })()"
    )
    return x, y


def pixels(png: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """[height, width, channels] of a PNG of 8 bits a channel."""
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    assert depth == 8
    n, at, packed = {2: 3, 6: 4}[colour], 8, b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * n)
    out = np.zeros((height, width * n), np.uint8)
    above = np.zeros(width * n, np.uint8)
    for y, row in enumerate(rows):  # the filters of PNG (RFC 2083, section 6)
        kind, line = row[0], row[1:].copy()
        if kind == 2:
            line = line + above
        elif kind:
            for x in range(width * n):
                left, upper = (int(line[x - n]), int(above[x - n])) if x >= n else (0, 0)
                up = int(above[x])
                p = left + up - upper
                near = min((abs(p - left), 0, left), (abs(p - up), 1, up), (abs(p - upper), 2, upper))[2]
                line[x] = (int(line[x]) + (left, left, (left + up) // 2, near)[(1, 1, 3, 4).index(kind)]) % 256
        out[y] = above = line
    return out.reshape(height, width, n)


def test_a_click_shows_the_text_of_a_particle(page: Any) -> None:
    """Law: a particle that is clicked is the one that is shown, with the text that it had drawn by then; pointing at
    another shows that one as long as the pointer is there."""
    posterior = smc()
    tab = page(posterior)
    last = tab.run("steps.length - 1")
    slots = tab.run("steps[steps.length - 1].slot")
    for j in (0, len(slots) // 2, len(slots) - 1):
        tab.click(*place_of(tab, last, j))
        heading, _ = particle(tab)
        value = posterior.values[slots[j]]
        assert heading == f"Particle {slots[j]} at step {last}"
        assert value is None or tokens(tab) == value.replace("|", "")
    tab.click(*place_of(tab, 1, 2))
    heading, _ = particle(tab)
    assert heading == f"Particle {tab.run('steps[1].slot[2]')} at step 1" and tab.run("now") == 1
    assert tokens(tab) == tab.run("[0, 1].map((s) => steps[s].atoms[lineage(1, 2)[s]].filter((_, i) => i % 4 === 1)"
                                  ".filter((p) => p >= 0).map((p) => data.pieces[p]).join('')).join('')")
    rows = tab.run("document.getElementById('particle-rows').children.length")
    assert rows == 2
    x, y = place_of(tab, last, 0)
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    tab.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert particle(tab)[0] == f"Particle {slots[0]} at step {last}"
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=2, y=2)
    tab.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert particle(tab)[0] == heading


def test_arrow_keys_walk_the_genealogy(page: Any) -> None:
    """Law: left goes to the parent, right to a child, up and down to the neighbours."""
    tab = page(smc())
    tab.run("tree.svg.focus()")
    k, j = tab.run("picked")
    tab.press("ArrowLeft")
    assert tab.run("picked") == [k - 1, tab.run(f"steps[{k}].parent[{j}]")]
    k, j = tab.run("picked")
    tab.press("ArrowDown" if j == 0 else "ArrowUp")
    assert tab.run("picked") == [k, 1 if j == 0 else j - 1]
    tab.run(f"select({k}, {j})")
    tab.press("ArrowRight")
    k, j = tab.run("picked")
    assert tab.run(f"steps[{k}].parent[{j}]") == tab.run(f"lineage({k}, {j})[{k} - 1]") and k == tab.run("now")


def test_the_slider_shows_texts_as_they_grow(page: Any) -> None:
    """Law: at each step the texts are listed with their weights, and a text at a later step begins with one of an
    earlier; the slider is moved by its keys."""
    tab = page(smc())
    tab.run("document.getElementById('step').focus()")
    before = None
    for step in reversed(range(tab.run("steps.length"))):
        listed = tab.run("[...document.querySelectorAll('#texts li')].map((row) => [...row.querySelectorAll('.tok')]"
                         ".map((e) => e.textContent).join(''))")
        shares = tab.run("[...document.querySelectorAll('#texts .share > span:first-child')].map((e) => e.textContent)")
        assert tab.run("now") == step and f"step {step}" in tab.run("document.getElementById('step-name').textContent")
        assert len(listed) == len(shares)
        assert sum(float(s[:-2]) for s in shares if s != "dead") == pytest.approx(100, abs=1)
        assert before is None or all(any(later.startswith(text) for text in listed) for later in before)
        before = listed
        tab.press("ArrowLeft")


def test_play_runs_to_the_end(page: Any) -> None:
    """The play button goes from the first step to the last, and then waits again."""
    tab = page(infer(tale(LM, "b"), SMC(8), seed=1))
    assert tab.run("steps.length") == 2
    tab.click_on("#play")
    assert tab.run("document.getElementById('play').textContent") == "Pause" and tab.run("now") == 0
    tab.run("new Promise((done) => { const look = setInterval(() => {"
            " if (timer === null) { clearInterval(look); done(); } }, 20); })")
    assert tab.run("now === steps.length - 1") and tab.run("document.getElementById('play').textContent") == "Play"


def test_hostile_texts_stay_texts(page: Any) -> None:
    """Law: texts that look like HTML or end a script are shown as they are, everywhere, and run nothing."""
    posterior = replace(smc(nasty=True), killed={HOSTILE[1]: 3})
    tab = page(posterior)
    assert tab.run("typeof window.hacked") == "undefined" and tab.run("document.images.length") == 0
    best = posterior.mode()
    shown = tab.run("document.querySelector('.values .value').textContent")
    assert shown == best and "<" in best
    for k in range(tab.run("steps.length")):
        tab.run(f"goTo({k}); select({k}, 0)")
    listed = tokens(tab, "#texts")
    assert {h for h in HOSTILE[:-1] if h in listed} == set(HOSTILE[:-1]) and "\u202e" not in listed
    assert "⟨U+202E⟩" in listed
    assert tab.run("typeof window.hacked") == "undefined" and tab.run("document.querySelectorAll('script').length") == 2
    assert tab.run("document.querySelector('.counts th').textContent") == HOSTILE[1]


def test_a_large_run_is_quick(page: Any) -> None:
    """1,000 particles and 200 steps: there is something to see at every step, and no element for every particle."""
    tab = page(synthetic(1000, 200))
    assert tab.run("steps.length") == 200 and tab.run("document.querySelectorAll('*').length") < 30_000
    tab.run("goTo(100)")
    assert tab.run("document.querySelectorAll('#texts li').length") > 5
    tab.click(*place_of(tab, 150, 3))
    heading, text = particle(tab)
    assert heading.endswith("at step 150") and text.count("word") == 151


def test_chains_and_lists(page: Any) -> None:
    """Markov chains show the draw of every chain, and have no genealogy; weighted particles without one are listed."""
    posterior = infer(tale(LM, "b"), MH(3, 20, suffix()), seed=1)
    tab = page(posterior)
    assert tab.run("document.getElementById('tree').hidden") and not tab.run("document.getElementById('curves').hidden")
    tab.run("goTo(7)")
    for c in range(3):
        assert tokens(tab, f"#texts li:nth-child({c + 1})") == posterior.values[20 * c + 7].replace("|", "")
    particles = infer(tale(LM, "b"), Importance(30), seed=1)
    tab = page(particles)
    assert tab.run("document.getElementById('tree').hidden") and tab.run("document.querySelector('.controls').hidden")
    assert tokens(tab, "#texts li:nth-child(1)") == particles.mode().replace("|", "")


@pytest.mark.parametrize("scheme, width", [("light", 1100), ("dark", 1100), ("light", 380)])
def test_it_can_be_seen(page: Any, scheme: str, width: int) -> None:
    """Light and dark the page has the ground that was asked for, ink on it, and colour; nothing is wider than a narrow
    window, and labels of the curves do not overlap."""
    tab = page(smc(), scheme=scheme, width=width, height=700)
    seen = pixels(tab.screenshot(width=360, height=300))[:, :, :3].astype(int)
    ground = seen[2, 2].mean()
    assert ground > 230 if scheme == "light" else ground < 40
    assert (abs(seen.mean(2) - ground) > 100).mean() > 0.005 and (seen.max(2) - seen.min(2) > 60).any()
    assert tab.run("document.documentElement.scrollWidth <= window.innerWidth")
    boxes = tab.run("[...document.querySelectorAll('#curves text')].map((e) => { const r = e.getBoundingClientRect();"
                    " return [r.left, r.top, r.right, r.bottom]; })")
    for i, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[:i]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] + 2 or other[3] <= top + 2


def test_everything_has_a_name(page: Any) -> None:
    """What can be operated has a name for those who do not see it (Chromium's own accessibility tree)."""
    tab = page(smc())
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    roles = {n["role"]["value"] for n in nodes if not n.get("ignored")}
    assert {"button", "slider", "table", "heading", "application"} <= roles
    for node in nodes:
        if not node.get("ignored") and node["role"]["value"] in ("button", "slider", "application", "image"):
            assert node["name"]["value"].strip(), node
