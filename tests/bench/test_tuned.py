"""What is kept of a search, and where it is written."""

import tomllib

import pytest

from paper_kit.bench.tuned import MARK, append_log, choice, default_out, noise, told, write_tuned
from paper_kit.core.errors import InputError
from paper_kit.core.experiment import load_experiment
from paper_kit.core.tuning import SearchRecord, TrialRow

SOURCE = """# Question: does it work?
name = "study"
question = "Does it work?"  # yes
[base]
dataset = { name = "synthetic_faces" }
[base.optim]
lr = 2e-3  # chosen by hand
[[model]]
key = "net"
label = "Net"
part = { name = "resemotenet", width = 8 }
[[model]]
key = "vit"
label = "ViT"
part = "emotion_vit"
"""


def row(number, accuracy, state="complete", **settings):
    params = {"optim.lr": settings.get("optim.lr", 2e-3)}
    more = {"params": params, "settings": settings, "own": not settings, "state": state}
    return TrialRow(number=number, value=accuracy, accuracy=accuracy, epochs=6, seconds=1.0, **more)


def record(*trials, **more):
    kept = choice(trials, 1000, False)
    fields = {
        "kind": "search", "fields": ("optim.lr",), "trials_planned": 3, "epochs": 6, "train_fraction": 0.3,
        "seed": 0, "sampler_seed": 0, "select": "accuracy", "validation_images": 1000, "trials": trials,
        "chosen": kept.chosen, "verdict": kept.verdict, "command": "paperkit tune study",
        "ended_at": "2026-01-02T03:04:05+00:00", "fingerprint": "f" * 16,
    }  # fmt: skip
    return SearchRecord(**(fields | more))


OWN, BETTER, LUCKY = row(0, 0.5), row(1, 0.6, **{"optim.lr": 1e-3}), row(2, 0.52, **{"optim.lr": 3e-3})


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(SOURCE)
    return path


def test_the_noise_of_an_accuracy_is_that_of_the_binomial():
    from scipy.stats import norm

    assert noise(0.6, 3589) == pytest.approx(norm.ppf(0.975) * (0.6 * 0.4 / 3589) ** 0.5)


def test_a_gain_beyond_noise_is_taken_and_a_smaller_one_only_on_request():
    assert choice([OWN, BETTER, LUCKY], 1000, False).chosen == {"optim.lr": 1e-3}
    kept = choice([OWN, LUCKY], 1000, False)
    assert (kept.chosen, kept.verdict) == ({}, "not better than noise: kept (+2.0 points, noise ±3.1)")
    assert choice([OWN, LUCKY], 1000, True).chosen == {"optim.lr": 3e-3}


def test_pruned_trials_are_never_chosen_and_nothing_is_without_the_own_one():
    assert not choice([OWN, row(1, 0.9, "pruned", **{"optim.lr": 1e-3})], 1000, False).chosen
    assert "no finished trial to compare" in choice([BETTER], 1000, False).verdict
    assert "no trial was above" in choice([row(0, 0.6), LUCKY], 1000, True).verdict


def test_the_tuned_file_keeps_comments_and_says_how_it_was_found(source):
    out = source.with_name("study_tuned.toml")
    records = {"net": record(OWN, BETTER, LUCKY), "vit": record(OWN, LUCKY)}
    write_tuned(source, out, records, "paperkit tune study --trials 3")
    text = out.read_text()
    assert text.startswith(f"{MARK}paperkit tune study --trials 3\n# From study.toml; chosen on validation")
    assert (
        "# net: 3 of 3 trials of 6 epochs on 30 % of the training images, seed 0, "
        "best 60.0 % (optim.lr = 0.001), own 50.0 %; changed: better than noise (+10.0 points, noise ±3.1)"
    ) in text
    assert "lr = 2e-3  # chosen by hand" in text
    made = load_experiment(out)
    assert made.name == "study_tuned"
    assert made.model[0].set == {"optim.lr": 0.001}
    assert made.model[1].set == {}
    assert source.read_text() == SOURCE


def test_a_file_that_a_person_wrote_is_not_written_over(source):
    records = {"net": record(OWN, BETTER)}
    with pytest.raises(InputError, match="the experiment itself"):
        write_tuned(source, source, records, "paperkit tune study")
    other = source.with_name("other.toml")
    other.write_text(SOURCE)
    with pytest.raises(InputError, match="not written by `paperkit tune`; name another with --out"):
        write_tuned(source, other, records, "paperkit tune study")
    out = source.with_name("study_tuned.toml")
    for _ in range(2):
        write_tuned(source, out, records, "paperkit tune study")
    assert tomllib.loads(out.read_text())["model"][0]["set"] == {"optim.lr": 0.001}


def test_what_was_tuned_before_gets_the_next_number(tmp_path):
    for name, wanted in (
        ("a", "a_tuned"),
        ("a_tuned", "a_tuned2"),
        ("a_tuned2", "a_tuned3"),
        ("b_tunedx", None),
    ):
        found = default_out(tmp_path / f"{name}.toml", tmp_path)
        assert found.stem == (wanted or f"{name}_tuned")


def test_the_log_gets_a_line_for_each_question_also_where_nothing_was_found(tmp_path):
    log = tmp_path / "LOG.md"
    append_log(log, "study", {"net": "Net"}, {"net": record(OWN, BETTER)})
    append_log(log, "study", {"vit": "ViT"}, {"vit": record(OWN, LUCKY)})
    lines = log.read_text().splitlines()
    assert lines[0] == "# Searches"
    assert lines[-2].startswith("| 2026-01-02 | study, Net: optim.lr in 0.001 to 0.002? |")
    assert lines[-1].endswith("| not better than noise: kept (+2.0 points, noise ±3.1) |")
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1


def test_a_record_that_has_only_failures_is_still_told():
    assert told(record(row(0, None, "failed"))) == (
        "0 of 3 trials of 6 epochs on 30 % of the training images, seed 0; "
        "kept: the file's own settings have no finished trial to compare with"
    )
