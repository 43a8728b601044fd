from __future__ import annotations

import json
from dataclasses import replace

import pytest

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.predictions import RunReading
from paper_kit.core.errors import InputError
from paper_kit.render.folder import page_files
from paper_kit.render.legend import Legend, RunLabel
from paper_kit.render.manuscript import typeset
from paper_kit.render.printer import PrintedFact, same_digits
from paper_kit.render.provenance import provenance, provenance_json, provenance_tex
from paper_kit.render.source_map import Place
from paper_kit.render.venue import Venue, load_venue
from paper_kit.render.wording import Names, formula_words
from tests.render.small import MATERIAL, TEMPLATES, made, manuscript

LABELS = {
    f"{model}{seed}": RunLabel("study", f"Model {model}", f"m{model}", "Base", "base", seed)
    for model in "ab"
    for seed in (0, 1)
}


def measured(key: str, value: float, *runs: str, metric: str = "accuracy") -> Fact:
    readings = tuple(RunReading(run, ("identity", "flip")) for run in runs)
    return Fact(key, value, "percent", origin=Origin(readings, runs, (0, 1), (), metric))


def printed(*facts: Fact) -> list[PrintedFact]:
    return [PrintedFact(number, fact, fact.text) for number, fact in enumerate(facts, start=1)]


HOW = "selected epoch, test images, mean probability of the identity and flip views"


def test_a_line_gathers_what_shares_formula_reading_and_runs() -> None:
    facts = printed(
        measured("results.ma.accuracy", 0.5, "a0", "a1"),
        measured("results.ma.recall.sad", 0.4, "a0", "a1", metric="recall.sad"),
        measured("results.ma.recall.happy", 0.9, "a0", "a1", metric="recall.happy"),
        measured("results.mb.accuracy", 0.6, "b0", "b1"),
        Fact("settings.epochs", 12, "setting", origin=Origin(fields=("epochs",))),
        Fact("settings.optim.lr", 0.1, "setting", origin=Origin(fields=("optim.lr",))),
    )
    found = provenance(facts, LABELS)
    assert [found.words(line) for line in found.lines] == [
        f"Accuracy: right predictions over images; {HOW}; r1",
        f"Accuracy: right predictions over images; {HOW}; r2",
        f"Recall of a class: right predictions over its images; {HOW}; r1",
        "Settings: from the experiment file, or paperkit's default",
    ]
    assert found.line_of[2] is found.line_of[3]
    assert found.line_of[5] is found.line_of[6]


def test_names_of_models_and_ablations_do_not_tell_formulas_apart() -> None:
    facts = printed(
        *(
            Fact("", 0.1, "points", origin=Origin(runs=(f"{one}0",), formula=f"results.m{one}.accuracy - 1"))
            for one in "ab"
        )
    )
    lines = provenance(facts, LABELS).lines
    assert [line.what for line in lines] == ["Accuracy less 1"] * 2
    tex = provenance_tex(provenance(facts, LABELS))
    assert tex.count(r"\pkline{") == 1
    assert tex.index(r"\textbf{r1:} \pkto{1}{Model a") < tex.index(r"\textbf{r2:} \pkto{2}{Model b")


def test_what_was_read_and_not_computed_is_one_line_with_every_target_and_no_values() -> None:
    layers = [
        Fact(f"model.ma.layer.{n}.name", "Stem", "text", origin=Origin(fields=("record.layers",)))
        for n in range(3)
    ]
    tex = provenance_tex(provenance(printed(*layers), LABELS))
    assert "\\pkline{Layer tables: counted in the trained networks.}{%\n\\pkto{1,2,3}{3 values}" in tex
    assert "Stem" not in tex


def test_short_counts_and_published_numbers_are_listed_with_their_names() -> None:
    source = Origin(fields=("literature.toml: A net, tuned",))
    facts = printed(
        Fact("counts.source_runs", 2, "count", origin=Origin(formula="number of source runs in the plan")),
        Fact("literature.fer2013.0", 0.7, "percent", origin=source),
    )
    tex = provenance_tex(provenance(facts, LABELS))
    assert r"\pkto{1}{source runs 2}" in tex
    assert r"\pkto{2}{A net, tuned 70.0~\%}" in tex


def test_only_an_unusual_way_of_reading_is_told_beside_its_formula() -> None:
    readings = (RunReading("a0", ("identity", "flip")), RunReading("a0", ("identity",)))
    change = Origin(readings, ("a0",), formula="accuracy - accuracy (of the printed numbers)")
    facts = printed(
        measured("results.ma.accuracy", 0.5, "a0"),
        Fact("results.ma.without.no_tta.change", -0.01, "points", origin=change),
    )
    tex = provenance_tex(provenance(facts, LABELS))
    assert rf"\pkline{{How networks were read.}}{{Unless a line says otherwise: {HOW}.}}" in tex
    assert r"\pkline{Accuracy: right predictions over images.}" in tex
    assert r"\pkline{Difference of the printed accuracies; also read with the identity view alone.}" in tex


