"""Ctrl-C and SIGTERM let the batch end and the end hooks be called, and are raised then."""

import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from onfit.callbacks import LambdaCallback
from onfit.core.interrupts import INTERRUPTS
from onfit.core.meter import RunningMeans
from onfit.core.run import Run


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """A shell that runs the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def walk(*callbacks, epochs=2, batches=3):
    """A run whose steps, at each edge, say what was done."""
    seen = []
    teller = LambdaCallback(
        on_batch_end=lambda batch, logs: seen.append(f"batch {batch}"),
        on_epoch_end=lambda epoch, logs: seen.append(f"epoch {epoch}"),
        on_train_end=lambda logs: seen.append(f"end {run.outcome}"),
    )
    run = Run(SimpleNamespace(), [*callbacks, teller], epochs=epochs, params={"verbose": 0})
    return run, seen


def go(run, batches=(1, 2, 3), validation=None):
    """Walk all of it."""
    with run:
        for _ in run.epochs():
            for _ in run.batches(batches, size=lambda batch: 1):
                pass
            if validation is not None:
                for _ in run.validation(validation, size=lambda batch: 1):
                    run.log(loss=2.0)


def strike(number, batch=1):
    return LambdaCallback(
        on_batch_begin=lambda index, logs: os.kill(os.getpid(), number) if index == batch else None
    )


@pytest.mark.parametrize(
    ("number", "raised"),
    [
        (signal.SIGINT, KeyboardInterrupt),
        (signal.SIGTERM, SystemExit),
        (signal.SIGUSR1, SystemExit),
    ],
)
def test_the_first_signal_ends_the_batch_and_tells_the_ends(number, raised):
    run, seen = walk(strike(number))
    with pytest.raises(raised):
        go(run)
    assert seen == ["batch 0", "batch 1", "epoch 0", "end interrupted"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGUSR1, 138)])
def test_it_exits_as_a_shell_expects(number, code):
    run, _ = walk(strike(number))
    with pytest.raises(SystemExit) as caught:
        go(run)
    assert caught.value.code == code


def test_the_second_ctrl_c_aborts_at_once():
    run, seen = walk(strike(signal.SIGINT), strike(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        go(run)
    assert seen == ["batch 0", "end interrupted"]


def test_ctrl_c_is_raised_at_a_prompt_too_so_that_the_cells_after_it_do_not_run(monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    run, seen = walk(strike(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        go(run)
    assert seen[-1] == "end interrupted"
    assert run.stopped_by == "Ctrl-C"


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run, _ = walk(strike(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        go(run)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_program_with_a_handler_of_its_own_keeps_it():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        run, seen = walk(strike(signal.SIGTERM), epochs=1)
        go(run)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]
    assert seen[-1] == "end completed"


def test_a_signal_ends_an_inner_run_too_and_what_its_caller_would_get_is_not_taken_for_whole():
    outcomes = []

    def train_another(batch, logs):
        inner, _ = walk()
        try:
            go(inner)
        finally:
            outcomes.append(inner.outcome)

    outer, seen = walk(LambdaCallback(on_batch_end=train_another), strike(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        go(outer)
    assert seen[-1] == "end interrupted"
    assert outcomes == ["completed", "interrupted"]


# --- while data are waited for ---------------------------------------------------------------


def soon(number):
    """Send a signal in a moment, from a thread."""
    threading.Timer(0.1, lambda: os.kill(os.getpid(), number)).start()


def hangs_after(count, number=signal.SIGTERM):
    """Batches; the next one after `count` of them never comes, but a signal does."""
    yield from range(count)
    soon(number)
    time.sleep(60)


@pytest.mark.parametrize("count", [0, 2])
def test_a_run_that_waits_for_data_does_not_wait_on(count):
    run, seen = walk()
    with pytest.raises(SystemExit):
        go(run, hangs_after(count))
    batches = [f"batch {number}" for number in range(count)]
    assert seen == [*batches, "epoch 0", "end interrupted"]


def test_nor_does_one_that_waits_for_data_to_validate_on():
    run, seen = walk()
    with pytest.raises(SystemExit):
        go(run, [1, 2], hangs_after(1))
    assert seen == ["batch 0", "batch 1", "epoch 0", "end interrupted"]
    assert "val_loss" not in run._last_logs


@pytest.mark.parametrize("walk_of", ["evaluate", "predict"])
def test_nor_does_an_evaluation_or_a_prediction_in_a_hook(walk_of):
    left = []

    def look(batch, logs):
        inner = Run(SimpleNamespace(), params={"verbose": 0})
        data, step = hangs_after(1), lambda batch: batch
        try:
            if walk_of == "evaluate":
                inner.evaluate(data, step, RunningMeans(), size=lambda batch: 1)
            else:
                list(inner.predict(data, step, size=lambda batch: 1))
        except SystemExit as raised:
            left.append(raised.code)
            raise

    run, seen = walk(LambdaCallback(on_batch_end=look))
    with pytest.raises(SystemExit):
        go(run)
    assert (left, seen) == ([143], ["end interrupted"])


def test_what_data_raise_after_a_signal_is_its_consequence_and_no_failure():
    def dies():
        yield 1
        os.kill(os.getpid(), signal.SIGTERM)  # as a worker that the signal reaches first

    def noticed():
        yield 1
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except BaseException:
            raise RuntimeError("DataLoader worker (pid 1) exited unexpectedly") from None

    for data in (dies, noticed):
        run, seen = walk()
        with pytest.raises(SystemExit):
            go(run, data())
        assert seen == ["batch 0", "epoch 0", "end interrupted"]


def test_before_a_run_has_begun_a_signal_acts_at_once():
    with pytest.raises(SystemExit) as caught, INTERRUPTS.listening():
        os.kill(os.getpid(), signal.SIGUSR1)
    assert caught.value.code == 138
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


# --- other processes -------------------------------------------------------------------------


def test_a_forked_process_hears_no_ctrl_c_and_dies_of_sigterm():
    statuses = []

    def fork(batch, logs):
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
            child = os.fork()
            if child == 0:
                os.kill(os.getpid(), number)
                os._exit(7)
            statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    run, seen = walk(LambdaCallback(on_epoch_begin=fork), epochs=1)
    go(run)
    assert statuses == [-signal.SIGTERM, -signal.SIGUSR1, 7]
    assert seen[-1] == "end completed"


def test_a_handler_that_the_program_sets_meanwhile_stays():
    mine = lambda number, frame: None  # noqa: E731
    run, _ = walk(LambdaCallback(on_train_begin=lambda logs: signal.signal(signal.SIGUSR1, mine)))
    go(run)
    try:
        assert signal.getsignal(signal.SIGUSR1) is mine
    finally:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)


def test_a_run_in_a_thread_leaves_the_signals_alone():
    outcomes = []

    def work():
        run, _ = walk()
        with run:
            pass
        outcomes.append(run.outcome)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert outcomes == ["completed"]


def test_a_killed_program_reports_143_to_its_shell():
    program = (
        "import os, signal\nfrom types import SimpleNamespace\nfrom onfit.core.run import Run\n"
        "with Run(SimpleNamespace(), params={'verbose': 1}) as run:\n"
        "    for _ in run.epochs():\n"
        "        for _ in run.batches([1, 2]):\n"
        "            os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 143
    assert done.stdout == "Stopped in epoch 1 by SIGTERM.\n"


def test_a_stop_says_who_and_why(capsys):
    run, _ = walk()
    run.params["verbose"] = 1
    with run:
        for _ in run.epochs():
            run.stop("the target is reached")
    assert run.stopped_by == "the training loop"
    assert capsys.readouterr().out == (
        "Stopped after epoch 1 by the training loop: the target is reached.\n"
    )
