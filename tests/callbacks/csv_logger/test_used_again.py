"""CSVLogger, used for several trainings: its lines go on, or are kept apart."""

import os

import pytest
from tests.callbacks.csv_logger.trained import begin, resumed, rows, text, write


def test_a_second_run_of_one_instance_begins_anew(path):
    logger = write(begin(path), {"loss": 0.5, "acc": 1})
    logger.on_train_begin({})
    write(logger, {"mae": 2})
    assert text(path) == "epoch,mae\r\n0,2\r\n"


def test_the_lines_of_the_run_before_are_kept_in_a_file_of_their_own(path, capsys):
    path.with_name("training.1.csv").write_text("of another")
    logger = write(begin(path), {"loss": 0.5}, {"loss": 0.25})
    for loss in (1, 2):
        logger.on_train_begin({})
        write(logger, {"loss": loss})
    assert path.with_name("training.1.csv").read_text() == "of another"
    assert text(path.with_name("training.2.csv")) == "epoch,loss\r\n0,0.5\r\n1,0.25\r\n"
    assert text(path.with_name("training.3.csv")) == "epoch,loss\r\n0,1\r\n"
    assert text(path) == "epoch,loss\r\n0,2\r\n"
    assert capsys.readouterr().out.splitlines()[0] == (
        f"CSVLogger: this training begins anew in {str(path)!r}; the lines of the one before are "
        f"in {str(path.with_name('training.2.csv'))!r}."
    )


@pytest.mark.parametrize("first", [2, 7])
def test_a_second_run_that_begins_where_the_first_ended_goes_on(path, first):
    logger = write(begin(path), {"loss": 0.5}, {"loss": 0.25})
    logger.on_train_begin({})
    write(logger, {"loss": 1, "acc": 3}, first=first)
    assert text(path) == f"epoch,acc,loss\r\n0,NA,0.5\r\n1,NA,0.25\r\n{first},3,1\r\n"
    assert os.listdir(path.parent) == ["training.csv"]


def test_a_run_that_begins_before_the_last_line_begins_anew(path):
    logger = write(begin(path), {"loss": 0.5}, {"loss": 0.25})
    logger.on_train_begin({})
    write(logger, {"loss": 1}, first=1)
    assert text(path) == "epoch,loss\r\n1,1\r\n"
    assert len(rows(path.with_name("training.1.csv"))) == 2


def test_a_run_that_ends_before_its_first_line_leaves_the_file_as_it_was(path):
    logger = write(begin(path), {"loss": 0.5})
    logger.on_train_begin({})
    logger.on_train_begin({})
    assert text(path) == "epoch,loss\r\n0,0.5\r\n"
    assert os.listdir(path.parent) == ["training.csv"]


def test_a_file_that_is_gone_by_the_second_run_is_begun_again(path):
    for first in (0, 1):
        logger = write(begin(path), {"loss": 0.5})
        path.unlink()
        logger.on_train_begin({})
        write(logger, {"loss": 1}, first=first)
        assert text(path) == f"epoch,loss\r\n{first},1\r\n"
        assert os.listdir(path.parent) == ["training.csv"]


def test_a_second_run_of_an_appending_instance_goes_on(path):
    logger = write(begin(path, append=True), {"loss": 0.5})
    logger.on_train_begin({})
    write(logger, {"loss": 0.25}, first=1)
    assert text(path) == "epoch,loss\r\n0,0.5\r\n1,0.25\r\n"


@pytest.mark.parametrize("written", [0, 1])
def test_a_second_run_that_goes_on_may_be_resumed_before_its_first_line(path, written):
    logger = write(begin(path), {"loss": 0}, {"loss": 1})
    logger.on_train_begin({})
    state = logger.state_dict()
    write(logger, *[{"loss": 22, "acc": 1}] * written, first=2)
    write(resumed(path, state), {"loss": 2}, first=2)
    assert text(path) == "epoch,loss\r\n0,0\r\n1,1\r\n2,2\r\n"


@pytest.mark.parametrize("written", [0, 1])
def test_a_second_run_that_begins_anew_may_be_resumed_before_its_first_line(path, written):
    logger = write(begin(path), {"loss": 0}, {"loss": 1})
    logger.on_train_begin({})
    state = logger.state_dict()
    write(logger, *[{"loss": 22}] * written)
    write(resumed(path, state), {"loss": 2})
    assert text(path) == "epoch,loss\r\n0,2\r\n"
    assert text(path.with_name("training.1.csv")) == "epoch,loss\r\n0,0\r\n1,1\r\n"
    assert len(os.listdir(path.parent)) == 2


def test_a_run_after_a_resumed_one_begins_anew(path):
    state = write(begin(path), {"loss": 0}).state_dict()
    logger = write(resumed(path, state), {"loss": 1}, first=1)
    logger.on_train_begin({})
    write(logger, {"loss": 5})
    assert text(path) == "epoch,loss\r\n0,5\r\n"


# --- two trainings of one script, killed in the second, and started again --------------------


def of_two(path, *, anew, losses):
    """The second of two trainings of one script, after its first has run."""
    logger = write(begin(path), *[{"loss": loss} for loss in losses])
    logger.on_train_begin({})
    return logger, 0 if anew else len(losses)


@pytest.mark.parametrize("losses", [(5, 6, 7), (0, 1, 2)])
@pytest.mark.parametrize("anew", [True, False])
def test_the_first_training_of_a_script_that_was_started_again_harms_no_line_of_the_second(
    tmp_path, anew, losses
):
    """The first runs anew, perhaps with other values, before the second goes on."""
    path, whole = tmp_path / "killed" / "log.csv", tmp_path / "whole" / "log.csv"
    logger, first = of_two(whole, anew=anew, losses=losses)
    write(logger, {"loss": 0}, {"loss": 1}, {"loss": 2}, first=first)

    logger, first = of_two(path, anew=anew, losses=losses)
    state = write(logger, {"loss": 0}, first=first).state_dict()
    write(logger, {"loss": 11}, first=first + 1)  # and killed
    for file in path.parent.glob("log.*.csv"):
        file.unlink()
    again, _ = of_two(path, anew=anew, losses=losses)
    again.load_state_dict(state)
    write(again, {"loss": 1}, {"loss": 2}, first=first + 1)
    left = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert left == {file.name: file.read_bytes() for file in whole.parent.iterdir()}


def test_other_values_of_the_first_training_are_kept_beside_the_second_ones(path):
    logger, first = of_two(path, anew=False, losses=(5, 6))
    state = write(logger, {"loss": 0}, first=first).state_dict()
    again, _ = of_two(path, anew=False, losses=(5, 6.5))
    again.load_state_dict(state)
    write(again, {"loss": 1}, first=first + 1)
    assert text(path) == "epoch,loss\r\n0,5\r\n1,6\r\n2,0\r\n3,1\r\n"
    assert text(path.with_name("training.1.csv")) == "epoch,loss\r\n0,5\r\n1,6.5\r\n"
