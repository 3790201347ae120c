"""Random programs, most of them wrong: every built-in and operator with what mostly, but not always, fits."""

from __future__ import annotations

import random

from steersman.ppl.language.library import FUNCTIONS, MEMBERS, Builtin

ATOMS = {
    "none": ["None"], "bool": ["True", "False"],
    "int": ["0", "1", "-1", "2", "7", "1000", "(10 ** 6)", "(10 ** 30)", "len([1, 2])"],
    "float": ["0.5", "-2.5", "1e300", "1", "float('inf')", "float('nan')", "3"],
    "str": ['""', '"a"', '"ab c."', '("b" * 1000)', "r'[a-c]+'", "r'(a|b)*c'", "'é…'", '"stop"', '"{x} {y}"', "str(x)"],
    "list": ["[]", "[1, 2, 3]", '["a", "b"]', "[[1, 2], [3, 4]]", "[0.5, 0.5]", "range(50)", "lm.eos", "[x, y]"],
    "dict": ["{}", '{"a": 1}', "{1: [2]}", "{'type': 'integer'}", '{"enum": ["a", "b"]}'],
    "model": ["lm", "(lm ** 2)", "(lm * lm)"], "context": ['lm.context("a")', "lm.context()", '(lm.context() + "ab")'],
    "token": ['lm.next("a")', 'lm.next("a").masked([1, 2])', '(lm.next("a") ** 2)'],
    "text": ['lm.text("a", max_tokens=2)', 'lm.text("", max_tokens=3, stop="b")',
             'power(lm, 2).text("a", max_tokens=2)',
             'lm.text("a", max_tokens=2, where=regex("[ab]+"))', 'lm.text("a", max_tokens=2, where=predicate(f))',
             'lm.text("a", max_tokens=2, where=predicate(g))'],
    "distribution": ["Normal(0, 1)", "Bernoulli(0.5)", "Categorical([0.5, 0.5])", "Uniform(0, 1)"],
    "constraint": ['regex("a+")', 'choice(["a", "b"])', "canonical()", "predicate(f)", "predicate(g)",
                   'words(["a", "b"])'],
    "mask": ["lm.tokens_in([1, 2])", "lm.tokens_where(f)"], "function": ["f", "g"], "any": ["x", "y", "N"],
}
BINARY = ["+", "-", "*", "/", "//", "%", "**", "&", "|", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
LAWS = ["Normal", "Bernoulli", "Categorical", "Uniform", "Delta", "DiscreteUniform"]


class Wild:
    """fits: how often a value is of a kind that is asked for."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.fits = self.r.choice([0.5, 0.9, 0.98])

    def of(self, kinds: tuple[str, ...], depth: int) -> str:
        if self.r.random() > self.fits:
            return self.expression(depth - 1)
        kind = self.r.choice(kinds)
        makers = [b for b in FUNCTIONS.values() if b.returns == kind and not b.effect]
        if depth > 0 and makers and self.r.random() < 0.5:
            return self.call(self.r.choice(makers), depth - 1)
        return self.r.choice(ATOMS.get(kind, ATOMS["any"]) if kind != "any" else self.r.choice(list(ATOMS.values())))

    def call(self, builtin: Builtin, depth: int) -> str:
        values = []
        for a in builtin.arguments:
            if a.required or self.r.random() < 0.3:
                value = self.of(a.kinds, depth)
                values.append(f"{a.name}={value}" if a.keyword or (len(values) and not a.required) else value)
        return f"{builtin.name}({', '.join(values)})"

    def expression(self, depth: int) -> str:
        r = self.r
        if depth <= 0:
            return r.choice(r.choice(list(ATOMS.values())))
        match r.randrange(10):
            case 0 | 1:
                kind = r.choice(["int", "float", "str", "list", "any", "constraint"])
                return f"({self.of((kind,), depth - 1)} {r.choice(BINARY)} {self.of((kind,), depth - 1)})"
            case 2:
                return f"({r.choice(['-', '+', 'not '])}{self.of(('int', 'float'), depth - 1)})"
            case 3:
                return self.call(r.choice(list(FUNCTIONS.values())), depth - 1)
            case 4 | 5:
                kind = r.choice(list(MEMBERS))
                builtin = r.choice(list(MEMBERS[kind].values()))
                owner = self.of((kind,), depth - 1)
                return f"({owner}).{builtin.name if builtin.property else self.call(builtin, depth - 1)}"
            case 6:
                at = [self.of(("int",), 0) for _ in range(3)]
                where = r.choice([at[0], ":".join(at), at[0] + ":"])
                return f"({self.of(('list', 'str', 'dict'), depth - 1)})[{where}]"
            case 7:
                return (f"[{self.expression(depth - 1)} for x in {self.of(('list', 'str'), depth - 1)} "
                        f"if {self.of(('bool',), depth - 1)}]")
            case 8:
                return r.choice(["{a} if {b} else {c}", "f({a})", "g({a}, {b})", "g({a}, y={c})", "[{a}, {b}]"]).format(
                    a=self.expression(depth - 1), b=self.of(("bool", "int"), depth - 1), c=self.expression(depth - 1))
            case _:
                return f"{r.choice(LAWS)}({self.of(('float', 'list'), 1)}, {self.of(('float',), 0)})"

    def statement(self, depth: int, indent: str) -> str:
        r, name, inner = self.r, self.r.choice("xyz"), indent + "    "
        dist = ("distribution", "token", "text")
        match r.randrange(14):
            case 0 | 1:
                using = f" using {self.of(dist, depth)}" if r.random() < 0.2 else ""
                return f"{indent}{name} ~ {self.of(dist, depth)}{using}\n"
            case 2:
                return f"{indent}observe {self.of(('int', 'float', 'str'), 1)} ~ {self.of(dist, depth)}\n"
            case 3:
                return f"{indent}{r.choice(['factor', 'twist'])} {self.of(('float',), depth)}\n"
            case 4:
                return f"{indent}condition {self.of(('bool', 'int'), depth)}\n"
            case 5:
                return f"{indent}if {self.of(('bool',), 1)}:\n{self.statement(depth - 1, inner)}"
            case 6:
                return f"{indent}for {name} in {self.of(('list', 'str'), 1)}:\n{self.statement(depth - 1, inner)}"
            case 7:
                return f"{indent}while {self.of(('bool',), 1)}:\n{self.statement(depth - 1, inner)}"
            case 8:
                return f"{indent}{name} += {self.of(('int',), depth)}\n"
            case 9:
                return f"{indent}x, y = {self.of(('list',), depth)}\n"
            case 10:
                return f"{indent}{name} = p({self.expression(1)}, {self.expression(1)})\n"
            case 11:
                return f"{indent}{name} = lm.score({self.of(('str', 'context'), 1)}, {self.of(('str',), 1)})\n"
            case _:
                return f"{indent}{name} = {self.expression(depth)}\n"

    def program(self) -> str:
        body = "".join(self.statement(2, "    ") for _ in range(self.r.randrange(1, 6)))
        return ('N = 3\n\ndef f(x):\n    return x == "a"\n\ndef g(x, y=2):\n    return x + y\n\n'
                f'program p(x=1, y="a", z=0.5):\n{body}    return {self.expression(2)}\n')
