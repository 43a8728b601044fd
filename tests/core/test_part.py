from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.core.part import Part, options, plugin_file


@pytest.mark.parametrize("default", ["size()", "1 / 3", "SIZE", "[x for x in 'ab']", "-'a'"])
def test_a_default_that_only_running_the_plug_in_would_tell_is_named_with_its_line(
    default: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paper_kit.core.part.study_root", lambda: tmp_path)
    file = tmp_path / "odd.py"
    file.write_text(f'"""Odd."""\n\ndef draw(results, style, *,\n         size={default}):\n    pass\n')
    with pytest.raises(InputError, match=r"odd\.py:4: the default of 'size' is .* write its value"):
        options("figure", "odd:draw")


def test_a_module_in_folders_without_init_is_found_and_nothing_on_the_way_is_imported(tmp_path, monkeypatch):
    file = tmp_path / "outer_place" / "inner_place" / "nets.py"
    file.parent.mkdir(parents=True)
    file.write_text("raise SystemExit\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert plugin_file("model", "outer_place.inner_place.nets:build") == file
    assert "outer_place" not in sys.modules
    with pytest.raises(InputError, match="there is no module"):
        plugin_file("model", "outer_place.inner_place.absent:build")


def test_equal_parts_are_one_key_and_a_changed_copy_is_another() -> None:
    one, same = (Part(name="net", arguments={"b": [2], "a": 1}) for _ in range(2))
    kept = {one: "known"}
    changed = one.model_copy(update={"arguments": {"a": 2}})
    assert kept[same] == kept[pickle.loads(pickle.dumps(one))] == "known"
    assert one == same
    assert changed not in kept
    assert hash(changed) == hash(Part(name="net", arguments={"a": 2}))
    assert one.model_dump() == same.model_dump()
