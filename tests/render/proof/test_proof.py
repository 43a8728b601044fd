"""Typed numbers and untested comparatives: what is found in a template, and what is told apart."""

import pytest

from paper_kit.render.proof import check_template
from paper_kit.render.proof.suggest import Values

FACTS = {
    "results.emotion_vit.accuracy": "72.4 %",
    "counts.models": "3",
    "settings.epochs": "12",
    "data.train": "28,709",
}


def found(source: str) -> list[str]:
    return [str(finding) for finding in check_template("templates/x.tex", source).findings]


TYPED = {
    "a Roman numeral": "In MMXII and XCVIII of them.",
    "a sign of a number": "Over Ⅻ runs, ⅞ of them.",
    "tens and ones": "Over ninetyeight of them.",
    "a word cut by a command": r"Over n\textit{i}nety of them.",
    "a trio": "A trio of seeds.",
    "a trillion": "A trillion of them.",
    "a score": "A score of seeds.",
    "a counted pair": "The two networks differ.",
    "a key of a mapping": r'\VAR{{"98.7": "a"}|list|first}',
    "a text taken apart": r'\VAR{"v93.v3".split("v")|join}',
    "a slice": r'\VAR{"x98"[1:]}',
    "a strip": r'\VAR{"x98".strip("x")}',
    "a length": r'\VAR{["a", "b"]|length}',
    "a mapped default": r'\VAR{x|map("default", "98.7", true)|join}',
    "a batch's filling": r'\VAR{x|batch(2, "98.7")|list}',
    "truths added": r"\VAR{true + true}",
    "a loop's number": r"\VAR{loop.index}",
    "a counter": r"\setcounter{hx}{94}\arabic{hx}",
    "a counter's text": r"See \thehx",
    "a minus in a formula": r"At $-$\VAR{results.a.accuracy}",
    "a minus": r"At -\VAR{results.a.accuracy}",
    "a minus in words": r"At minus \VAR{results.a.accuracy}",
    "a minus beside a tag": r"At $-\VAR{results.a.accuracy}$",
    "a digit before a value": r"F9\VAR{results.a.accuracy}",
    "an integer": "We train 42 epochs.",
    "a decimal": "It reaches 72.4 there.",
    "a percentage": r"It reaches 72.4\,\% there.",
    "a range": "Between 3--5 of them.",
    "a number word": "We compare seven of them.",
    "an ordinal": "It begins in the fourth epoch.",
    "a multiple": "The set is twice as large.",
    "a fold": "It needs threefold memory.",
    "a caption": r"\begin{table}[t]\caption{All 42 runs}\end{table}",
    "a short caption": r"\caption[All 42]{All}",
    "a cell": r"\begin{tabular}{lr} a & 72.4 \\ \end{tabular}",
    "a multicolumn": r"\multicolumn{2}{c}{72.4}",
    "a formula": "It is $72.4$ there.",
    "an equation": r"With $\alpha = 0.2$ it is.",
    "an equation of two": r"With $n = 2$ it is.",
    "a product": r"A grid of $2 \times 2$ patches.",
    "a displayed number": r"\begin{equation} x = 72.4 \end{equation}",
    "a group": r"Of {42} and \textbf{17}.",
    "an unknown macro": r"\unknown[12]{x}",
    "a new command": r"\newcommand\x[1]{#1 of 42}",
    "a tag": r"\VAR{72.4}",
    "a text in a tag": r'\VAR{"72.4 percent"}',
    "a word in a tag": r'\VAR{"three seeds"}',
    "a variable": r"\BLOCK{set x = 72.4}",
    "a text variable": r'\BLOCK{set x = "72.4"}',
    "arithmetic": r"\VAR{results.best.accuracy + 3}",
    "a conversion": r"\VAR{results.best.accuracy * 100}",
    "a joined text": r'\VAR{"acc " ~ "72.4"}',
    "a choice": r'\VAR{"72.4" if uses.tta else "71"}',
    "a default": r'\VAR{x|default("72.4")}',
    "a macro's default": r"\BLOCK{macro m(a, b=72.4)}\BLOCK{endmacro}",
    "a macro's argument": r"\VAR{m(72.4)}",
    "a claim": r"\BLOCK{claim results.a.accuracy > 72.4}x\BLOCK{endclaim}",
    "a condition's branch": r"\BLOCK{if uses.tta}ten views\BLOCK{else}all\BLOCK{endif}",
    "alternative text": r"\includegraphics[width=3cm,alt={A bar at 72.4}]{x.pdf}",
    "a footnote": r"Words.\footnote{Of 42 runs.}",
    "text in a formula": r"$x = \text{42 runs}$",
    "one that counts": "We use one seed.",
    "a fraction in words": "One-third of them.",
    "a number after a value": r"\VAR{names.emotion_vit}72",
    "a list in a tag": r"\VAR{[72.4][0]}",
    "a loop over numbers": r"\BLOCK{for x in [72.4]}\VAR{x}\BLOCK{endfor}",
    "a formatted text": r'\VAR{"%s" ~ "72.4 points"}',
    "a power": "It is $10^{-3}$ there.",
    "a sign of a fraction": "Over ½ of them.",
    "verbatim text": r"\verb|72.4| and words",
    "a verbatim block": r"\begin{verbatim}72.4\end{verbatim}",
    "a definition": r"\def\x{72.4}",
    "a heading": r"\section{All 42 runs}",
    "a count like a year": "A set of 2000 images, in 1950 runs.",
    "an item's label": r"\begin{itemize}\item[42] a\end{itemize}",
    "a number with a unit": r"\SI{72.4}{\percent} or \ensuremath{42}",
    "a link's text": r"\href{https://example.org/12}{42 runs}",
    "a raised box": r"\raisebox{2pt}{42}\parbox[t]{3cm}{17}",
    "mathematics in brackets": r"Of \(72.4\) or \[ 42 \]",
    "bold mathematics": r"$\mathbf{72.4}$, $\mathrm{42}$",
    "an aligned formula": r"\begin{align*} a &= 42 \\ b &= 2 \end{align*}",
    "a number beside a name": "A 12-layer network.",
    "a number far from its citation": r"We reach 72.4, as others did \cite{a}.",
}


