"""Single image files."""

import numpy as np
import pytest
from PIL import Image

from paper_kit.core.errors import InputError
from paper_kit.data.pictures import read_pictures


def test_pictures_come_in_the_size_and_channels_asked_for(tmp_path):
    Image.fromarray(np.full((90, 70, 3), 200, dtype=np.uint8)).save(tmp_path / "a.png")
    grey, colour = (read_pictures([tmp_path / "a.png"], 48, channels)[0] for channels in (1, 3))
    assert grey.shape == (48, 48)
    assert colour.shape == (48, 48, 3)
    assert grey.dtype == np.uint8


def test_all_unreadable_files_are_listed(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(InputError) as caught:
        read_pictures([tmp_path / "none.png", tmp_path / "text.png", tmp_path], 48, 1)
    assert len(caught.value.problems) == 3
    assert "none.png: No such file or directory." in caught.value.problems[0]
