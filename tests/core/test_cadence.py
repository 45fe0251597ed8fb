import warnings

import pytest

from onfit.core.cadence import Cadence
from onfit.errors import ArgumentError, OnfitWarning


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def read(value, **arguments):
    return Cadence.of(value, owner="ModelCheckpoint", argument="save_freq", **arguments)


def due_after_batches(cadence, sizes):
    return [cadence.due_after_batch(size) for size in sizes]


@pytest.mark.parametrize(
    ("value", "amount", "unit"),
    [
        ("epoch", 1, "epochs"),
        ("batch", 1, "batches"),
        (10_000, 10_000, "samples"),
        ("500 batches", 500, "batches"),
        ("1 batch", 1, "batches"),
        ("20000 samples", 20_000, "samples"),
        ("5 epochs", 5, "epochs"),
        ("30 seconds", 30, "seconds"),
        ("10 minutes", 600, "seconds"),
        ("minute", 60, "seconds"),
        ("1.5 hours", 5400, "seconds"),
        ("0.5 seconds", 0.5, "seconds"),
        (" 10minutes ", 600, "seconds"),
        ("2 Epochs", 2, "epochs"),
    ],
)
def test_text_and_numbers_are_read(value, amount, unit):
    cadence = read(value)
    assert (cadence.amount, cadence.unit) == (amount, unit)


@pytest.mark.parametrize(
    "value", [0, -1, True, 1.5, None, [], "", "500", "-3 batches", "every epoch", "2x3 batches"]
)
def test_what_says_no_cadence_is_refused(value):
    with pytest.raises(ArgumentError) as error:
        read(value)
    assert f"ModelCheckpoint(save_freq={value!r}) is no cadence" in str(error.value)
    assert "'500 batches'" in str(error.value)


@pytest.mark.parametrize("value", ["0 batches", "1.5 epochs", "0 minutes", "2.5 samples"])
def test_an_amount_that_cannot_be_counted_is_refused(value):
    with pytest.raises(ArgumentError, match="whole number of"):
        read(value)


def test_a_misspelt_unit_is_guessed():
    with pytest.raises(ArgumentError, match=r"'epok' is no unit\. Did you mean 'epoch'\?"):
        read("epok")
    with pytest.raises(ArgumentError, match=r"'baches' is no unit\. Did you mean 'batches'\?"):
        read("500 baches")


def test_only_epochs_need_no_word_of_batches():
    assert not read("epoch").counts_batches
    assert not read("5 epochs").counts_batches
    assert all(read(value).counts_batches for value in ("batch", 10_000, "10 minutes"))


def test_batches_are_counted():
    assert due_after_batches(read("batch"), [7, 7]) == [True, True]
    assert due_after_batches(read("3 batches"), [7] * 7) == [False, False, True] * 2 + [False]


def test_samples_are_counted_from_where_it_was_last_due():
    # 96 < 100 <= 128, and the 28 beyond are not carried over.
    assert due_after_batches(read("100 samples"), [32] * 8) == [False, False, False, True] * 2


def test_as_many_samples_as_asked_are_enough():
    assert due_after_batches(read("64 samples"), [32] * 4) == [False, True, False, True]


def test_epochs_are_counted():
    cadence = read("2 epochs")
    assert [cadence.due_after_epoch() for _ in range(4)] == [False, True, False, True]


def test_batches_say_nothing_about_epochs_nor_epochs_about_batches():
    epochs, batches = read("2 epochs"), read("2 batches")
    assert due_after_batches(epochs, [1000] * 3) == [False] * 3
    assert not epochs.due_after_epoch()
    assert epochs.due_after_epoch()
    assert [batches.due_after_epoch() for _ in range(3)] == [False] * 3
    assert due_after_batches(batches, [1, 1]) == [False, True]


def test_time_is_asked_of_the_clock_after_batches_and_epochs():
    clock = Clock()
    cadence = read("10 minutes", clock=clock)
    clock.now += 599
    assert not cadence.due_after_batch(32)
    clock.now += 1
    assert cadence.due_after_batch(32)
    assert not cadence.due_after_batch(32)
    clock.now += 601
    assert cadence.due_after_epoch()
    clock.now += 599
    assert not cadence.due_after_epoch()


def test_a_restart_counts_from_there():
    clock = Clock()
    batches, minutes = read("2 batches"), read("1 minute", clock=clock)
    batches.due_after_batch(1)
    clock.now += 59
    batches.restart()
    minutes.restart()
    clock.now += 2
    assert not batches.due_after_batch(1)
    assert not minutes.due_after_batch(1)


def test_an_epoch_put_off_is_made_up_for_at_the_next():
    cadence = read("3 epochs")
    due = []
    for used in (True, True, False, False, True, True, True):
        due.append(cadence.due_after_epoch())
        if not used:
            cadence.put_off()
    assert due == [False, False, True, True, True, False, False]


def test_an_epoch_put_off_is_not_made_up_for_at_a_batch():
    cadence = read("epoch")
    cadence.due_after_epoch()
    cadence.put_off()
    assert not cadence.due_after_batch(32)


def test_putting_off_does_not_make_every_batch_due():
    cadence = read("2 batches")
    due_after_batches(cadence, [1, 1])
    cadence.put_off()
    assert due_after_batches(cadence, [1, 1]) == [False, True]


def test_a_bare_number_worth_ten_batches_is_doubted_once():
    cadence = read(320)
    with pytest.warns(OnfitWarning) as caught:
        due_after_batches(cadence, [32] * 30)
    assert [str(warning.message) for warning in caught] == [
        "ModelCheckpoint(save_freq=320) means every 320 samples, and a batch has 32. "
        "For batches say save_freq='320 batches'."
    ]


@pytest.mark.parametrize("value", [321, "320 samples", "10 batches", "batch"])
def test_more_than_that_or_an_explicit_unit_is_not_doubted(value):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        due_after_batches(read(value), [32, 1000, 32])


def test_samples_of_batches_of_unknown_size_are_warned_of_once():
    cadence = read("3 samples")
    with pytest.warns(OnfitWarning) as caught:
        assert due_after_batches(cadence, [None] * 6) == [False, False, True] * 2
    assert [str(warning.message) for warning in caught] == [
        "ModelCheckpoint(save_freq='3 samples') counts samples, and this loop does not say how "
        "many a batch has: each batch counts as one. Say '3 batches'."
    ]


def test_tokens_that_nothing_counts_are_an_error():
    with pytest.raises(ArgumentError, match=r"save_freq='5 tokens'\) counts tokens, and this"):
        read("5 tokens").due_after_batch(32)


def test_tokens_that_are_never_logged_are_warned_of_once():
    cadence = read("5 tokens")
    assert not cadence.due_after_batch(32, 0)  # those of a first batch may come when it is over
    with pytest.warns(OnfitWarning, match="none are logged, so it is never due") as caught:
        assert not any(cadence.due_after_batch(32, 0) for _ in range(9))
    assert len(caught) == 1


def test_tokens_are_counted():
    cadence = read("5 tokens")
    assert [cadence.due_after_batch(32, 3) for _ in range(4)] == [False, True, False, True]
