from __future__ import annotations

import pytest

from paper_kit.core.errors import InputError
from paper_kit.render.tex import Tex, escape, join, key, label, unsettable


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        (r"50% & _weird_ #1 \input{x}", r"50\% \& \_weird\_ \#1 \textbackslash{}input\{x\}"),
        ("^^5cinput", r"\textasciicircum{}\textasciicircum{}5cinput"),
        ("$x$ ~", r"\$x\$ \textasciitilde{}"),
        ("FER-2013", "FER-2013"),
        ("a--b ''q'' <<", "a-{}-b '{}'q'{}' <{}<"),
        ("72.4\u00a0±\u00a00.3", r"72.4~\ensuremath{\pm}~0.3"),
        ("−3.1\u2009points", r"\ensuremath{-}3.1\,points"),
        ("2 × 10⁻³", r"2 \ensuremath{\times} 10\ensuremath{^{-3}}"),
        ("β₂", r"\ensuremath{\beta}\ensuremath{_{2}}"),
        ("one\n\ntwo\tthree", "one two three"),
        ("*[a]", "{*}{[}a{]}"),
        ("Łukasz, Ünal, Šimić", "Łukasz, Ünal, Šimić"),
        ("e\u0301", "é"),
        ("Nguyễn, ẽ", r"Nguy\~{\^{e}}n, \~{e}"),
        ("笑\x07", r"\pkunset{7B11}\pkunset{0007}"),
        ("\ue0001:2\ue001", r"\pkunset{E000}1:2\pkunset{E001}"),
    ],
)
def test_text_is_written_so_that_tex_prints_it_literally(text: str, tex: str) -> None:
    assert escape(text) == tex


def test_tex_is_not_escaped_twice_and_plain_text_added_to_it_is_escaped() -> None:
    made = escape("a & b")
    assert escape(made) == made
    assert made + " & c" == r"a \& b \& c"
    assert "& " + Tex(r"\x") == r"\& \x"
    assert join(["a&b", Tex(r"\y")], " & ") == r"a\&b \& \y"


def test_every_ascii_sign_is_written_without_a_control_character() -> None:
    for code in range(0x20, 0x7F):
        assert escape(chr(code)).isprintable()


def test_a_sign_without_a_glyph_is_named() -> None:
    assert unsettable(escape("smile 笑 笑")) == ["U+7B11 (CJK UNIFIED IDEOGRAPH-7B11)"]


def test_a_label_keeps_letters_and_digits_and_a_key_refuses_commands() -> None:
    assert label("50% & _weird_ é") == "50-weird-e"
    assert key("emotion_vit") == "emotion_vit"
    with pytest.raises(InputError, match="label"):
        key(r"a\input{x}")
