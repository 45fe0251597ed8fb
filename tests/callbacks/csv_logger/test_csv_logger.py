"""CSVLogger: what stands in the file, whatever happens."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.callbacks.csv_logger.trained import begin, rows, text, write

from onfit.callbacks.csv_logger import CSVLogger
from onfit.core import Run
from onfit.errors import ArgumentError, FileFormatError, OnfitWarning, StorageError
from onfit.storage import durable

# --- what a file looks like ----------------------------------------------------------------


def test_the_columns_are_epoch_and_the_sorted_names_with_the_line_ends_of_excel(path):
    write(begin(path), {"loss": 0.5, "acc": 0.75}, {"loss": 0.25, "acc": 1.0})
    assert text(path) == "epoch,acc,loss\r\n0,0.75,0.5\r\n1,1.0,0.25\r\n"


def test_a_row_is_in_the_file_before_the_next_epoch(path):
    logger = begin(path)
    logger.on_epoch_end(0, {"loss": 0.5})
    assert text(path) == "epoch,loss\r\n0,0.5\r\n"
    logger.on_epoch_end(1, {"loss": 0.25})
    assert text(path).endswith("1,0.25\r\n")


def test_the_separator_stands_between_the_values(path):
    write(begin(path, separator=";"), {"loss": 0.5, "a": 1}, {"loss": 0.5, "a": 2})
    assert text(path) == "epoch;a;loss\r\n0;1;0.5\r\n1;2;0.5\r\n"


@pytest.mark.parametrize("separator", ["", ", ", "\n", "\r", '"', None, 3])
def test_a_separator_that_is_not_one_character_is_refused(separator):
    with pytest.raises(ArgumentError, match="the separator is one character"):
        CSVLogger("x.csv", separator=separator)


def test_iterables_are_written_as_in_keras(path):
    write(begin(path), {"a": np.array([1.0, 2.5]), "b": [1, 2], "c": torch.tensor([0.5, 1.5])})
    assert text(path) == ('epoch,a,b,c\r\n0,"""[1.0, 2.5]""","""[1, 2]""","""[0.5, 1.5]"""\r\n')


def test_arrays_of_no_dimension_are_numbers(path):
    values = {"a": np.array(0.5), "b": np.float32(0.1), "c": torch.tensor(0.25), "d": "text"}
    write(begin(path), values)
    assert text(path) == "epoch,a,b,c,d\r\n0,0.5,0.1,0.25,text\r\n"


def test_a_text_with_separator_quote_and_line_end_survives(path):
    odd = 'a, "b"\nc'
    write(begin(path), {"note": odd}, {"note": "plain"})
    assert [row["note"] for row in rows(path)] == [odd, "plain"]


def test_text_is_written_in_utf_8(path):
    write(begin(path), {"정확도": 0.5})
    assert text(path) == "epoch,정확도\r\n0,0.5\r\n"


def test_an_epoch_that_logs_nothing_has_a_line(path):
    write(begin(path), None, {})
    assert text(path) == "epoch\r\n0\r\n1\r\n"


def test_a_logged_epoch_does_not_hide_the_epoch(path):
    write(begin(path), {"epoch": 99, "loss": 0.5})
    assert text(path) == "epoch,loss\r\n0,0.5\r\n"


# --- names that come and go ----------------------------------------------------------------


def test_a_missing_value_is_na(path):
    write(begin(path), {"acc": 1, "loss": 2}, {"acc": 3})
    assert text(path) == "epoch,acc,loss\r\n0,1,2\r\n1,3,NA\r\n"


def test_a_new_name_gets_its_column_and_earlier_lines_na(path):
    write(begin(path), {"loss": 0.5}, {"loss": 0.25, "acc": 1, "val_loss": 2}, {"loss": 0})
    assert text(path) == ("epoch,acc,loss,val_loss\r\n0,NA,0.5,NA\r\n1,1,0.25,2\r\n2,NA,0,NA\r\n")


def test_a_crash_while_a_column_is_added_leaves_the_file_as_it_was(path, monkeypatch):
    logger = write(begin(path), {"loss": 0.5})

    def struck(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(durable, "rename", struck)
    with pytest.raises(KeyboardInterrupt):
        logger.on_epoch_end(1, {"loss": 0.25, "acc": 1})
    assert text(path) == "epoch,loss\r\n0,0.5\r\n"
    assert list(path.parent.iterdir()) == [path]


CHANGED = "another program moved or changed the file. It is written whole again."


@pytest.mark.parametrize("left", [None, b"", b"epoch,lo"])
def test_a_file_that_was_moved_or_emptied_meanwhile_is_written_whole_again_and_said_once(
    path, left
):
    logger = write(begin(path), {"loss": 0.5})
    for epoch in (1, 2):
        path.rename(path.with_name("moved.csv"))
        if left is not None:
            path.write_bytes(left)
        if epoch == 1:
            with pytest.warns(OnfitWarning, match=CHANGED):
                write(logger, {"loss": 0.25}, first=1)
        else:
            write(logger, {"loss": 0.125}, first=2)
    assert text(path) == "epoch,loss\r\n0,0.5\r\n1,0.25\r\n2,0.125\r\n"


def test_what_another_program_wrote_in_its_place_is_kept_beside_it(path):
    logger = write(begin(path), {"loss": 0.5})
    path.write_text("mine")
    with pytest.warns(OnfitWarning, match=r"What was there is in '.*training\.1\.csv'"):
        write(logger, {"loss": 0.25, "acc": 1}, first=1)
    assert text(path) == "epoch,acc,loss\r\n0,NA,0.5\r\n1,1,0.25\r\n"
    assert path.with_name("training.1.csv").read_text() == "mine"


def test_what_another_program_added_stays(path):
    logger = write(begin(path), {"loss": 0.5})
    with open(path, "ab") as file:
        file.write(b"a note")
    write(logger, {"loss": 0.25}, {"loss": 0.125, "acc": 1}, first=1)
    assert [row["epoch"] for row in rows(path)] == ["0", "a note", "1", "2"]


class NoText:
    def __str__(self):
        raise RuntimeError("no text")


def within_itself():
    found = [1.0]
    found.append(found)
    return found


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (date(2026, 1, 31), "2026-01-31"),
        ("a text", "a text"),
        (within_itself(), '"[1.0, [1.0, [...]]]"'),
        (None, ""),
        (True, "True"),
    ],
)
def test_what_is_no_number_is_written_as_its_text(path, value, cell):
    write(begin(path), {"odd": value})
    assert rows(path)[0]["odd"] == cell


@pytest.mark.parametrize("value", [NoText(), [NoText()], 10**5000], ids=["one", "list", "huge"])
def test_a_value_without_a_text_is_named_once_and_training_goes_on(path, value):
    with pytest.warns(OnfitWarning, match="CSVLogger writes what is logged as 'odd' as <") as told:
        write(begin(path), {"odd": value}, {"odd": value})
    assert len(told) == 1
    assert rows(path)[1]["odd"] == f"<{type(value).__name__}>"


def test_a_name_may_be_a_number(path):
    write(begin(path), {3: 0.5, "loss": 1})
    assert text(path) == "epoch,3,loss\r\n0,0.5,1\r\n"


# --- before the first line -----------------------------------------------------------------


@pytest.mark.parametrize("append", [False, True])
def test_the_start_of_training_neither_makes_nor_changes_a_file(path, append):
    begin(path, append=append)
    assert list(path.parent.iterdir()) == []
    path.write_text("epoch,loss\n0,1\n")
    begin(path, append=append)
    assert text(path) == "epoch,loss\n0,1\n"


def test_a_run_without_epochs_leaves_no_file(path):
    with Run(SimpleNamespace(), CSVLogger(path), epochs=0) as run:
        assert list(run.epochs()) == []
    assert not path.exists()


def test_missing_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "log.csv"
    write(begin(str(path)), {"loss": 1})
    assert text(path) == "epoch,loss\r\n0,1\r\n"


def test_a_path_that_cannot_be_written_is_refused_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"CSVLogger\(filename=.*cannot write"):
        begin(tmp_path / "file" / "log.csv")
    with pytest.raises(StorageError, match="it is a folder"):
        begin(tmp_path)


def test_a_file_that_may_not_be_changed_is_refused_before_training(path, monkeypatch):
    path.write_text("")
    monkeypatch.setattr("os.access", lambda *arguments: False)
    with pytest.raises(StorageError, match=r"may not be written\. Change"):
        begin(path)


# --- over and again ------------------------------------------------------------------------


def test_a_file_that_is_there_is_replaced(path):
    path.write_text("something else\nentirely\n")
    write(begin(path), {"loss": 0.5})
    assert text(path) == "epoch,loss\r\n0,0.5\r\n"


# --- append --------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [None, "", "\r\n"])
def test_appending_to_nothing_writes_the_header(path, content):
    if content is not None:
        path.write_text(content)
    write(begin(path, append=True), {"loss": 0.5})
    assert text(path) == "epoch,loss\r\n0,0.5\r\n"


def test_appending_writes_no_second_header(path):
    write(begin(path), {"loss": 0.5})
    write(begin(path, append=True), {"loss": 0.25}, {"loss": 0.125}, first=1)
    assert text(path) == "epoch,loss\r\n0,0.5\r\n1,0.25\r\n2,0.125\r\n"


def test_appending_keeps_the_order_of_the_files_columns(path):
    path.write_text("loss,epoch,acc\r\n0.5,0,1\r\n", newline="")
    write(begin(path, append=True), {"acc": 2, "loss": 0.25}, first=1)
    assert text(path) == "loss,epoch,acc\r\n0.5,0,1\r\n0.25,1,2\r\n"


def test_a_column_added_to_a_file_of_another_order_comes_last(path):
    path.write_text("loss,epoch,acc\r\n0.5,0,1\r\n", newline="")
    write(begin(path, append=True), {"acc": 2, "loss": 3}, {"acc": 4, "loss": 5, "aa": 6}, first=1)
    assert text(path) == "loss,epoch,acc,aa\r\n0.5,0,1,NA\r\n3,1,2,NA\r\n5,2,4,6\r\n"


def test_a_file_that_does_not_begin_with_epoch_keeps_doing_so(path):
    path.write_text("loss,epoch\r\n0.5,0\r\n", newline="")
    write(begin(path, append=True), {"loss": 3, "val_loss": 6}, first=1)
    assert text(path) == "loss,epoch,val_loss\r\n0.5,0,NA\r\n3,1,6\r\n"


def test_a_column_that_this_run_lacks_is_na(path):
    write(begin(path), {"acc": 1, "loss": 0.5})
    write(begin(path, append=True), {"loss": 0.25}, first=1)
    assert text(path) == "epoch,acc,loss\r\n0,1,0.5\r\n1,NA,0.25\r\n"


def test_appending_to_other_columns_is_refused_before_training_where_the_names_are_known(path):
    write(begin(path), {"acc": 1, "loss": 0.5})
    before = text(path)
    with pytest.raises(FileFormatError) as caught:
        begin(path, append=True, params={"metrics": ["loss", "mae"]})
    assert "['epoch', 'acc', 'loss']; this run has ['epoch', 'loss', 'mae']" in str(caught.value)
    assert "Give another filename" in str(caught.value)
    assert text(path) == before


def test_appending_to_other_columns_is_refused_at_the_first_line_otherwise(path):
    write(begin(path), {"acc": 1, "loss": 0.5})
    before = text(path)
    logger = begin(path, append=True)
    with pytest.raises(FileFormatError, match=r"'acc', 'loss'\]; this run has .*'mae'"):
        logger.on_epoch_end(1, {"mae": 1})
    assert text(path) == before


def test_appending_with_another_separator_is_refused_before_training(path):
    write(begin(path, separator=";"), {"loss": 0.5})
    with pytest.raises(FileFormatError, match=r"\['epoch;loss'\]; this run has \['epoch'\]"):
        begin(path, append=True)


def test_appending_to_what_is_no_csv_is_refused_before_training(path):
    path.write_bytes(b'"' + bytes(200_000))
    with pytest.raises(FileFormatError, match=r"is no CSV file|has the columns"):
        begin(path, append=True)


def test_appending_to_a_folders_name_says_so(tmp_path):
    with pytest.raises(StorageError, match="it is a folder"):
        begin(tmp_path, append=True)


def test_validation_values_may_be_new_to_a_file_that_ended_before_them(path):
    write(begin(path), {"loss": 0.5})
    logger = begin(path, append=True, params={"metrics": ["loss", "val_loss"]})
    write(logger, {"loss": 0.25, "val_loss": 1}, first=1)
    assert text(path) == "epoch,loss,val_loss\r\n0,0.5,NA\r\n1,0.25,1\r\n"


def test_a_name_that_comes_after_the_first_appended_line_gets_its_column(path):
    write(begin(path), {"loss": 0.5})
    write(begin(path, append=True), {"loss": 0.25}, {"loss": 0, "acc": 1}, first=1)
    assert text(path) == "epoch,acc,loss\r\n0,NA,0.5\r\n1,NA,0.25\r\n2,1,0\r\n"


def test_a_line_that_a_killed_run_left_half_written_is_ended_first(path):
    path.write_text("epoch,loss\r\n0,0.5\r\n1,0.", newline="")
    write(begin(path, append=True), {"loss": 0.25}, first=1)
    assert text(path) == "epoch,loss\r\n0,0.5\r\n1,0.\r\n1,0.25\r\n"


def test_a_quote_that_a_killed_run_left_open_is_closed_first(path):
    path.write_text('epoch,a\r\n0,"""[1, 2', newline="")
    write(begin(path, append=True), {"a": 1}, first=1)
    assert rows(path) == [{"epoch": "0", "a": '"[1, 2'}, {"epoch": "1", "a": "1"}]


def test_adding_a_column_keeps_lines_that_are_too_short_or_too_long(path):
    path.write_text("epoch,loss\r\n0\r\n1,0.5,extra\r\n\r\n", newline="")
    write(begin(path, append=True), {"loss": 1, "val_loss": 2}, first=2)
    assert text(path) == "epoch,loss,val_loss\r\n0,NA,NA\r\n1,0.5,NA,extra\r\n2,1,2\r\n"


def test_bytes_that_are_no_utf_8_survive_the_addition_of_a_column(path):
    path.write_bytes(b"epoch,loss,note\r\n0,1,caf\xe9\r\n")
    write(begin(path, append=True), {"loss": 1, "val_loss": 2}, first=1)
    assert path.read_bytes().splitlines()[1] == b"0,1,caf\xe9,NA"


def test_a_mark_that_excel_puts_before_the_header_is_no_part_of_it(path):
    path.write_text("\ufeffepoch,loss\r\n0,1\r\n", newline="", encoding="utf-8")
    write(begin(path, append=True), {"loss": 2}, first=1)
    assert text(path).endswith("0,1\r\n1,2\r\n")


def test_hooks_may_be_called_without_the_start_of_training(path):
    logger = CSVLogger(path, separator="\t")
    assert (logger.filename, logger.separator, logger.append) == (str(path), "\t", False)
    assert logger.state_dict() == {
        "size": 0,
        "rows": 0,
        "columns": [],
        "content": b"",
        "started": False,
        "anew": False,
        "last": None,
    }
    write(logger, {"loss": 1})
    assert text(path) == "epoch\tloss\r\n0\t1\r\n"
