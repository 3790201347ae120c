"""The syllables of an English word, by its spelling."""

from __future__ import annotations

import re
from functools import lru_cache

_VOWELS = re.compile(r"[aeiouyàáâäãèéêëìíîïòóôöùúûü]+")
_SILENT = re.compile(
    r"(?:(?<=[^aeiouyl])e"  # cake
    r"|(?<=[aeiouyrlw]l)e"  # whale, pearle, but not little
    r"|(?<=[ui])e"  # true, pie
    r"|(?<=[^aeioutyd])ed|(?<=[rlnsc][^aeiouytdl])ed"  # walked, but not wanted
    r"|(?<=[aeiouy][^aeiouyscxzg])es|(?<=[^aeiouycsxzgl][^aeiouyscxzghl])es|(?<=th)es|(?<=[aeiou]l)es)$"  # cakes
)
_APART = re.compile(  # vowels side by side that belong to two syllables
    r"i[au](?!ge|n$|ns$|l$|ls$|lly$|r$|rs$|lty)|io(?!n|us|r$|rs$)|ie(?=t|nc|nt)|(?<![qg])u(?:al?(?!r[dt])|el|et|it[yi])"
    r"|eo(?=l|g|m|r|n$)(?!ple)|[aeo]ing$|(?<!h)oi(?=ng$)|[aeiou]y?ing$|oe[tm]|ea(?=t(?:e|i|or)|l[is]|n$)|ao|[aeo]u?[yw]er"
)
_SILENT_LY = re.compile(r"[^aeiouyl]ely$")  # completely
_MURMUR = re.compile(r"[^aeiouy](?:sm|thm)s?$|[ai]sms?$")  # prism, rhythm
_KNOWN = {word: count for count, words in {
    1: "the are were once one eye eyes hour our friend friends does goes toes shoes whole been seen heart earth "
       "learn learned bean beans clean mean means year years your leaf leaves piece please",
    2: "every evening evenings people being quiet poem something sometimes someone somewhere business real really "
       "ocean lion lions giant cruel fuel poet beauty naked wicked hundred ancient patient maybe rhythm dying "
       "lying trying crying flying playing flower flowers power tower shower wednesday apple science poems iron "
       "chaos riot duet fluid ruin truly into guitar",
    3: "everything everyone everywhere area idea ideas violin radio piano chocolate different created carefully "
       "beautiful animal animals family forever whenever however recipe camera quietly diary favorite usual "
       "museum",
    4: "everybody vegetable usually society anxiety variety january february",
}.items() for word in words.split()}
_JOINED = re.compile(  # an e that is silent inside: "home-less"
    r"(?:fire|snow|moon|some|care|hope|home|time|life|wave|place|lone|love|side|grace|use|peace|shame|stone|tire|wire|"
    r"safe|false|close|nice|large|strange|sure|like|bare|rare|brave|pale|late|fore|base|wide|wise)"
    r"(?=ly$|ful|less|ness|some|ment|time|work|side|place|man$|men$|fly$|where|land|light|stone|body|thing|day|ball)"
)


@lru_cache(maxsize=4096)
def syllables_of(word: str) -> int:
    """At least 1, also where there is no vowel. Numbers in digits count one a digit."""
    word = word.lower()
    if word.isdigit():
        return len(word)
    if (known := _KNOWN.get(word)) is not None:
        return known
    if (first := _JOINED.match(word)) is not None:
        return syllables_of(first[0]) + syllables_of(word[first.end():])
    sounds = _VOWELS.findall(word)
    count = len(sounds) + len(_APART.findall(word))
    count -= bool(_SILENT.search(word)) and sounds[-1] in ("e", "ue", "ie")
    count += bool(_MURMUR.search(word)) - bool(_SILENT_LY.search(word))
    return max(1, count)
