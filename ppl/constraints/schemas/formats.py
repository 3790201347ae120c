"""`format` of strings: patterns whose every string has the format.

A validator may or may not check formats, so the strings of a format here are those that every checker accepts. The
engine's own patterns for dates let the 29th of February through in every year, and leap seconds at every hour.
"""

from __future__ import annotations

from .errors import Path, refusal

_LEAP = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_YEAR = r"(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_DATE = (
    rf"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    rf"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LABEL = r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,30}"
_HOST = rf"(?:{_LABEL}\.){{0,3}}{_LABEL}"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}"
_HEX = r"[0-9A-Fa-f]"
_GROUP = rf"{_HEX}{{1,4}}"
_SECTION = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_URI = (
    rf"[A-Za-z][A-Za-z0-9+.-]*:(?://(?:{_HOST}|(?:{_BYTE}\.){{3}}{_BYTE})(?::[0-9]{{1,4}})?(?:/{_SECTION}*)*"
    rf"|{_SECTION}+(?:/{_SECTION}*)*)(?:\?(?:{_SECTION}|[/?])*)?(?:#(?:{_SECTION}|[/?])*)?"
)


def _run(units: str) -> str:
    """The parts of a duration: each unit may be followed by the next one only."""
    return f"[0-9]{{1,9}}{units[0]}" + (f"(?:{_run(units[1:])})?" if units[1:] else "")


_CLOCK = f"T(?:{_run('HMS')}|{_run('MS')}|{_run('S')})"
_DURATION = f"P(?:(?:{_run('YMD')}|{_run('MD')}|{_run('D')})(?:{_CLOCK})?|{_CLOCK}|[0-9]{{1,9}}W)"
_IPV6 = "|".join([
    rf"(?:{_GROUP}:){{7}}{_GROUP}",
    *(rf"(?:{_GROUP}(?::{_GROUP}){{0,{left - 1}}})?::(?:{_GROUP}(?::{_GROUP}){{0,{6 - left}}})?"
      for left in range(1, 7)),
])

PATTERNS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f"{_DATE}T{_TIME}",
    "duration": _DURATION,
    "email": rf"{_ATOM}(?:\.{_ATOM}){{0,2}}@{_HOST}",
    "hostname": _HOST,
    "ipv4": rf"(?:{_BYTE}\.){{3}}{_BYTE}",
    "ipv6": _IPV6,
    "uuid": rf"{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}",
    "uri": _URI,
}


def pattern_of(name: str, path: Path) -> str:
    """Raises BadSource for formats that are not in the table."""
    if name not in PATTERNS:
        raise refusal((*path, "format"), f"the format {name!r} is not known",
                      f"Known are {', '.join(PATTERNS)}; or say it with `pattern`, or leave it out.")
    return f"^(?:{PATTERNS[name]})$"
