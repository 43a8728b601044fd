from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.core.paper import Author, Paper
from paper_kit.render.frontmatter import placeholders
from paper_kit.render.manuscript import load_manuscript
from paper_kit.render.tex import escape
from tests.render.small import HOSTILE, PAPER, TEMPLATES, made, written


def test_a_fact_is_printed_with_its_number_and_a_second_time_with_the_same() -> None:
    found = made("\\VAR{data.train} \\VAR{counts.models.Words} \\VAR{data.train}\n\\VAR{data.train}")
    assert found.tex == "\\pkfact{1}{28,709} \\pkfact{2}{Three} \\pkfact{1}{28,709}\n\\pkfact{1}{28,709}\n"
    assert [(each.number, each.name, each.text) for each in found.facts] == [
        (1, "data.train", "28,709"),
        (2, "counts.models", "Three"),
    ]
    assert [str(place) for place in found.facts[0].places] == [
        "templates/manuscript.tex:1",
        "templates/manuscript.tex:2",
    ]


def test_arithmetic_on_facts_is_a_fact_with_a_formula() -> None:
    found = made("\\VAR{results.emotion_vit.accuracy - results.resemotenet.accuracy}")
    assert found.facts[0].name.startswith("results.emotion_vit.accuracy - results.resemotenet.accuracy")
    assert "+2.3~points" in found.tex


def test_a_missing_number_and_one_of_a_stale_run_are_marked() -> None:
    found = written("\\VAR{results.emotion_vit.nothing} \\VAR{results.resemotenet.accuracy}")
    assert "\\pkmissing{\\pkfact{1}{{[}pending{]}}}" in found
    assert "\\pkstale{\\pkfact{2}{70.1~\\%}}" in found


def test_hostile_text_is_literal_in_prose_tables_and_alt_texts() -> None:
    found = written('\\VAR{data.name} \\VAR{table("classes")} \\VAR{figure("curves")} \\VAR{"a" ~ data.name}')
    assert found.count(str(escape(HOSTILE))) == 5
    assert "\\input{" not in found
    assert "&amp;" not in found


def test_joins_and_sums_escape_for_tex_and_not_for_html() -> None:
    text = (
        r'\BLOCK{set x}<\VAR{"a&b"}>\BLOCK{endset}'
        r'\VAR{x} \VAR{x ~ "&"} \VAR{x + "&"} \VAR{["<&>", x]|join(" & ")} \VAR{"<" ~ "&"}'
        r'\BLOCK{macro m(y)}(\VAR{y})\BLOCK{endmacro}\VAR{m("&") ~ "&"}'
    )
    assert written(text) == r"<a\&b> <a\&b>\& <a\&b>\& <\&> \& <a\&b> <\&(\&)\&" + "\n"


def test_a_fact_can_be_cited_by_its_key() -> None:
    assert written("\\cite{\\VAR{data.citation|key}}") == "\\cite{goodfellow2015challenges}\n"