@pytest.mark.parametrize("source", TYPED.values(), ids=TYPED.keys())
def test_a_typed_number_is_found(source):
    findings = check_template("templates/x.tex", f"Some words.\n{source}\n").findings
    assert findings
    assert {finding.kind for finding in findings} == {"number"}
    assert {finding.place for finding in findings} == {"templates/x.tex:2"}


HARMLESS = {
    "citations": r"\cite[p.~12]{he2016deep}, \ref{tab:2}, \label{sec:3}, \eqref{eq:4}, \input{a1}",
    "columns": r"\begin{tabular}{p{3cm}l}a & b \\[3pt] \cmidrule(lr){2-3}\end{tabular}",
    "lengths": r"\vspace{3pt}\setlength\tabcolsep{4pt}\parbox{0.5\linewidth}{text}\hskip 12pt plus",
    "spans": r"\multicolumn{2}{c}{Change}",
    "options": r"\includegraphics[width=0.5\linewidth]{a2.pdf}\begin{algorithmic}[1]\end{algorithmic}",
    "names": r"F1, FER2013, ResNet-50, EfficientNet-B0, BF16, L2, $F_1$, t-SNE, VGG13, top-5, 3D",
    "years": r"since 2013, (2021), in 1971 \cite{a}",
    "structure": r"$(1-p_k)^2$, $\tfrac{1}{2}(a+b)$, $\sum_{k=1}^{K} x_k$, $\lambda \in [0,1]$, $2x$",
    "a cited number": r"They report 76.82 \cite{a}. VGG reaches 73.28\,\% on FER2013 \cite{b}.",
    "what a citation reports": r"Roy et al.\ \cite{a} report an accuracy of 79.79 there.",
    "comments": "Words. % 72.4 and three\n\\COMMENT{72.4}",
    "layout": r'\VAR{table("layers", model="emotion_vit", operation_in=1.4)}\VAR{figure("a", per_class=2)}',
    "keys": r'\VAR{results["macro_f1"]}\BLOCK{if "fer2013" in model_keys and loop.index > 2}a\BLOCK{endif}',
    "filters": r'\VAR{names|join(", ")}\BLOCK{for row in items|batch(3)}a\BLOCK{endfor}',
    "pairs": "A difference between two networks, of any two networks.",
    "one": "One of them, one another, one component at a time, no one.",
    "seconds": "A second, per second, seconds; half precision; two-dimensional.",
    "escapes": r"\literal{72.4}{an example}",
    "names with a stroke": "ViT-B/16 and CLIP-L/14.",
    "the two": "The two cannot be told apart. The other two agree.",
    "abbreviations": "The MCC, MIX and RGB; Part III, Type III.",
    "a label's number": r"\label{sec:\VAR{loop.index}}",
    "a page's counters": r"\setcounter{tocdepth}{2}\setcounter{page}{1}\thepage, $\theta$",
    "dashes": r"non-\VAR{names.x}, \VAR{a}--\VAR{b}, or -- \VAR{results.x.y} -- and $x - \VAR{results.x.y}$",
    "its own value": r"\VAR{names.emotion_vit} reaches \VAR{results.emotion_vit.accuracy}",
    "sections": "Section 3 and Table~2.",
}


