"""Audits of a study: what leaked, what the numbers say without it, and what was checked."""

import numpy as np
import pytest

from paper_kit.analysis.facts.audit import facts
from paper_kit.analysis.results import collect
from tests.analysis.fabricated import audit, fabricate

IMAGES = 200


@pytest.fixture
def study(tmp_path):
    """A function: how test images leaked -> Results with that audit."""
    plans, store = fabricate(tmp_path, seeds=(0, 1), models=2, images=IMAGES, audited=False)

    def results(**leaks):
        if leaks:
            store.write_audit(audit(**leaks))
        return collect(plans, store)

    return results


def test_without_an_audit_its_facts_are_there_and_missing(study):
    found = facts(study())
    assert {fact.key for fact in found.values() if not fact.missing} == set()
    assert "resemotenet.accuracy_deduplicated" in found


def test_the_deduplicated_accuracy_leaves_out_exactly_the_leaked_test_images(study):
    results = study(exact=(0, 3), near=(3, 7))
    found = facts(results)
    measured = results.measured("resemotenet")
    kept = np.ones(IMAGES, dtype=bool)
    kept[[0, 3, 7]] = False
    by_hand = np.mean([(one.predicted_N == one.labels)[kept].mean() for one in measured.predictions])
    assert found["resemotenet.accuracy_deduplicated"].value == pytest.approx(by_hand)
    numbers = {key: found[key].value for key in ("duplicates.exact", "duplicates.near", "test_deduplicated")}
    assert numbers == {"duplicates.exact": 2, "duplicates.near": 1, "test_deduplicated": IMAGES - 3}


def test_the_printed_change_is_the_difference_of_the_printed_accuracies(study):
    found = facts(results := study(exact=tuple(range(40))))
    full = results.measured("resemotenet").mean("accuracy")
    change = found["resemotenet.deduplicated_change"]
    printed = round(100 * found["resemotenet.accuracy_deduplicated"].value, 1) - round(100 * full, 1)
    assert change.kind == "points"
    assert 100 * change.value == pytest.approx(printed)
    assert change.terms == ()


def test_where_every_test_image_leaked_there_is_no_deduplicated_accuracy(study):
    found = facts(study(exact=tuple(range(IMAGES))))
    assert found["resemotenet.accuracy_deduplicated"].missing
    assert found["test_deduplicated"].value == 0
