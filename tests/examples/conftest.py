"""The script of paper/examples/recompute with what it reads of the committed paper."""

import importlib
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "paper" / "examples" / "recompute"
PAPER = ROOT / "paper" / "examples" / "fer2013_small" / "paper.pdf"
RECORDS = PAPER.with_name("records.zip")
MODULES = [path.stem for path in SCRIPT.glob("*.py") if path.stem != "__main__"]


@pytest.fixture(scope="module")
def script():
    """The modules of the script by name, imported as the script imports them and forgotten afterwards."""
    sys.path.insert(0, str(SCRIPT))
    try:
        yield {name: importlib.import_module(name) for name in MODULES}
    finally:
        sys.path.remove(str(SCRIPT))
        for name in MODULES:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def pdf(script):
    return script["pages"].opened(PAPER)


@pytest.fixture(scope="module")
def facts(pdf):
    return json.loads(pdf.attachment("provenance.json"))["facts"]


@pytest.fixture(scope="module")
def claims(pdf):
    return json.loads(pdf.attachment("claims.json"))


@pytest.fixture(scope="module")
def judge(script, claims):
    study = script["stored"].read_study(
        ROOT / "experiments" / "fer2013_small.toml", script["stored"].Records(RECORDS)
    )
    family = script["trials"].family_of(claims["family"])
    return script["report"]._judge(script["fields"].Fields(study, ROOT), family, {})