@pytest.mark.parametrize("source", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_is_no_result_is_left_alone(source):
    assert found(source) == []


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("We reach 72.4 here.", r"72.4 is typed; \VAR{results.emotion_vit.accuracy} holds this value."),
        ("We train three models.", r"three is typed; \VAR{counts.models.words} holds this value."),
        ("On 28,709 images.", r"28,709 is typed; \VAR{data.train} holds this value."),
        ("On 28709 images.", r"28709 is typed; \VAR{data.train} holds this value."),
        ("On 71.9 of them.", r"71.9 is typed; print a fact, or write \literal{71.9}{why it is typed}."),
        (r"\VAR{12} epochs", r"12 is typed in \VAR{12}; \VAR{settings.epochs} holds this value."),
        ("Over 3 times.", r"3 is typed; print a fact, or write \literal{3}{why it is typed}."),
        ("The third model.", r"third is typed; print a fact, or write \literal{third}{why it is typed}."),
    ],
)
def test_a_finding_names_the_fact_that_holds_the_value(source, told):
    (finding,) = check_template("templates/x.tex", source, values=Values(FACTS)).findings
    assert str(finding) == f"templates/x.tex:1: {told}"


def test_an_escape_is_listed_and_needs_a_reason():
    proof = check_template("t.tex", "Words.\n\\literal{72.4}{as in the outline} \\literal{3}{ }\n")
    assert [(one.place, one.text, one.reason) for one in proof.literals] == [
        ("t.tex:2", "72.4", "as in the outline"),
        ("t.tex:2", "3", ""),
    ]
    assert [(one.kind, one.place) for one in proof.findings] == [("literal", "t.tex:2")]


def test_a_value_under_another_networks_name_is_found():
    source = r"Words. EmotionViT reaches \VAR{results.advanced_emotenet.accuracy}."
    assert [finding.kind for finding in check_template("t.tex", source).findings] == ["name"]
    assert found(r"EmotionViT \cite{a}: \VAR{results.advanced_emotenet.accuracy} with ours.") == []


def test_an_escape_without_braces_is_told():
    (told,) = found(r"Of \literal{3} items.")
    assert told.endswith(r"\literal{3} has no reason; write \literal{3}{why it is typed}.")
    assert "takes its words in braces" in found(r"\opinion this is a view.")[0]


def test_lines_hold_behind_lines_of_tags_and_windows_ends():
    source = "a\r\n\\BLOCK{if x}\r\n\\VAR{y}\r\nof 72.4 points\r\n\\BLOCK{endif}\r\n"
    assert found(source)[0].startswith("templates/x.tex:4: 72.4 is typed")


def test_broken_tags_and_broken_tex_are_told_and_hide_nothing():
    assert "is never closed" in found("a\n\\VAR{x")[0]
    assert found(r"a \VAR{x +} b")[0].startswith(r"templates/x.tex:1: \VAR{x +}")
    assert any("72.4" in finding for finding in found("{ \\textbf{open $x = 1 \n\n 72.4 \\end{table}"))


