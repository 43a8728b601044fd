"""What is private on a machine is in nothing that the product writes."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from paper_kit.core.private import PrivateText, without_private
from paper_kit.core.store import Store

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "plantedAws/K7MDENG+bPxRfi",
    "GITHUB_TOKEN": "ghp_plantedGithub0123456789",
    "HF_TOKEN": "hf_plantedFace0123456789",
    "WANDB_API_KEY": "plantedwandb0123456789",
    "MY_PASSWORD": "planted pass word",
    "DATABASE_URL": "postgres://planteduser:plantedpw@db.internal/x",
    "UNREMARKABLE": "plantedordinary0123456789",
    "SSH_AUTH_SOCK": "/run/plantedsocket/agent.1",
}
PERSON, HOST, HOME = "plantedperson", "plantedhost", "plantedhome"
SITE = f"""
import os, platform, socket
socket.gethostname = platform.node = lambda: {HOST!r}
"""
EXPERIMENT = """
question = "Is anything of this machine told?"
seeds = [0]
[base]
epochs = 1
batch_size = 16
dataset = { name = "synthetic_faces", train = 56, validation = 28, test = 28 }
[[model]]
key = "small"
label = "Small"
part = "mini_xception"
[[model]]
key = "leaking"
label = "Leaking"
part = "leaking"
[[ablation]]
key = "no_tta"
label = "w/o TTA"
reading = { views = ["identity"] }
"""
LEAKING = '''"""A model that says more than it should."""
import os
import sys
import warnings


def build(num_classes: int, *, image_size: int = 48, channels: int = 1):
    print("printed", os.environ["GITHUB_TOKEN"], flush=True)
    print("printed", os.environ["HOME"], file=sys.stderr)
    warnings.warn(os.environ["MY_PASSWORD"], stacklevel=1)
    raise RuntimeError(f"{os.environ['DATABASE_URL']} {os.environ['USER']} {os.getcwd()}")
'''


def contents(root: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of all files below the folder, of those inside their archives and PDFs too."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.parent.name != "__pycache__":  # Python's own, beside a plug-in
            data = path.read_bytes()
            yield str(path.relative_to(root)), data
            yield from ((f"{path.name}: {name}", inner) for name, inner in inside(data))


def inside(data: bytes) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of the members of an archive or of the streams and strings of a PDF."""
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name, archive.read(name)
    elif data[:5] == b"%PDF-":
        import pikepdf

        with pikepdf.open(io.BytesIO(data)) as document:
            for number, each in enumerate(document.objects):
                if isinstance(each, pikepdf.Stream):
                    if each.get("/Subtype") != "/Image":
                        yield f"stream {number}", each.read_bytes()
                else:
                    yield f"object {number}", str(each).encode()
    elif data[:2] == b"\x1f\x8b":
        import gzip

        yield "unpacked", gzip.decompress(data)


def leaks(root: Path, planted: Mapping[str, str]) -> list[str]:
    """File and name of each planted value that stands in a file below the folder."""
    values = {name: value.encode() for name, value in planted.items()}
    return [
        f"{file}: {name}" for file, data in contents(root) for name, value in values.items() if value in data
    ]


@pytest.fixture
def machine(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A study in the home folder of a person with secrets, and the environment of that person."""
    home = tmp_path / HOME
    (home / "site").mkdir(parents=True)
    (home / "site" / "sitecustomize.py").write_text(SITE)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    told = {"HOME": str(home), "USER": PERSON, "LOGNAME": PERSON, "HOSTNAME": HOST}
    paths = {"PYTHONPATH": os.pathsep.join([str(home / "site"), str(ROOT)]), "OMP_NUM_THREADS": "1"}
    return home, kept | told | paths | SECRETS | {"MPLBACKEND": "Agg"}


def test_secrets_names_and_the_home_folder_are_taken_out_of_a_text() -> None:
    environment = {
        "HOME": "/home/anna",
        "USER": "anna",
        "API_TOKEN": "abc123def",
        "X_KEY": "1",
        "PWD": "/srv/x",
    }
    told = without_private("abc123def by anna in /home/anna/study, not in /home/annabel, 1, /x", environment)
    assert told == "[API_TOKEN] by [user] in ~/study, not in /home/annabel, 1, /x"


def test_a_secret_that_begins_like_a_path_is_taken_out_and_a_path_is_not(tmp_path: Path) -> None:
    for secret in ("/wJalrXUtnFEMI+K7MDENG=", "~planted0123", ".planted0123"):
        assert without_private(f"with {secret}", {"API_TOKEN": secret}) == "with [API_TOKEN]"
    assert without_private(f"in {tmp_path}", {"PWD": str(tmp_path)}) == f"in {tmp_path}"


def test_common_words_are_no_names_of_anybody() -> None:
    assert without_private("the root of /rooted", {"HOME": "/root", "USER": "root"}) == "the root of /rooted"


def test_a_secret_cut_by_a_pipe_is_still_taken_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "abc123def")
    with (tmp_path / "log").open("wb") as log:
        stream = PrivateText(log.fileno())
        for piece in ("a\nb abc1", "23def c\n", "d"):
            stream.write(piece)
        stream.flush()
    assert (tmp_path / "log").read_text() == "a\nb [API_TOKEN] c\nd"


def test_the_reason_of_a_failure_is_written_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / HOME))
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    told = " ".join(value for name, value in SECRETS.items() if name not in {"UNREMARKABLE", "SSH_AUTH_SOCK"})
    Store(tmp_path).fail("0" * 12, f"OSError: {told}", f'File "{tmp_path}/{HOME}/net.py", line 1 {told}')
    text = (tmp_path / ("0" * 12) / "error.txt").read_text()
    assert 'File "~/net.py", line 1' in text
    assert "planted" not in text


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_planted_secrets_are_in_no_record_log_paper_or_export(machine: tuple[Path, dict[str, str]]) -> None:
    home, environment = machine
    study, python = home / "study", [sys.executable, "-P", "-c", "from paper_kit.cli import app; app()"]
    shutil.which("latexmk") or pytest.skip("needs TeX: make tex")

    def paperkit(*arguments: str, where: Path = study) -> str:
        done = subprocess.run(
            [*python, *arguments], cwd=where, env=environment, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    paperkit("init", "study", where=home)
    (study / "plugins" / "model").mkdir(parents=True, exist_ok=True)
    (study / "plugins" / "model" / "leaking.py").write_text(LEAKING)
    (study / "experiments" / "quick.toml").write_text(EXPERIMENT)
    said = ""
    for model in ("small", "leaking"):  # one alone is not measured, which takes its time
        said += paperkit("run-all", "quick", "--jobs", "1", "--only", model)
    runs = study / "experiments" / "runs"
    assert len(list(runs.glob("*/record.json"))) == 1, said
    assert "[DATABASE_URL]" in next(runs.glob("*/error.txt")).read_text()
    said += paperkit("build-pdf") + paperkit("build-html") + paperkit("build-docx")
    for what in ("overleaf", "arxiv", "tables", "ro-crate"):
        said += paperkit("export", what)
    said += paperkit("pack", "quick", "--to", "records.zip") + paperkit("status")
    assert (study / "paper" / "build" / "paper.pdf").is_file(), said
    assert (study / "records.zip").is_file(), said
    shutil.rmtree(study / "experiments" / "data")  # where images were read from: it stays on this machine
    planted = {**SECRETS, "user": PERSON, "host": HOST, "home": HOME}
    assert leaks(study, planted) == []
