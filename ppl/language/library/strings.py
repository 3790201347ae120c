"""`str`, and the members of texts. A text that was drawn knows how it ended, until it is changed."""

from __future__ import annotations

from typing import Any

from ...text import Text
from ..containers import Items, items
from ..kinds import described
from ..limits import LONG_WORK, Meter
from ..problems import Problem
from ..show import show
from .registry import function, may, member, needs


@function("str", needs("x"), example="str(1.5)", metered=True)
def str_(meter: Meter, x: Any) -> str:
    """The value as a text; of a context, all that it says."""
    return show(meter, x)


@function("bool", needs("text", "str"), needs("options", "str", "list"), example='contains_any("a cat", "xyz")',
          metered=True)
def contains_any(meter: Meter, text: str, options: str | Items) -> bool:
    """Whether the text has one of these characters, or one of a list of texts."""
    meter.charge(1 + len(options) * (1 + len(text) // 4096) // 8)
    return any(option in text for option in _texts("contains_any", options))


@function("int", needs("text", "str"), needs("part", "str"), example='count("banana", "an")', metered=True)
def count(meter: Meter, text: str, part: str) -> int:
    """How often the part stands in the text, without overlaps."""
    meter.charge(len(text) // LONG_WORK)
    return text.count(part)


def _plain(name: str, doc: str, example: str) -> None:
    def change(meter: Meter, text: str) -> str:
        meter.text(len(text))
        return str(getattr(str, name)(text))

    change.__name__, change.__doc__ = name, doc
    member("str", "str", example=example, metered=True)(change)


def _test(name: str, doc: str, example: str) -> None:
    def test(meter: Meter, text: str) -> bool:
        meter.charge(len(text) // LONG_WORK)
        return bool(getattr(str, name)(text))

    test.__name__, test.__doc__ = name, doc
    member("str", "bool", example=example, metered=True)(test)


_plain("upper", "In capital letters.", '"Hill".upper()')
_plain("lower", "In small letters.", '"Hill".lower()')
_plain("title", "Every word with a capital.", '"big hill".title()')
_plain("capitalize", "The first letter large, the others small.", '"big hill".capitalize()')
_test("isalpha", "Whether there are letters only, at least one.", '"hill".isalpha()')
_test("isdigit", "Whether there are digits only, at least one.", '"12".isdigit()')
_test("isalnum", "Whether there are letters and digits only, at least one.", '"a1".isalnum()')
_test("isspace", "Whether there is white space only, at least one character.", '" ".isspace()')
_test("isupper", "Whether there are letters and all are capital.", '"HILL".isupper()')
_test("islower", "Whether there are letters and all are small.", '"hill".islower()')


@member("str", "str", may("characters", "str"), example='" hill ".strip()', metered=True)
def strip(meter: Meter, text: str, characters: str | None = None) -> str:
    """Without white space (or the given characters) at both ends."""
    meter.text(len(text) + len(characters or ""))
    return str(text.strip(characters))


@member("str", "str", may("characters", "str"), example='" hill".lstrip()', metered=True)
def lstrip(meter: Meter, text: str, characters: str | None = None) -> str:
    """Without white space (or the given characters) at the beginning."""
    meter.text(len(text) + len(characters or ""))
    return str(text.lstrip(characters))


@member("str", "str", may("characters", "str"), example='"hill.".rstrip(".")', metered=True)
def rstrip(meter: Meter, text: str, characters: str | None = None) -> str:
    """Without white space (or the given characters) at the end."""
    meter.text(len(text) + len(characters or ""))
    return str(text.rstrip(characters))


@member("str", "list", may("separator", "str"), example='"a b".split()', metered=True)
def split(meter: Meter, text: str, separator: str | None = None) -> Items:
    """The parts between separators; between white space if none is given."""
    if separator == "":
        raise Problem("value", "split: the separator is empty", "list(text) gives the characters")
    meter.charge(len(text) // LONG_WORK)
    parts = text.split(separator)
    meter.items(len(parts))
    return items(parts, meter.limits)


@member("str", "list", example='"a\\nb".splitlines()', metered=True)
def splitlines(meter: Meter, text: str) -> Items:
    """The lines, without their ends."""
    meter.charge(len(text) // LONG_WORK)
    lines = text.splitlines()
    meter.items(len(lines))
    return items(lines, meter.limits)


@member("str", "str", needs("parts", "list", "str"), example='", ".join(["a", "b"])', metered=True)
def join(meter: Meter, separator: str, parts: Items | str) -> str:
    """The texts of a list with this text between them."""
    meter.charge(len(parts) // LONG_WORK)
    texts = _texts("join", parts)
    meter.text(sum(map(len, texts)) + len(separator) * max(0, len(texts) - 1))
    return separator.join(texts)


@member("str", "str", needs("old", "str"), needs("new", "str"), example='"a b".replace(" ", "-")', metered=True)
def replace(meter: Meter, text: str, old: str, new: str) -> str:
    """With every `old` replaced by `new`."""
    found = text.count(old)
    meter.text(len(text) + found * (len(new) - len(old)) if len(new) > len(old) else len(text))
    return str(text.replace(old, new))


@member("str", "bool", needs("start", "str", "list"), example='"hill".startswith("hi")',
        metered=True)
def startswith(meter: Meter, text: str, start: str | Items) -> bool:
    """Whether it begins with a text, or one of a list of texts."""
    meter.charge(len(start) // LONG_WORK)
    return text.startswith(tuple(_texts("startswith", start)) if isinstance(start, Items) else start)


@member("str", "bool", needs("end", "str", "list"), example='"Stop!".endswith([".", "!"])',
        metered=True)
def endswith(meter: Meter, text: str, end: str | Items) -> bool:
    """Whether it ends with a text, or one of a list of texts."""
    meter.charge(len(end) // LONG_WORK)
    return text.endswith(tuple(_texts("endswith", end)) if isinstance(end, Items) else end)


@member("str", "str", needs("start", "str"), example='"unkind".removeprefix("un")', metered=True)
def removeprefix(meter: Meter, text: str, start: str) -> str:
    """Without this beginning, if it has it."""
    meter.text(len(text))
    return str(text.removeprefix(start))


@member("str", "str", needs("end", "str"), example='"hill.".removesuffix(".")', metered=True)
def removesuffix(meter: Meter, text: str, end: str) -> str:
    """Without this end, if it has it."""
    meter.text(len(text))
    return str(text.removesuffix(end))


@member("str", "int", needs("part", "str"), may("start", "int"), example='"hill".find("l")', metered=True)
def find(meter: Meter, text: str, part: str, start: int = 0) -> int:
    """Where the part stands first, from 0; -1 if it is not there."""
    meter.charge(len(text) // LONG_WORK)
    return text.find(part, start)


@member("str", "int", needs("part", "str"), example='"banana".count("an")', metered=True)
def count_(meter: Meter, text: str, part: str) -> int:
    """How often the part stands in it, without overlaps."""
    meter.charge(len(text) // LONG_WORK)
    return text.count(part)


@member("str", "str", property=True)
def finish(text: str) -> str:
    """How a drawn text ended: "stop" (a stop string), "eos" (the model ended it) or "length"."""
    return _drawn("finish", text).finish


@member("str", "str", property=True)
def stop(text: str) -> str | None:
    """The stop string that ended a drawn text, which is cut from it; None if none did."""
    return _drawn("stop", text).stop


@member("str", "list", property=True, metered=True)
def tokens(meter: Meter, text: str) -> Items:
    """The tokens of a drawn text, its end included."""
    return items(_drawn("tokens", text).tokens, meter.limits)


def _drawn(name: str, text: str) -> Text:
    if not isinstance(text, Text):
        raise Problem("kind", f".{name}: this text was not drawn from a model",
                      "keep what was drawn in a name of its own: x ~ lm.text(...), then x.finish")
    return text


def _texts(what: str, values: Any) -> list[str]:
    for value in values:
        if not isinstance(value, str):
            raise Problem("kind", f"{what}: the list must hold texts only, not {described(value)}",
                          "str(x) makes a text of a value")
    return list(values)
