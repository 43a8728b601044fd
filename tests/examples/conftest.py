"""The script of paper/examples/recompute with what it reads of the committed paper."""

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "paper" / "examples" / "recompute"
PAPER = ROOT / "paper" / "examples" / "fer2013_small" / "paper.pdf"
RECORDS = PAPER.with_name("records.zip")
MODULES = [path.stem for path in SCRIPT.glob("*.py") if path.stem != "__main__"]
UNCOUNTED = r"build\..*|figure\.tsne\.\w+\.trust"  # names of a build, and of a map that is not packed


@pytest.fixture(scope="package")
def script():
    """The modules of the script by name, imported as the script imports them and forgotten afterwards."""
    sys.path.insert(0, str(SCRIPT))
    try:
        yield {name: importlib.import_module(name) for name in MODULES}
    finally:
        sys.path.remove(str(SCRIPT))
        for name in MODULES:
            sys.modules.pop(name, None)


@pytest.fixture(scope="package")
def pdf(script):
    return script["pages"].opened(PAPER)


@pytest.fixture(scope="package")
def facts(pdf):
    return json.loads(pdf.attachment("provenance.json"))["facts"]


@pytest.fixture(scope="package")
def claims(pdf):
    return json.loads(pdf.attachment("claims.json"))


@pytest.fixture(scope="package")
def judge(script, pdf):
    return judge_of(script, pdf, RECORDS)


def judge_of(script, pdf, packed):
    """What the script holds the numbers of a PDF against."""
    provenance, claims = (json.loads(pdf.attachment(f"{name}.json")) for name in ("provenance", "claims"))
    names = list(dict.fromkeys(label["experiment"] for label in provenance["runs"].values()))
    studies = script["study"].read_studies(ROOT, names, script["stored"].Records(packed))
    family = script["trials"].family_of(claims["family"])
    return script["report"]._judge(script["fields"].Fields(studies, ROOT), family, {})


@pytest.fixture(scope="package")
def missed_lies(script):
    """A function: a PDF with what its numbers are held against -> (how many lies were told, those missed).

    A lie is another last digit, one higher or one lower, of a number on a page and in provenance.json.
    """

    def missed(pdf, judge):
        facts = {fact["number"]: fact for fact in json.loads(pdf.attachment("provenance.json"))["facts"]}
        places = script["printed"].printings(pdf, {number: fact["text"] for number, fact in facts.items()})
        told, found = 0, []
        for number, row in dict.fromkeys((place.number, place.rows[0]) for place in places):
            fact = facts[number]
            for text in lies(fact) if not re.fullmatch(UNCOUNTED, fact["key"]) else ():
                told += 1
                if not tells(judge, {**fact, "text": text}, row):
                    found.append((fact["key"], fact["text"], text))
        return told, found

    return missed


def tells(judge, fact, row):
    """Whether something is found to be wrong or unknown of a fact that stands in a row."""
    return any(not each.agrees or each.kind == "unchecked" for each in judge.findings(fact, 1, row))


def lies(fact):
    """The fact's text with the last digit of one of its numbers changed; not where print rounded a tie."""
    text, exact = fact["text"], fact["value"]
    for number in re.finditer(r"\d(?:[\d,]*\d)?(?:\.\d+)?", text):
        at = number.end() - 1
        for step in (1, 9):
            told = f"{text[:at]}{(int(text[at]) + step) % 10}{text[at + 1 :]}"
            tie = isinstance(exact, float) and abs((exact * 1e4) % 10 - 5) < 1e-6
            if not tie:
                yield told
