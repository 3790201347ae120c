"""Random straight-line functions: every expression in them is evaluated, so what is wrong in one fails as it runs."""

from __future__ import annotations

from random import Random

from steersman.ppl.language.library import FUNCTIONS, MEMBERS

_LITERALS = {
    "int": ("0", "1", "2", "3"), "float": ("0.5", "2.0", "1e-3"), "str": ('"a"', '"b c"', "''", '"3"'),
    "bool": ("True", "False"), "none": ("None",), "list": ("[1, 2]", '["a", "b"]', "[]", "[[1, 2], [3, 4]]"),
    "dict": ('{"a": 1}', "{}"), "constraint": ('regex("a+")', 'choice(["a", "b"])'), "model": ("lm",),
    "context": ('lm.context("a")',), "token": ('lm.next("a")',), "text": ('lm.text("a", max_tokens=2)',),
    "distribution": ("Normal(0, 1)", "Bernoulli(0.5)"), "mask": ("lm.tokens_where(accept)",), "function": ("accept",),
}
_OPERATORS = ("+", "-", "*", "/", "//", "%", "**", "&", "|")
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in", "not in")
_SLOW = {"grammar", "json_schema", "words", "substring", "predicate", "syllables"}
_CALLED = {name: b for name, b in FUNCTIONS.items() if not b.effect and name not in _SLOW}
_OWNED = [(kind, name, b) for kind, members in MEMBERS.items() for name, b in members.items() if not b.effect]
ACCEPT = 'def accept(piece):\n    return piece != ""\n\n'


class Maker:
    """sane: how likely an operand is of a kind that fits."""

    def __init__(self, random: Random, sane: float) -> None:
        self.random, self.sane = random, sane
        self.variables: list[str] = []

    def function(self) -> str:
        """The source of `f()`, and of what it calls."""
        lines = []
        for k in range(self.random.randint(1, 4)):
            lines.append(f"    x{k} = {self.expression(2)}\n")
            self.variables.append(f"x{k}")
        kept = ", ".join(self.variables)
        return f"{ACCEPT}def f():\n{''.join(lines)}    return len([{kept}])\n"

    def expression(self, depth: int) -> str:
        choose = self.random.random()
        if depth == 0 or choose < 0.15:
            return self.leaf()
        if choose < 0.3:
            return f"({self.expression(depth - 1)} {self.random.choice(_OPERATORS)} {self.expression(depth - 1)})"
        if choose < 0.4:
            return f"({self.expression(depth - 1)} {self.random.choice(_COMPARISONS)} {self.expression(depth - 1)})"
        if choose < 0.45:
            return f"({self.random.choice(('-', 'not '))}{self.expression(depth - 1)})"
        if choose < 0.5:
            return f"{self.expression(depth - 1)}[{self.expression(depth - 1)}]"
        if choose < 0.55:
            return f"{self.expression(depth - 1)}[{self.expression(depth - 1)}:]"
        if choose < 0.6:
            return f'"{{{self.leaf(quiet=True)}}}"'
        if choose < 0.65:
            return f"[{self.expression(depth - 1)}, {self.expression(depth - 1)}]"
        if choose < 0.7:
            return f"[v for v in {self.expression(depth - 1)}]"
        if choose < 0.85:
            return self.call(depth)
        return self.member(depth)

    def leaf(self, quiet: bool = False) -> str:
        if quiet or (self.variables and self.random.random() < 0.4):
            return self.random.choice(self.variables or ["1"])
        return self.random.choice(_LITERALS[self.random.choice(list(_LITERALS))])

    def call(self, depth: int) -> str:
        name = self.random.choice(list(_CALLED))
        return f"{name}({self.arguments(_CALLED[name], depth)})"

    def member(self, depth: int) -> str:
        kind, name, builtin = self.random.choice(_OWNED)
        owner = self.random.choice(_LITERALS[kind]) if self.random.random() < self.sane else self.expression(depth - 1)
        owner = f"({owner})" if owner[0].isdigit() else owner
        return f"{owner}.{name}" if builtin.property else f"{owner}.{name}({self.arguments(builtin, depth)})"

    def arguments(self, builtin: object, depth: int) -> str:
        given = []
        for argument in builtin.arguments:  # type: ignore[attr-defined]
            if not argument.required and self.random.random() < 0.6:
                if argument.keyword:
                    continue
                break
            kind = self.random.choice(argument.kinds)
            fits = kind != "any" and self.random.random() < self.sane
            value = self.random.choice(_LITERALS[kind]) if fits else self.expression(depth - 1)
            given.append(f"{argument.name}={value}" if argument.keyword else value)
        if self.random.random() > self.sane and self.random.random() < 0.3:
            given = given[:-1] if self.random.random() < 0.5 else ["1", *given]
        return ", ".join(given)
