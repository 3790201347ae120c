"""`reference`: the text of docs/language-reference.md, made of the grammar and the tables of built-ins.

    python -m steersman.ppl.language.reference > docs/language-reference.md
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from .building.expressions import DEPTH
from .building.statements import NESTING
from .layout import grammar_text
from .library import DISTRIBUTIONS, FUNCTIONS, MEMBERS, Builtin, Kind
from .limits import Limits
from .source import LONGEST

TITLE = "# The `.steer` language"
KINDS: dict[Kind, str] = {
    "model": "Language models", "context": "Contexts", "token": "Distributions of a token",
    "text": "Distributions of a text", "str": "Strings, and texts that were drawn", "list": "Lists", "dict": "Dicts",
    "constraint": "Constraints",
}
LIMITS = {
    "steps": "steps of evaluation", "iterations": "iterations of a loop", "string": "characters of a string",
    "items": "items of a list or dict", "recursion": "calls within calls", "digits": "digits of a whole number",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of the grammar file: text in Markdown, the lines of an example, and the rules."""

    text: str
    example: str
    rules: str


def sections() -> Iterator[Section]:
    """Those of the grammar file, up to its terminals."""
    rules, terminals = re.split(r"(?m)^// Terminals\..*$", grammar_text(), maxsplit=1)
    literals = _literals(terminals)
    text: list[str] = []
    example: list[str] = []
    grammar: list[str] = []
    for line in [*rules.split("\n"), "/// "]:
        if line.startswith("/// ") and (example or grammar):
            yield Section("\n".join(text), "\n".join(example), _readable("\n".join(grammar).strip("\n"), literals))
            text, example, grammar = [], [], []
        if line.startswith("/// "):
            text.append(line[4:])
        elif line.startswith("//>"):
            example.append(line[4:])
        elif line.strip() and not line.startswith("//"):
            grammar.append(line)


def _literals(terminals: str) -> dict[str, str]:
    """Terminals that are a few fixed strings."""
    found = re.findall(r'(?m)^([A-Z]+): ("[^"]+"(?: \| "[^"]+")*)$', terminals)
    return {name: text if " | " not in text else f"({text})" for name, text in found}


def _readable(rules: str, literals: dict[str, str]) -> str:
    """Without lark's marks: `-> alias`, `?rule`, `_rule`; fixed strings in the place of their names."""
    rules = re.sub(r" *-> *\w+", "", rules)
    rules = re.sub(r"(?m)^\?", "", rules)
    rules = re.sub(r"\b_(?=[A-Za-z])", "", rules)
    for name, text in literals.items():
        rules = re.sub(rf"\b{name}\b", text.replace("\\", r"\\"), rules)
    return re.sub(r'\((\([^()]*\))\)', r"\1", rules)


def signature(b: Builtin, owner: str = "") -> str:
    """`split(sep: str = ..., maxsplit: int = ...) -> list`; "..." stands for a default."""
    if b.property:
        return f"{owner}{b.name} -> {b.returns}"
    said: list[str] = []
    for i, a in enumerate(b.arguments):
        if a.keyword and (i == 0 or not b.arguments[i - 1].keyword):
            said.append("*")
        kinds = "" if "any" in a.kinds else ": " + " | ".join(a.kinds)
        default = "" if a.required else " = ..." if kinds else "=..."
        said.append(a.name + kinds + default)
    if b.variadic:
        said.append("...")
    return f"{owner}{b.name}({', '.join(said)}) -> {b.returns}"


def reference() -> str:
    """The whole reference as Markdown."""
    parts = [TITLE]
    for s in sections():
        parts.append(s.text)
        if s.example:
            parts.append(f"```steer\n{s.example}\n```")
        if s.rules:
            parts.append(f"```ebnf\n{s.rules}\n```")
    parts += ["## Built-in functions", _entries(sorted(FUNCTIONS.values(), key=lambda b: b.name)), "## Members"]
    for kind, title in KINDS.items():
        if kind in MEMBERS:
            parts += [f"### {title} (`{kind}`)", _entries(MEMBERS[kind].values(), ".")]
    parts += ["## Distributions",
              "Their names and parameters are those of NumPyro; what they draw becomes numbers and lists of numbers.",
              _entries(DISTRIBUTIONS[name] for name in sorted(DISTRIBUTIONS)), "## Limits", _limits()]
    return "\n\n".join(parts) + "\n"


def _entries(builtins: Iterable[Builtin], owner: str = "") -> str:
    return "\n".join(
        f"- `{signature(b, owner)}`: {b.doc}" + ("" if b.example is None else f" For example `{b.example}`.")
        for b in builtins
    )


def _limits() -> str:
    defaults = Limits()
    run = "; ".join(f"{getattr(defaults, f.name):,} {LIMITS[f.name]}" for f in fields(Limits))
    return (
        "A file beyond one of these is refused; a run beyond one ends with an error that names the limit and the line."
        "\n\n"
        f"- of a file: {LONGEST:,} characters; expressions {DEPTH} levels deep; blocks {NESTING} deep\n"
        f"- of a run: {run}"
    )


if __name__ == "__main__":
    print(reference(), end="")
