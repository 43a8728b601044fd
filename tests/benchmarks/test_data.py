"""The benchmark of datasets runs on a few drawn faces."""

import pytest

from benchmarks import data


@pytest.mark.slow
def test_it_prints_the_open_and_the_training_with_their_memory(capsys):
    assert data.main(["--small"]) == 0
    versions, _, opened, trained = capsys.readouterr().out.splitlines()
    assert "torch" in versions
    assert opened.split()[:3] == ["drawn", "faces", "252"]
    assert trained.split()[:5] == ["one", "epoch", "of", "training", "252"]
    assert float(trained.split()[-1]) > 200  # MB: torch alone


def test_without_the_data_it_says_where_they_belong(monkeypatch, capsys):
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    assert data.main([]) == 2
    assert "PAPERKIT_DATA" in capsys.readouterr().err
