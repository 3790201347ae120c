"""Writing the page."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..posterior import Posterior


def report(posterior: Posterior, path: str | Path, *, title: str | None = None) -> None:
    """Write a posterior as one HTML file that needs no network: log Z, ESS and cost, the values with their
    probabilities, and, step by step, every particle with its text, its weight and its ancestors (of Markov chains: the
    draws and their density).

    Works for the posterior of every method, and for one that was read from a file; what a posterior does not hold is
    left out. Of large runs a part is drawn, and the page says which. title: of the page, by default program and method.
    The file is replaced only once it is complete.
    """
    path = Path(path)
    page = render(posterior, title)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(page, encoding="utf-8", errors="replace")
    partial.replace(path)


def render(posterior: Posterior, title: str | None = None) -> str:
    """The page as a string."""
    from . import facts
    from .ink import Ink
    from .population import population
    from .sweeps import sweeps

    ink = Ink()
    data, left_out = (population if posterior.chains is None else sweeps)(posterior, ink)
    data |= {"places": ink.places, "pieces": ink.pieces}
    lines = left_out + ([f"The run was stopped: {posterior.stopped}."] if posterior.stopped else [])
    style, script = _asset("page.css"), "".join(_asset(name) for name in _SCRIPTS)
    if title is None:
        title = " · ".join(filter(None, [posterior.program, posterior.method]))
    return fill(_asset("page.html"), {
        "title": escape(title), "style_hash": _hash(style), "script_hash": _hash(script), "style": style,
        "script": script, "data": embed(data), "facts": facts.facts(posterior), "values": facts.values(posterior),
        "killed": facts.counts("Particles killed, by site", posterior.killed), "moves": facts.moves(posterior),
        "notes": facts.notes(lines), "view": data["view"],
    })


_SCRIPTS = ("story.js", "curves.js", "tree.js", "page.js")


def embed(data: dict[str, Any]) -> str:
    """JSON that is safe inside a script element: ASCII alone, and without the characters that could end it."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def fill(template: str, parts: dict[str, str]) -> str:
    """Replace every {{name}} once, in one pass, so that what is filled in is not read again."""
    pieces = template.split("{{")
    out = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        out += [parts[name], rest]
    return "".join(out)


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What the content security policy of the page knows its own style and script by."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
