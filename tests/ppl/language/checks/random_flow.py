"""Random functions with loops and branches, which say which of their lines ran."""

from __future__ import annotations

from random import Random

NAMES = ("x", "y", "z")


class Flow:
    """`f(p)` assigns and reads a few variables, in every order; it returns the numbers of the lines that were run to
    their end."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines = ["def f(p):", "    seen = []"]
        self.loops = self.counters = 0

    def source(self) -> str:
        for name in NAMES:
            if self.random.random() < 0.8:
                self.put(1, f"{name} = {self.random.choice(('1', 'p', '[2]', repr('c')))}")
        self.body(1, self.random.randint(3, 6))
        self.put(1, "if p > 90:")  # each is a local variable, whatever has been drawn
        for name in NAMES:
            self.put(2, f"{name} = 1")
        return "\n".join([*self.lines, "    return seen", ""])

    def body(self, level: int, statements: int) -> None:
        for _ in range(statements):
            choose = self.random.random()
            if level < 4 and choose < 0.2:
                self.branch(level)
            elif level < 4 and choose < 0.4:
                self.loop(level)
            elif choose < 0.47:
                self.jump(level)
                return
            else:
                self.simple(level)
        self.simple(level)

    def simple(self, level: int) -> None:
        name, other = self.random.choice(NAMES), self.random.choice(NAMES)
        value = self.random.choice((
            "1", "2", "'a'", "[1]", f"{other} + 1", f"{other} + 'b'", f"len({other})", f"{other}[0]", other,
            f"-{other}", f"{other}.upper()", f"[{other}]", "p", f"{other} < 2", f"[k + 1 for k in {other}]",
        ))
        self.put(level, f"{name} = {value}")
        self.put(level, f"seen = seen + [{len(self.lines)}]")

    def branch(self, level: int) -> None:
        self.put(level, f"if p {self.random.choice(('==', '<', '>'))} {self.random.randint(0, 3)}:")
        self.body(level + 1, self.random.randint(0, 2))
        if self.random.random() < 0.5:
            self.put(level, "else:")
            self.body(level + 1, self.random.randint(0, 2))

    def loop(self, level: int) -> None:
        self.loops += 1
        if self.random.random() < 0.6:
            over = self.random.choice(("range(p)", "[1, 'a']", "range(3)", "[]", "'ab'"))
            self.put(level, f"for {self.random.choice(NAMES)} in {over}:")
        else:
            self.counters += 1
            count = f"n{self.counters}"
            self.put(level, f"{count} = {self.random.choice(('0', 'p'))}")
            self.put(level, self.random.choice((f"while {count} < 3:", "while True:")))
            self.put(level + 1, f"{count} += 1")
            self.put(level + 1, f"if {count} > 4:")
            self.put(level + 2, "break")
        self.body(level + 1, self.random.randint(0, 3))
        self.loops -= 1

    def jump(self, level: int) -> None:
        if self.loops and self.random.random() < 0.7:
            self.put(level, self.random.choice(("break", "continue")))
        else:
            self.put(level, "return seen")

    def put(self, level: int, line: str) -> None:
        self.lines.append("    " * level + line)
