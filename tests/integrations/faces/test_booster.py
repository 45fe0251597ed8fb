"""What callbacks see of a booster, on one of paper."""

import numpy as np
import pytest
from tests.integrations.paper import Paper

from onfit.errors import ArgumentError, FileFormatError


def test_rounds_that_are_cut_off_do_not_come_back():
    model = Paper([0, 1, 2])
    weights = model.get_weights()
    model.set_weights([np.array(1)])
    assert model.booster == [0]
    with pytest.raises(ArgumentError, match="a model of 3 rounds, and the booster has 1"):
        model.set_weights(weights)


def test_a_file_is_of_the_boosters_own_format(tmp_path):
    model = Paper([0, 1])
    with pytest.raises(ArgumentError, match=r"ends in \.rounds"):
        model.save(tmp_path / "model.h5")
    model.save(tmp_path / "model.rounds")
    (other := Paper()).load_weights(tmp_path / "model.rounds")
    assert other.booster == [0, 1]
    (tmp_path / "model.rounds").write_bytes(b"!")
    with pytest.raises(FileFormatError, match="no file of this kind of booster: no rounds"):
        other.load_weights(tmp_path / "model.rounds")


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(OSError, match=r"none\.rounds"):
        Paper().load_weights(tmp_path / "none.rounds")
