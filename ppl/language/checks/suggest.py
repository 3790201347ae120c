"""What a name that does not exist was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# Words of other languages and libraries, which no measure of spelling would find.
ALIASES = {
    "Gaussian": "Normal", "gaussian": "Normal", "norm": "Normal", "N": "Normal", "Unif": "Uniform", "Flip": "Bernoulli",
    "flip": "Bernoulli", "coin": "Bernoulli", "MvNormal": "MultivariateNormal", "Student": "StudentT", "T": "StudentT",
    "RandInt": "DiscreteUniform", "randint": "DiscreteUniform", "NegBinomial": "NegativeBinomial2", "Dirac": "Delta",
    "PointMass": "Delta", "Discrete": "Categorical", "llm": "lm", "model": "lm", "LM": "lm", "length": "len",
    "size": "len", "string": "str", "integer": "int", "number": "float", "array": "list", "double": "float",
    "boolean": "bool", "pattern": "regex", "schema": "json_schema", "json": "json_schema", "one_of": "choice",
    "oneof": "choice", "options": "choice", "syllable_count": "syllables", "count_syllables": "syllables",
    "word_count": "words_of", "sentences": "sentences_of",
}
NOTES = {
    "print": "a program prints nothing: return the value", "input": "make it a parameter of the program",
    "open": "programs read no files: make the text a parameter", "random": "draw it: x ~ Uniform(0, 1)",
    "re": 'write regex(r"...") for a constraint', "math": "the functions stand alone: exp(x), log(x), sqrt(x)",
    "np": "lists and numbers are enough here: there is no NumPy", "self": "there are no classes: use parameters",
    "sample": "write x ~ Normal(0, 1)", "Exception": "there are no exceptions: write condition False",
}
MEMBER_ALIASES = {
    "generate": "text", "sample": "text", "complete": "text", "completion": "text", "continue_": "text",
    "generate_text": "text", "next_token": "next", "token": "next", "logprob": "score", "log_prob": "score",
    "log_p": "score", "logp": "score", "loglikelihood": "score", "prompt": "context", "ctx": "context",
    "size": "len", "lowercase": "lower", "uppercase": "upper", "to_lower": "lower", "toLowerCase": "lower",
    "to_upper": "upper", "toUpperCase": "upper", "trim": "strip", "starts_with": "startswith",
    "startsWith": "startswith", "ends_with": "endswith", "endsWith": "endswith", "finished": "finish",
    "finish_reason": "finish", "stop_reason": "finish", "reason": "finish", "stopped": "stop",
    "favoring": "favouring", "favor": "favouring", "favour": "favouring", "mask": "masked", "constrain": "where",
    "constrained": "where", "next_word": "word",
}


def meant(name: str, known: Iterable[str], aliases: dict[str, str] = ALIASES) -> str | None:
    """A hint, "did you mean 'x'?", or None where nothing known is near."""
    there = sorted(set(known))
    if aliases.get(name) in there:
        return f"did you mean {aliases[name]!r}?"
    near = difflib.get_close_matches(name, there, 1, 0.6)
    if not near:
        folded = {k.lower(): k for k in there}
        near = [folded[n] for n in difflib.get_close_matches(name.lower(), sorted(folded), 1, 0.75)]
    return f"did you mean {near[0]!r}?" if near else None


def listed(names: Iterable[str], limit: int = 12) -> str:
    """The names there are, as words: 'a', 'b' and 3 more."""
    there = sorted(set(names))
    shown = [repr(name) for name in there[:limit]]
    if len(there) > limit:
        shown.append(f"{len(there) - limit} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
