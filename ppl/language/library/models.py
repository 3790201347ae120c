"""Models, contexts, and the distributions of tokens and texts: their members, and the functions of them.

They come from whoever runs the program. `ppl` knows only the names that are called here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..containers import Items, items
from ..kinds import Function, described
from ..limits import Meter
from ..operators import bounded
from ..problems import OverLimit, Problem
from .masks import mask_where
from .registry import function, keyword, may, member, needs
from .signature import Kind

_PROMPT: tuple[Kind, ...] = ("str", "context")


@member("model", "context", may("text", "str"), metered=True)
def context(meter: Meter, lm: Any, text: str = "") -> Any:
    """The context that holds a text, for a story to go on from."""
    meter.charge(1 + len(text) // 4)
    return bounded(meter, lm.context(text))


@member("model", "token", needs("context", *_PROMPT), keyword("temperature", "float"), metered=True)
def next_(meter: Meter, lm: Any, context: Any, temperature: float | None = None) -> Any:
    """The distribution of the next token."""
    _prompt(meter, context)
    return lm.next(context) if temperature is None else lm.next(context, temperature=temperature)


@member(
    "model", "text", needs("prompt", *_PROMPT), keyword("stop", "str", "list", "none"),
    keyword("max_tokens", "int", required=True), keyword("temperature", "float"),
    keyword("where", "constraint", "none"), metered=True,
)
def text(
    meter: Meter, lm: Any, prompt: Any, *, stop: str | Items | None = None, max_tokens: int,
    temperature: float | None = None, where: Any = None,
) -> Any:
    """The distribution of a text that goes on from a prompt, up to a stop string, its end, or max_tokens tokens."""
    _prompt(meter, prompt)
    _bounded("text", meter, max_tokens)
    stops = list(stop) if isinstance(stop, Items) else stop
    meter.charge(0 if stop is None else len(stop))
    more: dict[str, Any] = {} if temperature is None else {"temperature": temperature}
    return lm.text(prompt, stop=stops, max_tokens=max_tokens, where=where, **more)


@member(
    "model", "text", needs("prompt", *_PROMPT), keyword("max_tokens", "int"), keyword("temperature", "float"),
    keyword("where", "constraint", "none"), metered=True,
)
def word(
    meter: Meter, lm: Any, prompt: Any, *, max_tokens: int = 8, temperature: float | None = None, where: Any = None
) -> Any:
    """The distribution of the next word, with the space before it; .stop is the character behind it."""
    _prompt(meter, prompt)
    _bounded("word", meter, max_tokens)
    more: dict[str, Any] = {} if temperature is None else {"temperature": temperature}
    return lm.word(prompt, max_tokens=max_tokens, where=where, **more)


@member("model", "float", needs("prompt", *_PROMPT), needs("text", "str"), effect=True, metered=True)
def score(meter: Meter, lm: Any, prompt: Any, text: str) -> Any:
    """log p(text given prompt) in nats, in one pass."""
    _prompt(meter, prompt)
    meter.charge(1 + len(text) // 4)
    if not hasattr(type(lm), "score"):
        raise Problem("kind", "score: a product of models has no score", "score with each of them and add")
    lm.tokens_of(text)  # what it cannot spell is reported here, with its place
    return lm.score(prompt, text)


@member("model", "mask", needs("test", "function"), may("more"), variadic=True, metered=True)
def tokens_where(meter: Meter, lm: Any, test: Function, *more: Any) -> Any:
    """The tokens whose text a def accepts, test(piece, ...), as a mask: mask[token] is true or false."""
    return mask_where(meter, lm, test, more)


@member("model", "mask", needs("tokens", "list"), metered=True)
def tokens_in(meter: Meter, lm: Any, tokens: Items) -> Any:
    """The mask of a list of tokens."""
    meter.charge((len(tokens) + lm.vocab_size // 64) // 16)
    mask = np.zeros(lm.vocab_size, np.bool_)
    for token in _tokens("tokens_in", tokens):
        if not 0 <= token < lm.vocab_size:
            raise Problem("value", f"tokens_in: a token of this model is a number below {lm.vocab_size:,}, not {token}")
        mask[token] = True
    return mask


@member("model", "list", needs("text", "str"), metered=True)
def encode(meter: Meter, lm: Any, text: str) -> Items:
    """The tokens of a text."""
    meter.charge(1 + len(text) // 4)
    return items(map(int, lm.tokenizer.encode(text)), meter.limits)


@member("model", "list", property=True, metered=True)
def eos(meter: Meter, lm: Any) -> Items:
    """The tokens that end a text."""
    return items(sorted(lm.eos), meter.limits)


@member("context", "list", property=True, metered=True)
def tokens(meter: Meter, context: Any) -> Items:
    """The tokens of a context."""
    return items(context.each[0].tokens, meter.limits)


@member("token", "token", needs("allowed", "mask", "list"), metered=True)
def masked(meter: Meter, token: Any, allowed: Any) -> Any:
    """The same among the allowed tokens only (a mask, or a list of tokens)."""
    meter.charge(len(allowed) // (16 if isinstance(allowed, Items) else 1024))
    if isinstance(allowed, Items):
        _tokens("masked", allowed)
    return _can("masked", token).masked(allowed)


@member("token", "token", needs("temperature", "float"))
def tempered(token: Any, temperature: float) -> Any:
    """The same at a temperature: sharper below 1, flatter above."""
    return _can("tempered", token).tempered(temperature)


@member("text", "text", needs("phrase", "str"), may("boost", "float"))
def favouring(text: Any, phrase: str, boost: float = 4.0) -> Any:
    """A proposal that favours a phrase by boost nats a token: x ~ text using text.favouring(" dog")."""
    return _can("favouring", text).favouring(str(phrase), boost)


@member("text", "text", property=True)
def proposal(text: Any) -> Any:
    """What a text under a constraint (or a product) is drawn from: as a target it is what masks alone give."""
    return _can("proposal", text).proposal


@member("text", "text", needs("constraint", "constraint"))
def where(text: Any, constraint: Any) -> Any:
    """The text conditioned on a constraint."""
    return _can("where", text).where(constraint)


@function("any", needs("base", "model", "token", "text"), needs("exponent", "float"))
def power(base: Any, exponent: float) -> Any:
    """A model (or a token, or a text) to a power: power(lm, 4) prefers texts that are likely as a whole."""
    return base**exponent


@function("float", needs("name", "str"), needs("items"), variadic=True, effect=True, metered=True)
def reward(meter: Meter, name: str, *items: Any) -> Any:
    """The score that the reward of this name, which the runner provides, gives to a text."""
    # Modules put theirs in its place.
    raise Problem("unknown-reward", f"there is no reward {name[:40]!r}", "the runner provides none")


def _prompt(meter: Meter, prompt: Any) -> None:
    meter.charge(1 + len(prompt) // (4 if isinstance(prompt, str) else 256))


def _bounded(what: str, meter: Meter, max_tokens: int) -> None:
    if max_tokens > meter.limits.items:
        raise OverLimit("items", meter.limits.items, f"{what}: max_tokens={max_tokens} is too large")


def _tokens(what: str, tokens: Items) -> Items:
    for token in tokens:
        if isinstance(token, bool) or not isinstance(token, int):
            raise Problem("kind", f"{what}: a token is a whole number, not {described(token)}",
                          "lm.encode(text) gives the tokens of a text")
    return tokens


def _can(name: str, value: Any) -> Any:
    if not hasattr(type(value), name):
        raise Problem("kind", f"this distribution has no .{name}")
    return value
