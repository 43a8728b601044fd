"""A user's mistake is one clear message on stderr, with what to type, exit code 2, and no traceback."""

from pathlib import Path

import pytest

from paper_kit.core.spec import RunSpec
from paper_kit.core.store import Store
from tests import sealed

STUDY = "experiments/study.toml"


def told(result, *words):
    assert result.exit_code == 2
    assert not isinstance(result.exception, Exception) or isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def change(root, old, new):
    path = root / STUDY
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_an_unknown_key_is_named_with_the_one_that_was_meant(root, paperkit):
    change(root, "epochs = 2", "epocs = 2")
    told(paperkit("run-all"), "error: ", "unknown key 'epocs'. Did you mean 'epochs'?")


def test_an_unknown_plug_in_is_named_with_the_nearest(root, paperkit):
    change(root, 'part = "good"', 'part = "resemotnet"')
    told(paperkit("plan"), "There is no model named 'resemotnet'. Did you mean 'resemotenet'?", STUDY)


def test_an_unknown_argument_of_a_plug_in_is_named(root, paperkit):
    change(root, "width = 8", "widht = 8")
    told(paperkit("plan"), "unknown argument 'widht'. Did you mean 'width'?")


def test_all_problems_are_told_at_once(root, paperkit):
    change(root, "epochs = 2", "epocs = 2\nbatchsize = 3")
    assert paperkit("plan").stderr.count("error: ") == 2


def test_toml_that_cannot_be_read_is_told_with_its_line(root, paperkit):
    (root / STUDY).write_text("question = \n")
    told(paperkit("run-all"), STUDY, "not valid TOML", "line 1")


@pytest.mark.usefixtures("root")
def test_an_unknown_experiment_lists_the_known(paperkit):
    told(paperkit("run-all", "stdy"), "There is no experiment 'stdy'", "Did you mean 'study'?")


def test_a_missing_data_root_says_what_to_type(root, paperkit, monkeypatch):
    from paper_kit.bench import study
    from paper_kit.data.cache import open_dataset

    monkeypatch.setattr(study, "open_dataset", open_dataset)
    change(root, '{ name = "synthetic_faces", train = 28, validation = 14, test = 14 }', '"fer2013"')
    result = paperkit("run-all")
    assert result.exit_code == 2
    assert "--data fer2013=PATH" in result.stderr


@pytest.mark.usefixtures("root")
def test_a_wrong_data_option_says_its_form(paperkit):
    told(paperkit("run-all", "--data", "fer2013"), "--data fer2013: expected name=path")


@pytest.mark.usefixtures("root")
def test_an_unknown_executor_lists_the_known(paperkit):
    told(paperkit("run-all", "--executor", "cloud"), "There is no executor named 'cloud'", "local")
    told(paperkit("run-all", "--executor", "slrm"), "Did you mean 'slurm'?")


@pytest.mark.usefixtures("root")
def test_an_unknown_key_of_only_is_told(paperkit):
    told(paperkit("status", "--only", "goood"), "--only goood", "Did you mean 'good'?")


def test_a_folder_that_is_no_study_says_how_to_make_one(tmp_path, paperkit, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told(paperkit("run-all"), "paper.toml: there is no such file", "paperkit init")


@pytest.mark.usefixtures("root")
def test_an_unknown_run_lists_the_known(paperkit):
    told(paperkit("show", "nobody"), "There is no run 'nobody'", "good/base")


@pytest.mark.parametrize(
    "arguments", [["run-al"], ["run-all", "--jobz", "2"], ["run-all", "--jobs", "two"], ["init"]]
)
@pytest.mark.usefixtures("root")
def test_wrong_usage_is_two_as_well(paperkit, arguments):
    result = paperkit(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


def test_predicting_before_training_says_what_to_type(root, paperkit):
    (root / "me.png").write_bytes(b"")
    result = paperkit("predict", "good", "me.png")
    assert result.exit_code == 2
    assert "is not done (missing). Type `paperkit run-all` first." in result.stderr


@pytest.mark.usefixtures("root")
def test_a_source_run_predicts_no_classes(paperkit):
    source = RunSpec(task="action_units")
    Store(Path("experiments/runs")).begin(source)
    told(paperkit("predict", source.id, "me.png"), "is a source run")


def test_unpacking_nonsense_is_told(root, paperkit):
    (root / "records.zip").write_bytes(b"nonsense")
    told(paperkit("unpack", "records.zip"), "a damaged zip, or none", "no whole pack of records")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("diff", ".", ".", "--pdf", "paper/paper.toml"), "expected the name of a .pdf file"),
        (("diff", ".", ".", "--pdf", "there.pdf"), "this is a folder"),
        (("export", "overleaf", "--to", "paper/paper.toml"), "this is a file"),
        (("export", "overleaf", "--to", "paper.tar.gz"), "named like a file"),
        (("export", "overleaf", "--to", "paper/paper.toml/x.zip"), "is a file and cannot hold others"),
        (("export", "tables", "--to", "paper/paper.toml"), "this is a file"),
        (("export", "ro-crate", "--to", "study.tar"), "named like a file"),
        (("export", "arxiv", "--to", "paper.zip"), "expected the name of a .tar.gz file"),
        (("build-html", "--out", "paper/paper.toml"), "expected the name of a .html file"),
        (("build-docx", "--out", "paper.html"), "expected the name of a .docx file"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_made(root, paperkit, arguments, told):
    (root / "there.pdf").mkdir()
    before = sorted(path for path in root.rglob("*"))
    result = paperkit(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert sorted(path for path in root.rglob("*")) == before


def test_a_disk_that_refuses_is_told_with_the_name_that_was_asked_for(tmp_path):
    from paper_kit.core.files import write_text

    with pytest.raises(OSError, match="too long") as caught:
        write_text(tmp_path / ("a" * 300), "x")
    assert caught.value.filename == str(tmp_path / ("a" * 300))


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(sealed.study(tmp_path / "study"))


@pytest.mark.usefixtures("study")
@pytest.mark.parametrize("command", ["explain", "check", "render", "build-pdf"])
def test_a_folder_of_runs_that_is_not_there_is_told(paperkit, command):
    result = paperkit(command, "--runs", "nowhere")
    assert result.exit_code == 2
    assert "nowhere: there is no such folder of runs. Correct --runs." in result.stderr
