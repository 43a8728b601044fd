"""Results of made-up runs, full and degenerate, shared by the tests of analysis."""

from __future__ import annotations

import pytest

from paper_kit.analysis.results import Results, collect
from paper_kit.core.spec import Resources
from tests.analysis.fabricated import MANY_CLASSES, NASTY, fabricate

CASES = {
    "three_models": {},
    "three_seeds": {"seeds": (0, 1, 2)},
    "one_model": {"models": 1},
    "absent_class": {"absent": 1},
    "nothing_finished": {"finished": False},
    "no_costs": {"costs": False},
    "nasty_names": {"classes": NASTY},
}
CONTRACT = {
    "tiny": {"models": 1, "images": 30},
    "huge": {"models": 12, "classes": MANY_CLASSES, "seeds": (0, 1), "images": 600},
    "degenerate": {"absent": 1, "not_finite": True, "images": 60},
}


@pytest.fixture(scope="session")
def fabricated(tmp_path_factory):
    """A function: case name -> Results, each made once."""
    made: dict[str, Results] = {}
    maps = tmp_path_factory.mktemp("cache")

    def results(case: str) -> Results:
        if case not in made:
            plans, store = fabricate(tmp_path_factory.mktemp(case), **(CASES | CONTRACT)[case])
            made[case] = collect(plans, store, resources=Resources(cache=maps))
        return made[case]

    return results


@pytest.fixture(scope="session")
def results(fabricated):
    return fabricated("three_models")