CLAIMS = (
    r"\VAR{names.emotion_vit} outperforms the others.",
    "Mixup improves accuracy.",
    "The transformer is better than the convolutional network.",
    "No network is more robust.",
    "Removing attention degrades recall.",
    r"The best of all is \VAR{results.best.model}.",
    "Our recipe reaches the state of the art.",
)


@pytest.mark.parametrize("sentence", CLAIMS)
def test_a_comparative_outside_a_claim_is_found(sentence):
    (finding,) = check_template("t.tex", f"Some words stand here.\n{sentence} More words follow.\n").findings
    assert (finding.kind, finding.place) == ("claim", "t.tex:2")
    assert check_template("t.tex", rf"\BLOCK{{claim a > b}}{sentence}\BLOCK{{endclaim}}").findings == ()
    assert check_template("t.tex", rf"Words. \opinion{{{sentence}}} Words.").findings == ()
    assert len(check_template("t.tex", rf"\section{{{sentence}}}").findings) == 1
    ours = sentence.startswith(("\\VAR", "Our"))
    assert len(check_template("t.tex", rf"{sentence[:-1]} \cite{{a}}.").findings) == ours


@pytest.mark.parametrize(
    "sentence",
    [
        "A negative entry means that accuracy fell without the component.",
        r"A difference between networks of less than \VAR{results.resolvable} would go unnoticed.",
        "Whether mixup improves accuracy is asked below.",
        "At least a network is trained with mixup.",
        "Networks are given by name, as well as recipes.",
        "The order of the networks has more than one possible cause.",
    ],
)
def test_a_sentence_that_claims_nothing_is_left_alone(sentence):
    assert check_template("t.tex", f"Words.\n{sentence}\n").findings == ()


def test_a_citation_in_another_branch_excuses_nothing():
    source = r"\BLOCK{if a}Mixup is known \cite{a}\BLOCK{else}Mixup improves accuracy\BLOCK{endif} here."
    assert [finding.kind for finding in check_template("t.tex", source).findings] == ["claim"]


MORE_CLAIMS = (
    r"EmotionViT out\-per\-forms ResEmoteNet.",
    r"EmotionViT out{}performs ResEmoteNet.",
    r"EmotionViT o\textit{ut}performs ResEmoteNet.",
    r"EmotionViT outperforms ResEmoteNet \cite{x}.",
    r"\section{EmotionViT outperforms ResEmoteNet}",
    r"\VAR{names.emotion_vit} lies above \VAR{names.resemotenet}.",
    "EmotionViT lies above ResEmoteNet.",
    "EmotionViT defeats ResEmoteNet.",
    "EmotionViT leaves the others behind.",
    "EmotionViT sets a new record.",
    "ResEmoteNet cannot compete with EmotionViT.",
    "ResEmoteNet is nowhere near EmotionViT.",
    "First place goes to EmotionViT.",
    "It is faster.",
    "They are more accurate.",
    "This net is faster.",
    "The error is lower than before.",
)


@pytest.mark.parametrize("sentence", MORE_CLAIMS)
def test_a_claim_in_other_words_is_found(sentence):
    assert [finding.kind for finding in check_template("t.tex", f"{sentence}\n").findings] == ["claim"]


@pytest.mark.parametrize(
    "sentence",
    [
        r"\subsection{Relation to the state of the art}",
        r"The network of \cite{x} outperforms others.",
        r"ResEmoteNet \cite{x} outperforms VGG.",
        r"\textbf{Setup.} \emph{Words}{.}",
    ],
)
def test_headings_and_cited_sentences_that_claim_nothing_of_ours_are_left_alone(sentence):
    assert found(sentence) == []


def test_opinions_are_listed_and_their_numbers_still_count():
    proof = check_template("t.tex", "Words.\n\\opinion{Mixup is better by 3 points}.")
    assert [(one.place, one.text) for one in proof.opinions] == [("t.tex:2", "Mixup is better by 3 points")]
    assert [finding.kind for finding in proof.findings] == ["number"]
