"""A figure's notes end its caption."""

from paper_kit.render.captions import with_notes

PICTURE = r"\includegraphics{a.pdf}"


def figure(caption: str, notes: str = r"\pknotes{Bars: \pkfact{3}{95 \%} intervals.\par Two seeds.}") -> str:
    return "\n".join([r"\begin{figure}[t]", f"{PICTURE}{notes}", caption, r"\end{figure}", "Text."])


def test_the_notes_of_a_figure_are_the_last_sentences_of_its_caption():
    made = with_notes(figure(r"\caption[Short]{Accuracy of {all} networks}"))
    notes = r"{\mdseries Bars: \pkfact{3}{95 \%} intervals. Two seeds.}"
    assert made == figure(rf"\caption[Short]{{Accuracy of {{all}} networks. {notes}}}", "")


def test_a_caption_that_ends_with_a_stop_gets_no_other():
    made = with_notes(figure("\\caption{Accuracy.\ue0000:12\ue001\n}"))
    assert "Accuracy.\ue0000:12\ue001 {\\mdseries Bars" in made
    assert ". ." not in made


def test_notes_stay_below_a_picture_without_a_caption_or_with_one_that_is_another_figures():
    bare = f"{PICTURE}\\pknotes{{Two seeds.}}\nText.\n"
    assert with_notes(bare) == bare
    other = bare + figure(r"\caption{Another}")
    assert with_notes(other).startswith(bare)
    assert r"\caption{Another. {\mdseries Bars" in with_notes(other)
    assert with_notes(figure(r"\label{x}")) == figure(r"\label{x}")


def test_two_pictures_in_a_figure_keep_the_notes_that_cannot_be_told_apart_below_the_first():
    two = figure(r"\caption{Both}").replace(PICTURE, PICTURE + r"\pknotes{First.}" + PICTURE, 1)
    made = with_notes(two)
    assert r"\pknotes{First.}" in made
    assert r"\caption{Both. {\mdseries Bars" in made
