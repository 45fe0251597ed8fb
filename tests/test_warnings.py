"""Warnings of the library: where they point to, and that they end nothing."""

import io
import sys
import warnings

import pytest

from onfit.core import Callback
from onfit.core.listeners import Listeners
from onfit.errors import OnfitWarning, warn


class Misspelt(Callback):
    def on_epoch_ends(self, epoch, logs=None): ...


def test_a_warning_points_to_the_line_of_the_user_however_deep_it_comes_from():
    with pytest.warns(OnfitWarning) as said:
        Listeners([Misspelt()])
    assert [warning.filename for warning in said] == [__file__]


def test_a_warning_that_cannot_be_written_ends_nothing(monkeypatch):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    monkeypatch.setattr(
        "warnings.showwarning", lambda *args, **more: sys.stderr.write("it does not come this far")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warn("heard by no one")


def test_a_warning_that_is_to_be_an_error_is_one():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(OnfitWarning, match="stop here"):
            warn("stop here")
