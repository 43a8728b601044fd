"""Folders of records from strangers: read, or refused with the name of the file."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from typer.testing import CliRunner

from paper_kit.analysis.audits import audits
from paper_kit.analysis.facts._tree import collect_facts
from paper_kit.analysis.results import collect
from paper_kit.cli import app
from paper_kit.core.arrays import read_npz
from paper_kit.core.derive import to_toml
from paper_kit.core.errors import InputError, PaperkitError
from paper_kit.core.plan import load_plans
from paper_kit.core.spec import Resources
from paper_kit.core.store import Store
from tests.analysis.fabricated import experiment, fabricate
from tests.fuzz.guard import fuzz, guarded, plant_canaries
from tests.fuzz.mutations import VALUES, changed_json, mutated

JSON = ("record.json", "spec.json")
SHAPES = [(0,), (3,), (2, 30, 7), (10**12,), (2**62, 2**62), (-1,), (), (30,), (1, 1, 1)]
DTYPES = ["<f4", "<i8", "<U5", "|O", "|b1", "<f8", "|V8", "<M8[s]", "<c16"]


@dataclass(frozen=True)
class Study:
    """A study at `root` whose Store has one finished run of each cell; `files` are as they were."""

    root: Path
    files: dict[str, bytes]

    @property
    def store(self) -> Store:
        return Store(self.root / "experiments" / "runs")

    def put(self, name: str, content: bytes) -> None:
        """Nothing; the Store is as it was but for this file."""
        for path in self.store.root.rglob("*"):
            if path.is_file() and path.relative_to(self.store.root).as_posix() not in self.files:
                path.unlink()
        for other, data in self.files.items():
            path = self.store.root / other
            if not path.is_file() or path.read_bytes() != data:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        (self.store.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.store.root / name).write_bytes(content)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    written = experiment(models=1).model_dump(mode="json", exclude_defaults=True)
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "paper.toml").write_text('experiments = ["fabricated"]\n')
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "fabricated.toml").write_text(to_toml(written))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    runs = tmp_path / "experiments" / "runs"
    fabricate(runs, models=1, images=30)
    (plan,) = load_plans((tmp_path / "experiments" / "fabricated.toml",))
    assert all((runs / run.id / "record.json").is_file() for run in plan.runs)
    plant_canaries(tmp_path)
    files = {
        path.relative_to(runs).as_posix(): path.read_bytes() for path in runs.rglob("*") if path.is_file()
    }
    return Study(tmp_path, files)


@st.composite
def an_npz(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file of arrays in which some have another shape, type or length, or are objects."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(whole)) as old,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            data = old.read(name)
            match draw(st.integers(0, 5)):
                case 0:
                    shape, dtype = draw(st.sampled_from(SHAPES)), draw(st.sampled_from(DTYPES))
                    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
                    padded = header.ljust(117) + "\n"
                    data = (
                        b"\x93NUMPY\x01\x00"
                        + len(padded).to_bytes(2, "little")
                        + padded.encode()
                        + data[128:]
                    )
                case 1:
                    made = io.BytesIO()
                    shape = draw(
                        st.sampled_from([shape for shape in SHAPES if 0 <= np.prod(shape, dtype=float) < 1e4])
                    )
                    if min(shape, default=0) < 0:
                        continue
                    fill = draw(st.sampled_from([0, -1, 1e30, float("nan"), float("inf"), 6]))
                    dtype = draw(st.sampled_from(["f4", "f8", "f2"])) if fill != int_or(fill) else "f4"
                    np.save(made, np.full(shape, fill, dtype))
                    data = made.getvalue()
                case 2:
                    data = draw(mutated([data], most=2))
                case 3:
                    continue
            new.writestr(name, data)
    return written.getvalue()


def int_or(value: float) -> float:
    return value if np.isfinite(value) else 0.0


def damaged(files: dict[str, bytes]) -> st.SearchStrategy[tuple[str, bytes]]:
    """A file of the Store and what it holds after chance or malice."""
    names = sorted(files)
    beside = [name for name in names if name.startswith(("audits/", "costs/"))]
    ends = [
        *sorted({name.rpartition("/")[2] for name in names} - {Path(name).name for name in beside}),
        *beside,
    ]

    @st.composite
    def one(draw: st.DrawFn) -> tuple[str, bytes]:
        end = draw(st.sampled_from(ends))
        name = draw(st.sampled_from([name for name in names if name.endswith(end)]))
        whole = files[name]
        if name.endswith(".npz") and draw(st.booleans()):
            return name, draw(an_npz(whole))
        if name.endswith(".json") and draw(st.integers(0, 3)):
            value = draw(changed_json(json.loads(whole)))
            return name, json.dumps(value, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")
        if name.endswith(".jsonl") and draw(st.booleans()):
            rows = [json.loads(line) for line in whole.splitlines()]
            return name, b"".join(json.dumps(row).encode() + b"\n" for row in draw(changed_json(rows)) or [0])
        if draw(st.integers(0, 19)) == 0:
            extra = draw(st.sampled_from(["lease", "error.txt", "x.json"]))
            return f"{name.rpartition('/')[0]}/{extra}", draw(mutated([b"pid=1\nhost=x\n", b"failed\n\n"]))
        return name, draw(mutated([whole]))

    return one()


def looked_at(study: Study, file: tuple[str, bytes]) -> None:
    """Nothing; all that reads records told what is wrong, or nothing was."""
    study.put(*file)
    run = next(name for name in study.files if name.endswith("record.json")).partition("/")[0]
    for command in (["status"], ["show", run]):
        result = CliRunner().invoke(app, command)
        assert result.exception is None or isinstance(result.exception, SystemExit), file[0]
        assert "Traceback" not in result.output
    plans = load_plans((study.root / "experiments" / "fabricated.toml",))
    readers: tuple[Callable[[], object], ...] = (
        lambda: collect_facts(collect(plans, study.store, resources=Resources(cache=study.root / "cache"))),
        lambda: audits(collect(plans, study.store, resources=Resources(cache=study.root / "cache"))),
    )
    for reader in readers:
        with suppress(PaperkitError):
            reader()


def test_a_mutated_record_folder_is_read_or_refused(study: Study) -> None:
    fuzz(8, damaged(study.files), study.root, lambda file: looked_at(study, file))


@pytest.mark.slow
def test_a_thousand_mutated_record_folders_are_read_or_refused(study: Study) -> None:
    fuzz(1000, damaged(study.files), study.root, lambda file: looked_at(study, file))


class Harmful:
    """What a pickle would run."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return exec, ("raise SystemExit('the canary sang')",)


