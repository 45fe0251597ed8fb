"""What is printed: a stream that takes no text ends no training."""

import io
import logging
import sys
from types import SimpleNamespace

import pytest

from onfit.callbacks import EarlyStopping, LearningRateScheduler, ProgbarLogger, ReduceLROnPlateau
from onfit.core import Run
from onfit.core.callback import Callback
from onfit.core.console import say
from onfit.errors import OnfitWarning
from onfit.utils import disable_interactive_logging, enable_interactive_logging


class Full(io.StringIO):
    """A terminal whose disk is full."""

    def write(self, text):
        raise OSError(28, "No space left on device")

    def isatty(self):
        return True


class OnlyWrites:
    """An object of a user's own, which fails in its own way."""

    def write(self, text):
        raise RuntimeError("no")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


class Logs(Callback):
    """Logs a name with a letter that ascii lacks."""

    def on_epoch_end(self, epoch, logs=None):
        logs["größe"] = 1.0


def train(verbose):
    model = SimpleNamespace(optimizer=SimpleNamespace(learning_rate=1.0))
    talking = [
        Logs(),
        LearningRateScheduler(lambda epoch, rate: rate * 0.5, verbose=1),
        ReduceLROnPlateau("loss", patience=1, verbose=1),
        EarlyStopping("loss", patience=2, verbose=1),
        ProgbarLogger("steps", interval=0),
    ]
    with Run(model, talking, epochs=9, params={"verbose": verbose}) as run:
        for _ in run.epochs():
            for _ in run.batches([1, 2]):
                run.log(loss=1.0)
    return run


@pytest.mark.parametrize("verbose", [1, 2])
@pytest.mark.parametrize("stream", [Full, OnlyWrites, closed])
def test_a_stream_that_takes_no_text_is_told_once_and_training_goes_on(
    stream, verbose, monkeypatch
):
    monkeypatch.setattr(sys, "stdout", stream())
    with pytest.warns(OnfitWarning, match="The output cannot be written .*goes on") as told:
        run = train(verbose)
    assert (run.outcome, run.progress.epoch, len(told)) == ("stopped", 3, 1)


def test_it_goes_on_without_a_stderr_too(monkeypatch):
    monkeypatch.setattr(sys, "stdout", closed())
    monkeypatch.setattr(sys, "stderr", closed())
    monkeypatch.setattr("warnings.showwarning", lambda *args, **more: sys.stderr.write("told"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.filters", [("always", None, Warning, None, 0)])
        assert train(1).outcome == "stopped"


@pytest.mark.parametrize("verbose", [1, 2])
def test_a_letter_that_the_terminal_lacks_is_escaped(verbose, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stdout", stream)
    train(verbose)
    assert rb"gr\xf6\xdfe: 1.0000" in stream.buffer.getvalue()


def test_a_rule_of_a_table_is_made_of_dashes_there():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    say("───", stream)
    assert stream.buffer.getvalue() == b"---\n"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", None])
def test_a_letter_that_the_stream_has_stays(encoding):
    stream = io.StringIO() if encoding is None else io.TextIOWrapper(io.BytesIO(), encoding)
    say("größe", stream)
    said = stream.getvalue() if encoding is None else stream.buffer.getvalue().decode(encoding)
    assert said == "größe\n"


# --- a program without a person ---------------------------------------------------------------


@pytest.fixture
def _not_interactive():
    disable_interactive_logging()
    yield
    enable_interactive_logging()


@pytest.mark.usefixtures("_not_interactive")
def test_without_interactive_logging_a_line_goes_to_the_log(caplog, capsys):
    with caplog.at_level(logging.INFO):
        say("Epoch 00003: early stopping")
        say("into a file", sys.stderr)
    assert caplog.messages == ["Epoch 00003: early stopping"]
    assert capsys.readouterr() == ("", "into a file\n")


@pytest.mark.usefixtures("_not_interactive")
def test_a_line_that_no_log_takes_is_printed(caplog, capsys):
    with caplog.at_level(logging.WARNING):
        say("Epoch 00003: early stopping")
    assert capsys.readouterr().out == "Epoch 00003: early stopping\n"
    assert caplog.messages == []


def test_a_line_is_printed_while_a_person_watches(caplog, capsys):
    with caplog.at_level(logging.INFO):
        say("Epoch 00003: early stopping")
    assert capsys.readouterr().out == "Epoch 00003: early stopping\n"
    assert caplog.messages == []