def test_one_table_with_the_same_options_is_made_once_and_others_get_their_own_file() -> None:
    same = '\\VAR{figure("a", model="x_y")}'
    text = (
        same
        + same
        + '\\VAR{figure("a", model="x-y")}'
        + '\\VAR{figure("a", model="x_y", show="rate")}\\VAR{figure("a", show="rate")}'
    )
    assert list(made(text).figures) == ["a-x-y", "a-x-y-2", "a-x-y-3", "a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n\\VAR{results.emotion_vit.acuracy}", r"templates/manuscript.tex:2: There is no fact .*accuracy"),
        ("\\VAR{reslts.x}", "tex:1: There is nothing named 'reslts'. Did you mean 'results'"),
        ("\\BLOCK{if uses.ttaa}\\BLOCK{endif}", "Did you mean 'tta'"),
        ("\n\n\\BLOCK{if uses.tta}", r"tex:3: Unexpected end.*\\BLOCK\{end"),
        ("a\n\\VAR{x", r"tex:2: \\VAR\{ is never closed"),
        ("\\VAR{}", "tex:1: Expected an expression"),
        ("\\BLOCK{fi}", "unknown tag"),
        ("\n\\VAR{1 +\n+ }", "tex:[23]: "),
        ('\\BLOCK{include "sections/titel.tex"}', "Did you mean 'sections/title.tex'"),
        ('\\BLOCK{include "manuscript.tex"}', "circle"),
        ('\\VAR{table("clases")}', "tex:1: There is no table named 'clases'"),
        ("\\VAR{model_keys}", "join"),
        ("\\VAR{none}", "if"),
        ("\\VAR{results}", "not one fact but a group"),
        ("\\BLOCK{if data.train > 3}\\BLOCK{endif}", "claim"),
        ("\\BLOCK{if data.train}\\BLOCK{endif}", "claim"),
        ("\\VAR{1/0}", "division by zero"),
        ("\\VAR{data.name|upper}", "words"),
        ("\\VAR{table()}", "name"),
        ("\\VAR{title|x}", "filter"),
    ],
)
def test_a_mistake_in_a_template_is_told_with_its_place_and_cure(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        made(text)
    assert str(caught.value).startswith("templates/manuscript.tex:")


def test_a_mistake_in_an_included_file_is_told_there() -> None:
    with pytest.raises(InputError, match=r"^templates/sections/x\.tex:2: "):
        made('\\BLOCK{include "sections/x.tex"}', x="a\n\\VAR{data.trian}")


@pytest.mark.parametrize(
    "text",
    [
        "\\VAR{''.__class__.__mro__}",
        "\\VAR{table.__globals__}",
        "\\VAR{table.__self__._material}",
        "\\VAR{table.__func__}",
        "\\VAR{data._facts}",
        "\\VAR{data.train.origin}",
        "\\VAR{data.train.value}",
        "\\VAR{data.train.__init__}",
        "\\VAR{'{0.__class__}'.format(1)}",
        "\\VAR{''|attr('__class__')}",
        "\\VAR{[1]|map(attribute='__class__')|list|first}",
        "\\VAR{range.__self__}",
        "\\VAR{authors.append(1)}",
        "\\VAR{venue.update({})}",
        "\\VAR{'a' * 1000000000}",
        "\\VAR{range(1000000000)|list|length}",
        "\\VAR{lipsum()}",
        "\\VAR{self.__class__}",
        "\\VAR{cycler.__init__}",
        "\\VAR{cycler('a')}",
        "\\VAR{().__class__.mro()}",
        "\\VAR{''['__class__']}",
        "\\VAR{''['\\x5f\\x5fclass\\x5f\\x5f']}",
        "\\VAR{'%s'|format(1)}",
        "\\VAR{'%c' % 65}",
        "\\VAR{'{0}'.format_map({})}",
        "\\VAR{''.format.__globals__}",
        "\\VAR{'a'.join(['b'])}",
        "\\VAR{'a'.encode()}",
        "\\VAR{[1]|groupby('__class__')}",
        "\\VAR{[{}]|selectattr('__class__')|list|length}",
        "\\VAR{namespace().__init__.__globals__}",
        "\\VAR{namespace(x=1)._Namespace__attrs}",
        "\\VAR{joiner().__init__.__globals__}",
        "\\VAR{dict.__subclasses__()}",
        "\\VAR{dict.mro()}",
        "\\VAR{nowhere.__class__}",
        "\\VAR{nowhere._undefined_obj}",
        "\\VAR{self._TemplateReference__context}",
        "\\BLOCK{for x in [1]}\\VAR{loop.__class__}\\BLOCK{endfor}",
        "\\BLOCK{for x in [1]}\\VAR{loop._iterable}\\BLOCK{endfor}",
        "\\BLOCK{macro m()}\\BLOCK{endmacro}\\VAR{m.__globals__}",
        "\\BLOCK{macro m()}\\BLOCK{endmacro}\\VAR{m._func}",
        "\\BLOCK{macro m()}\\VAR{caller.__globals__}\\BLOCK{endmacro}\\BLOCK{call m()}\\BLOCK{endcall}",
        "\\BLOCK{macro m()}\\VAR{m()}\\BLOCK{endmacro}\\VAR{m()}",
        "\\BLOCK{include 'manuscript.tex'}",
        "\\BLOCK{include '../secret.tex'}",
        "\\BLOCK{include '/etc/passwd'}",
        "\\BLOCK{import 'os' as os}",
        "\\VAR{9 ** (9 ** 9)}",
        "\\VAR{((2 ** 64) ** 64) ** 64}",
        "\\BLOCK{set n = namespace(x=9)}\\BLOCK{for i in range(99)}\\BLOCK{set n.x = n.x * n.x}"
        "\\BLOCK{endfor}",
        "\\VAR{'{1}'.format(1)}",
        "\\VAR{2 ** 65}",
        "\\VAR{[1] * 1000000000}",
        "\\BLOCK{set n = namespace(t='ab')}\\BLOCK{for i in range(99)}\\BLOCK{set n.t = n.t ~ n.t}"
        "\\BLOCK{endfor}",
        "\\BLOCK{for a in range(999)}\\BLOCK{for b in range(999)}\\BLOCK{endfor}\\BLOCK{endfor}",
        "\\VAR{table.__call__.__self__}",
        "\\VAR{label.__wrapped__}",
        "\\BLOCK{set authors.x = 1}",
    ],
)  # fmt: skip
def test_no_attribute_leads_out_of_the_sandbox(text: str) -> None:
    with pytest.raises(InputError, match=r"^templates/manuscript\.tex:1: \S") as caught:
        made(text)
    assert len(caught.value.problems) == 1
    assert "Traceback" not in str(caught.value)


def test_an_error_of_a_plug_ins_code_is_not_blamed_on_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.render import small

    def broken(_name: str, _options: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(small, "MATERIAL", replace(small.MATERIAL, table=broken))
    with pytest.raises(KeyError, match="a bug"):
        small.made('\\VAR{table("classes")}')


def test_templates_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "manuscript.tex").write_text("x\n\ue000")
    (tmp_path / "a.tex").write_bytes(b"\xff")
    with pytest.raises(InputError) as caught:
        load_manuscript(tmp_path, PAPER)
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match="paperkit init"):
        load_manuscript(tmp_path / "none", PAPER)


def test_the_shipped_macros_and_venues_are_loaded() -> None:
    found = load_manuscript(TEMPLATES, PAPER)
    assert "macros.tex" in found.files
    assert "venues/ieeetran/preamble.tex" in found.templates


def test_placeholder_names_are_found() -> None:
    assert placeholders(Paper()) == ["First Author", "Your University"]
    assert placeholders(Paper(authors=(Author(name="Ada Lovelace", affiliation="University of X"),))) == []


def test_a_namespace_counts_across_a_loop() -> None:
    loop = r"\BLOCK{for m in model_keys}\BLOCK{set n.x = n.x + 1}\BLOCK{endfor}"
    assert written(rf"\BLOCK{{set n = namespace(x=0)}}{loop}\VAR{{n.x}}") == "2\n"
