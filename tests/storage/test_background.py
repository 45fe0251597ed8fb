import threading

import pytest

from onfit.storage.background import BackgroundWriter


def test_a_job_is_done_in_another_thread():
    seen = []
    writer = BackgroundWriter()
    writer.start(lambda: seen.append(threading.current_thread()))
    writer.wait()
    assert seen[0] is not threading.current_thread()


def test_jobs_are_done_one_after_the_other():
    order, first_may_end = [], threading.Event()
    writer = BackgroundWriter()
    writer.start(lambda: (first_may_end.wait(5), order.append("first")))
    threading.Timer(0.02, first_may_end.set).start()
    writer.start(lambda: order.append("second"))
    writer.wait()
    assert order == ["first", "second"]


def test_an_error_is_raised_by_the_next_job_which_is_not_begun():
    done = []
    writer = BackgroundWriter()
    writer.start(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        writer.start(lambda: done.append("second"))
    assert not done
    writer.start(lambda: done.append("third"))
    writer.wait()
    assert done == ["third"]


def test_an_error_is_raised_once():
    writer = BackgroundWriter()
    writer.start(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        writer.wait()
    writer.wait()


def test_a_job_under_way_is_seen():
    writer, may_end = BackgroundWriter(), threading.Event()
    assert not writer.busy
    writer.start(may_end.wait)
    assert writer.busy
    may_end.set()
    writer.wait()
    assert not writer.busy


def test_waiting_for_nothing_returns():
    assert BackgroundWriter().wait() is None


def test_where_there_are_no_more_threads_a_job_is_done_at_once(monkeypatch):
    def no_more(self):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    done = []
    writer = BackgroundWriter()
    writer.start(lambda: done.append("first"))
    assert done == ["first"]
    writer.start(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        writer.wait()
