"""Plain text to TeX that prints it literally; text that is TeX already keeps its type."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from paper_kit.core.errors import InputError

# Every character that TeX reads as a command, and the few that LaTeX prints as another sign.
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # after a row's end it would open an option, and in one it would close it
    "]": "{]}",
}
# Signs of numbers and formulas: \ensuremath is right in text and in math.
MATHS = {
    "−": "-",
    "±": r"\pm",
    "∓": r"\mp",
    "×": r"\times",
    "÷": r"\div",
    "·": r"\cdot",
    "≤": r"\le",
    "≥": r"\ge",
    "≈": r"\approx",
    "≠": r"\ne",
    "≡": r"\equiv",
    "∼": r"\sim",
    "∞": r"\infty",
    "√": r"\surd",
    "∑": r"\sum",
    "∈": r"\in",
    "∅": r"\emptyset",
    "←": r"\leftarrow",
    "→": r"\rightarrow",
    "↑": r"\uparrow",
    "↓": r"\downarrow",
    "↔": r"\leftrightarrow",
    "⇒": r"\Rightarrow",
    "°": r"^{\circ}",
    "′": "'",
    "✓": r"\surd",
    "…": r"\ldots",
}
_GREEK_NAMES = (
    r"\alpha \beta \gamma \delta \varepsilon \zeta \eta \theta \iota \kappa \lambda \mu"
    r" \nu \xi \pi \rho \sigma \tau \upsilon \varphi \chi \psi \omega"
    r" \Gamma \Delta \Theta \Lambda \Xi \Pi \Sigma \Upsilon \Phi \Psi \Omega"
)
MATHS |= dict(zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", _GREEK_NAMES.split(), strict=True))
_SPACES = {
    "\u00a0": "~",
    "\u2009": r"\,",
    "\u202f": r"\,",
    "\u2007": r"\phantom{0}",
    "\u00ad": r"\-",
    "\u200b": r"\hspace{0pt}",
}
_INVISIBLE = "\u200c\u200d\u2060\ufeff\ufe0e\ufe0f"
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-", strict=True))
_RUN = re.compile(f"[{''.join(_RAISED)}]+|[{''.join(_LOWERED)}]+|.", re.DOTALL)
# Accents that TeX puts on any letter, for the letters that have no place of their own in T1.
_MARKS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0323\u0327\u0328\u0331"
_ACCENTS = dict(zip(_MARKS, "`'^~=u.\"rHvdckb", strict=True))
# What LaTeX's t1enc.dfu and ts1enc.dfu declare beside the accented letters of U+00A1 to U+017E.
_DECLARED = set("ǄǅǆǇǈǉǊǋǌǍǎǏǐǑǒǓǔǢǣǦǧǨǩǪǫǰǴǵȘșȚțȲȳȷḂḃḍḞḟḥḰḱḷẎẏṃṅṇṛṣṭẐẑẞỲỳḠḡ‐‒–—―‘’‚“”„‰‹›†‡•€™№")
_UNDECLARED = set("ĦħĸŉŦŧĿŀ¤")
_DOUBLED = set("-<>',")  # two of a kind would become a dash or a quotation mark


class Tex(str):
    """Text that is TeX already; adding plain text to it escapes that text."""

    __slots__ = ()

    def __html__(self) -> str:
        """Itself: by this name Jinja knows text that must not be escaped again."""
        return self

    def __add__(self, other: object) -> Tex:
        return Tex(str.__add__(self, escape(other)))

    def __radd__(self, other: object) -> Tex:
        return Tex(str.__add__(escape(other), self))


def escape(value: object) -> Tex:
    """TeX that prints `value` literally; TeX stays as it is. A sign that cannot be set prints as [U+…]."""
    if hasattr(value, "__html__"):
        return Tex(value.__html__())
    text = unicodedata.normalize("NFC", str(value))
    text = re.sub(r"\s*[\t\n\r\f\v]\s*", " ", text)
    pieces: list[str] = []
    for found in _RUN.finditer(text):
        pieces.append(_set(found[0]))
        if found[0] in _DOUBLED and text.startswith(found[0], found.end()):
            pieces.append("{}")
    written = "".join(pieces)
    return Tex("{*}" + written[1:] if written.startswith("*") else written)


def join(parts: Iterable[Any], separator: str = "") -> Tex:
    """The parts, each escaped, with the escaped separator between them."""
    return Tex(str(escape(separator)).join(escape(part) for part in parts))


def label(value: object) -> Tex:
    """Letters, digits and hyphens for a name in \\label, \\ref or a file: "emotion_vit" gives emotion-vit."""
    plain = unicodedata.normalize("NFKD", str(value)).encode("ascii", "ignore").decode()
    return Tex(re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-"))


def key(value: object) -> Tex:
    """A name for \\cite, \\ref or \\label as it is; InputError for signs that TeX would act on."""
    text = str(value)
    if not re.fullmatch(r"[A-Za-z0-9:._/+,-]+", text):
        raise InputError(
            f"{text!r} cannot stand in \\cite, \\ref or \\label; use the filter 'label' instead of 'key'."
        )
    return Tex(text)


def unsettable(written: str) -> list[str]:
    """The signs of TeX text that `escape` could not set, as "U+4E2D (CJK UNIFIED IDEOGRAPH-4E2D)"."""
    codes = dict.fromkeys(re.findall(r"\\pkunset\{([0-9A-F]+)\}", written))
    return [f"U+{code} ({unicodedata.name(chr(int(code, 16)), 'no name')})" for code in codes]


def _set(sign: str) -> str:
    """TeX for one sign, or for one run of raised or lowered ones: 10⁻³ is one power."""
    for table in (_SPECIAL, _SPACES):
        if sign in table:
            return table[sign]
    if sign in MATHS:
        return rf"\ensuremath{{{MATHS[sign]}}}"
    if sign[0] in _RAISED:
        return rf"\ensuremath{{^{{{''.join(_RAISED[one] for one in sign)}}}}}"
    if sign[0] in _LOWERED:
        return rf"\ensuremath{{_{{{''.join(_LOWERED[one] for one in sign)}}}}}"
    if sign in _INVISIBLE:
        return ""
    if " " <= sign <= "~" or sign in _DECLARED or ("\u00a1" <= sign <= "\u017e" and sign not in _UNDECLARED):
        return sign
    if unicodedata.category(sign) == "Zs":
        return " "
    return _accented(sign) or rf"\pkunset{{{ord(sign):04X}}}"


def _accented(sign: str) -> str:
    """A letter with its accents as TeX commands, ễ as \\~{\\^{e}}; empty where it is no such letter."""
    parts = unicodedata.normalize("NFD", sign)
    letter, marks = parts[0], parts[1:]
    if not letter.isascii() or not marks or not set(marks) <= set(_ACCENTS):
        return ""
    for mark in marks:
        letter = rf"\{_ACCENTS[mark]}{{{letter}}}"
    return letter