def test_arrays_of_objects_are_refused_and_nothing_is_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "predictions.npz"
    np.savez(path, allow_pickle=True, test_ids_N=np.array([Harmful()], dtype=object))
    with guarded(tmp_path), pytest.raises(ValueError, match="objects"):
        read_npz(path)


def test_an_array_that_claims_more_than_its_file_holds_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "predictions.npz"
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117) + "\n"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(8)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", data)
    with pytest.raises(ValueError, match="where its header says 4000000000128"):
        read_npz(path)


def test_a_record_that_is_no_record_names_its_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.folder("a").mkdir()
    for value in VALUES:
        store.file("a", "record.json").write_text(json.dumps(value))
        with pytest.raises(InputError, match=r"record\.json"):
            store.record("a")


@pytest.mark.slow
def test_a_checkpoint_that_would_run_code_is_set_aside_and_weights_that_would_are_refused(
    tmp_path: Path,
) -> None:
    import torch

    from paper_kit.bench.checkpoint import load_checkpoint, load_weights

    path, said = tmp_path / "checkpoint.pt", list[str]()
    torch.save({"weights": Harmful()}, path)
    with guarded(tmp_path):
        with pytest.raises(InputError, match=r"checkpoint\.pt: not readable"):
            load_weights(path)
        assert load_checkpoint(path, said.append) is None
    assert [path.name for path in tmp_path.glob("*.damaged")] == ["checkpoint.pt.damaged"]
    assert "not readable" in said[0]