def test_a_test_names_both_of_its_sides_and_the_ablation_as_the_paper_prints_it() -> None:
    labels = {
        **LABELS,
        "a2": RunLabel("study", "Model a", "ma", "w/o glue", "no_glue", 0, also=(("no_tta", "w/o TTA"),)),
    }
    names = Names.of(labels)
    assert names.subject("claims.results.ma.macro_f1 - results.mb.macro_f1.p") == (
        "Model a against Model b",
        "macro F1",
    )
    assert names.subject("claims.results.average.no_glue.change - 0.p") == ("all networks, w/o glue", "")
    assert names.subject("results.ma.without.no_tta.change") == ("Model a, w/o TTA", "")
    assert names.subject("results.mb.recall.sad") == ("Model b", "sad")


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (
            "abs((results.a.accuracy - results.b.accuracy (of the printed numbers)))",
            "Difference of the printed accuracies, without its sign",
        ),
        ("abs(results.average.x.change)", "Mean change over the networks, without its sign"),
        (
            "mean of results.a.without.x.change, results.b.without.x.change",
            "Mean of the changes over the networks",
        ),
        (
            "mean over seeds of recall.sad",
            "Recall of a class: right predictions over its images; mean over seeds",
        ),
        ("standard deviation of macro_f1", "Standard deviation of macro F1"),
        ("a power of 0.8, of results of other.a.accuracy", "A power of 0.8, of accuracy"),
        (
            "audit.a.accuracy_deduplicated - results.a.accuracy (of the printed numbers)",
            "Accuracy without copies less accuracy, as printed",
        ),
        (
            "two one-sided t-tests; corrected by Holm over the tests of this document",
            "Two one-sided t-tests, corrected by Holm over all tests of this paper",
        ),
        ("cost.a.macs / cost.b.macs", "MACs over MACs"),
        ("(results.a.ece - 1) * (2 - results.b.ece)", "(ECE less 1) times (2 less ECE)"),
    ],
)
def test_a_formula_is_told_in_words(formula: str, words: str) -> None:
    assert formula_words(formula) == words


def test_a_long_text_is_cut_between_words() -> None:
    long = "word " * 40
    facts = printed(Fact("environment.os", long.strip(), "text", origin=Origin(fields=("environment.os",))))
    (line,) = provenance(facts, LABELS).lines
    assert line.entries[0].text.endswith("word \N{HORIZONTAL ELLIPSIS}")


def test_measurements_of_cost_are_counted_with_c_beside_the_networks() -> None:
    labels = {"costs/x": RunLabel("study", "Model a", "ma", "cost on CPU", "", -1), **LABELS}
    legend = Legend(labels, tuple(labels))
    assert [entry.split(" ")[0] for entry in legend.entries()] == ["r1", "r2", "c1"]
    assert legend.short(labels) == "r1, r2, c1"


def test_one_value_printed_in_two_forms_is_one_entry_with_both_numbers() -> None:
    fact = measured("results.ma.accuracy", 0.5, "a0", "a1")
    facts = [PrintedFact(1, fact, fact.text), PrintedFact(2, fact, fact.bare)]
    (line,) = provenance(facts, LABELS).lines
    assert [entry.numbers for entry in line.entries] == [(1, 2)]
    assert r"\pkto{1,2}{Model a 50.0~\%}" in provenance_tex(provenance(facts, LABELS))


def test_runs_of_a_cell_have_one_short_name_and_its_seeds_are_told_where_not_all_are_meant() -> None:
    legend = Legend(LABELS, tuple(LABELS))
    assert legend.entries() == [
        "r1 Model a, Base: a0 (seed 0), a1 (seed 1)",
        "r2 Model b, Base: b0 (seed 0), b1 (seed 1)",
    ]
    assert legend.short(["b0", "b1", "a0", "a1"]) == "r1, r2"
    assert legend.short(["a0", "b1", "b0"]) == "r2, r1 (seed 0)"
    assert Legend({}, ("x",)).entries() == ["r1 x: x"]


def test_three_cells_in_a_row_are_a_range() -> None:
    labels = {str(n): RunLabel("s", f"M{n}", f"m{n}", "Base", "base", 0) for n in range(5)}
    assert Legend(labels, tuple(labels)).short(["0", "1", "2", "4"]) == "r1\N{EN DASH}r3, r5"


def test_provenance_json_tells_value_rounding_origin_and_places() -> None:
    files = page_files(
        made("\\VAR{data.train}\n\\VAR{results.emotion_vit.accuracy}"), manuscript(""), venue()
    )
    told = json.loads(files["provenance.json"])
    assert told["venue"] == "ieeetran"
    assert [fact["key"] for fact in told["facts"]] == ["data.train", "results.emotion_vit.accuracy"]
    fact = told["facts"][1]
    assert (fact["value"], fact["text"]) == (0.7244, "72.4\N{NO-BREAK SPACE}%")
    assert fact["rounding"] == {"kind": "percent", "digits": 1}
    assert fact["origin"]["runs"] == ["aaa"]
    assert fact["places"] == ["templates/manuscript.tex:2"]
    assert told["lines"][fact["line"] - 1]["facts"] == [2]


def venue() -> Venue:
    return load_venue(TEMPLATES, "ieeetran")


def test_the_runs_in_provenance_json_have_names_that_people_know() -> None:
    told = json.loads(provenance_json(provenance([], LABELS), []))
    assert told["runs"]["b1"]["label"] == "Model b, Base, seed 1"
    assert told["runs"]["b1"]["model_key"] == "mb"


APPENDIX = "\\BLOCK{if edition == \"linked\"}\n\\VAR{provenance()}\n\\BLOCK{endif}\n\\VAR{table('classes')}\n"


def test_only_the_linked_edition_has_an_appendix_links_and_attachments() -> None:
    words = manuscript("\\VAR{data.train}\n" + APPENDIX)
    linked, plain = (
        page_files(typeset(words, MATERIAL, load_venue(TEMPLATES, "ieeetran"), edition), words, venue())
        for edition in ("linked", "camera-ready")
    )
    assert b"\\pklinks" in linked["edition.tex"]
    assert b"\\pkattach{provenance.json}" in linked["paper.tex"]
    assert b"draft" in plain["edition.tex"]
    assert b"\\pkprovenance" not in plain["paper.tex"]
    assert "provenance.json" not in plain


def test_a_manuscript_without_the_appendix_has_no_links_to_nowhere() -> None:
    files = page_files(made("\\VAR{data.train}"), manuscript(""), venue())
    assert files["edition.tex"] == b""


def test_a_blind_edition_has_no_authors_and_withholds_what_names_the_build() -> None:
    words = manuscript("\\BLOCK{for a in authors}\\VAR{a.name}\\BLOCK{endfor}\n\\VAR{build.commit}")
    sealed = replace(MATERIAL, facts={**MATERIAL.facts, "build.commit": Fact("build.commit", "12ab", "text")})
    found = typeset(words, sealed, load_venue(TEMPLATES, "ieeetran"), "blind").tex
    assert "Anonymous" in found
    assert "Ada" not in found
    assert "12ab" not in found
    assert "withheld" in found


def twice(first: str, second: str, **changes: object) -> list[PrintedFact]:
    fact = Fact("results.accuracy", 0.7236, "percent", origin=Origin(runs=("a",)))
    places = (Place("templates/a.tex", 3),), (Place("templates/b.tex", 9),)
    return [
        PrintedFact(1, fact, first, places=places[0]),
        PrintedFact(2, replace(fact, **changes), second, places=places[1]),
    ]


def test_one_quantity_printed_with_two_roundings_is_refused_with_both_places() -> None:
    with pytest.raises(
        InputError, match=r"templates/b\.tex:9: .* 72\.36.*, but as 72\.4 in templates/a\.tex:3"
    ):
        same_digits(twice("72.4", "72.36\N{NO-BREAK SPACE}%"))


def test_a_copy_of_a_fact_under_another_key_may_not_be_rounded_otherwise() -> None:
    with pytest.raises(InputError, match=r"72\.36"):
        same_digits(twice("72.4", "72.36", key="results.best.accuracy"))


def test_a_unit_a_sign_a_word_and_an_ordinal_are_no_other_digits() -> None:
    same_digits(twice("72.4", "72.4\N{NO-BREAK SPACE}%"))
    same_digits(twice("\N{MINUS SIGN}3.1", "3.1\N{NO-BREAK SPACE}points"))
    three = Fact("counts.models", 3, "count")
    same_digits([PrintedFact(n, three, text) for n, text in enumerate(("3", "three", "Three", "third"))])


def test_the_same_rounding_holds_through_a_manuscript() -> None:
    table = "\\VAR{table('classes')} \\VAR{results.emotion_vit.accuracy}"
    assert [fact.text for fact in made(table).facts] == ["72.4", "72.4\N{NO-BREAK SPACE}%"]


def test_templates_hold_the_appendix_as_their_last_section() -> None:
    lines = (TEMPLATES / "manuscript.tex").read_text(encoding="utf-8").split("\n")
    last = [line for line in lines if "include" in line][-1]
    assert "appendix/provenance.tex" in last
