"""Logs: a dict whose values are fetched when one is read, in whatever way."""

import collections
import copy
import functools
import json
import operator
import pickle

import pytest

from onfit.core.logs import Logs

WHOLE = {"batch": 3, "size": 32, "loss": 0.25, "acc": 0.5}


class Fetch:
    """Brings values, and counts how often it is sent."""

    def __init__(self, *values):
        self.values = values
        self.count = 0

    def __call__(self):
        self.count += 1
        return self.values


@pytest.fixture
def fetch():
    return Fetch(0.25, 0.5)


class OneBatch:
    """A meter that has measured one batch."""

    size = None

    def __init__(self, fetch):
        self.fetch = fetch

    def report_batch(self, logs):
        logs.defer(["loss", "acc"], self.fetch)


@pytest.fixture(params=["by hand", "of a batch"])
def logs(request, fetch):
    if request.param == "of a batch":
        return Logs.of_batch(OneBatch(fetch), 3, 32)
    logs = Logs(batch=3, size=32)
    logs.defer(["loss", "acc"], fetch)
    return logs


def keywords(**values):
    return values


def updated(logs):
    target = {}
    target.update(logs)
    return target


def merged_in_place(logs):
    target = {}
    target |= logs
    return target


def popped(logs):
    found = {}
    while logs:
        name, value = logs.popitem()
        found[name] = value
    return found


def matched(logs):
    match logs:
        case {"loss": loss, **rest}:
            return {"loss": loss, **rest}


WHOLE_ROADS = {
    "dict": dict,
    "double star": lambda logs: {**logs},
    "keywords": lambda logs: keywords(**logs),
    "partial": lambda logs: functools.partial(keywords, **logs)(),
    "items": lambda logs: dict(logs.items()),
    "items, reversed": lambda logs: dict(reversed(logs.items())),
    "values": lambda logs: dict(zip(logs, logs.values(), strict=True)),
    "iteration": lambda logs: {name: logs[name] for name in logs},
    "get": lambda logs: {name: logs.get(name) for name in logs},
    "sorted": lambda logs: dict(sorted(logs.items())),
    "json": lambda logs: json.loads(json.dumps(logs)),
    "json, indented": lambda logs: json.loads(json.dumps(logs, indent=1)),
    "repr": lambda logs: eval(repr(logs)),
    "str": lambda logs: eval(str(logs)),
    "format": lambda logs: eval(f"{logs}"),
    "percent": lambda logs: eval(
        "{'batch': %(batch)s, 'size': %(size)s, 'loss': %(loss)s, 'acc': %(acc)s}" % logs
    ),
    "copy method": lambda logs: logs.copy(),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda logs: pickle.loads(pickle.dumps(logs)),
    "pickle, oldest protocol": lambda logs: pickle.loads(pickle.dumps(logs, protocol=0)),
    "or": lambda logs: logs | {},
    "or from the right": lambda logs: {} | logs,
    "or of two": lambda logs: logs | Logs(),
    "in-place or": merged_in_place,
    "update": updated,
    "Logs": Logs,
    "OrderedDict": collections.OrderedDict,
    "ChainMap": lambda logs: dict(collections.ChainMap(logs)),
    "pop": lambda logs: {name: logs.pop(name) for name in list(logs)},
    "popitem": popped,
    "setdefault": lambda logs: {name: logs.setdefault(name, "default") for name in list(logs)},
    "itemgetter": lambda logs: dict(
        zip(WHOLE, operator.itemgetter(*WHOLE)(logs), strict=True)
    ),
    "match": matched,
}  # fmt: skip


@pytest.mark.parametrize("road", WHOLE_ROADS.values(), ids=WHOLE_ROADS)
def test_every_road_reads_all_values_and_fetches_once(road, logs, fetch):
    assert dict.__eq__(dict(road(logs)), WHOLE)
    assert fetch.count == 1


def test_what_is_read_twice_is_fetched_once(logs, fetch):
    assert [logs["loss"], logs["acc"], logs["loss"], dict(logs)] == [0.25, 0.5, 0.25, WHOLE]
    assert fetch.count == 1


@pytest.mark.parametrize(
    "equal",
    [
        lambda logs: logs == WHOLE,
        lambda logs: WHOLE == logs,
        lambda logs: not logs != WHOLE,
        lambda logs: not WHOLE != logs,
        lambda logs: logs != {**WHOLE, "loss": 0.3},
        lambda logs: logs == Logs(WHOLE),
        lambda logs: Logs(WHOLE) == logs,
    ],
)
def test_comparing_compares_the_values(equal, logs, fetch):
    assert equal(logs)
    assert fetch.count == 1


def test_texts_are_filled_with_values(logs):
    assert "{loss:.2f} {val_accuracy}".format_map(logs | {"val_accuracy": 1}) == "0.25 1"
    assert "{loss:.2f}-{acc}".format(**logs) == "0.25-0.5"
    assert "{accuracy}".format_map(logs) == "0.5"


@pytest.mark.parametrize(
    "touch",
    [
        len,
        bool,
        list,
        sorted,
        lambda logs: logs.keys() | set(),
        lambda logs: list(reversed(logs)),
        lambda logs: "loss" in logs,
        lambda logs: "accuracy" in logs,
        lambda logs: "lr" in logs,
        lambda logs: logs["batch"],
        lambda logs: logs.get("batch"),
        lambda logs: logs.get("lr"),
        lambda logs: logs.__setitem__("lr", 0.1),
        lambda logs: logs.__delitem__("loss"),
        lambda logs: logs.update(lr=0.1),
        lambda logs: logs.clear(),
    ],
)
def test_what_needs_no_pending_value_fetches_nothing(touch, logs, fetch):
    touch(logs)
    assert fetch.count == 0


def test_every_key_is_there_from_the_start(logs):
    assert list(logs) == ["batch", "size", "loss", "acc"]
    assert len(logs) == 4


def test_what_was_written_is_not_overwritten_by_the_fetch(logs):
    logs["loss"] = 9.0
    assert logs["acc"] == 0.5
    assert logs["loss"] == 9.0


def test_what_was_deleted_does_not_come_back(logs):
    del logs["loss"]
    assert dict(logs) == {"batch": 3, "size": 32, "acc": 0.5}


def test_what_was_cleared_does_not_come_back(logs):
    logs.clear()
    assert dict(logs) == {}


def test_a_default_is_not_set_over_a_value_on_its_way(logs):
    assert logs.setdefault("loss", 7.0) == 0.25
    assert logs.setdefault("lr", 0.1) == 0.1
    assert logs["lr"] == 0.1


def test_popping_takes_the_value_out(logs):
    assert logs.pop("loss") == 0.25
    assert "loss" not in logs
    assert logs.pop("loss", None) is None


def test_two_groups_are_each_fetched_once(logs, fetch):
    other = Fetch(0.75)
    logs.defer(["val_loss"], other)
    assert logs["val_loss"] == 0.75
    assert dict(logs) == {**WHOLE, "val_loss": 0.75}
    assert (fetch.count, other.count) == (1, 1)


def test_a_group_added_after_a_read_is_fetched_too(logs, fetch):
    assert logs["loss"] == 0.25
    other = Fetch(0.75)
    logs.defer(["val_loss"], other)
    assert logs["loss"] == 0.25
    assert other.count == 0
    assert logs["val_loss"] == 0.75
    assert (fetch.count, other.count) == (1, 1)


def test_a_name_deferred_twice_has_the_value_of_the_first_fetch_that_brings_it():
    logs = Logs()
    logs.defer(["loss"], Fetch(1.0))
    logs.defer(["loss"], Fetch(2.0))
    assert logs["loss"] == 1.0


def test_a_fetch_that_fails_is_tried_again():
    answers = iter([RuntimeError("device lost"), [0.25]])

    def fetch():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    logs = Logs()
    logs.defer(["loss"], fetch)
    with pytest.raises(RuntimeError, match="device lost"):
        logs["loss"]
    assert logs["loss"] == 0.25


def test_a_fetch_that_brings_too_little_is_an_error(logs):
    logs = Logs()
    logs.defer(["loss", "acc"], Fetch(0.25))
    with pytest.raises(ValueError, match="shorter"):
        logs["loss"]


def test_values_are_those_of_the_moment_the_fetch_remembers():
    cell = {"loss": 1.0}
    kept = []
    for value in (1.0, 2.0, 3.0):
        cell["loss"] = value
        logs = Logs()
        logs.defer(["loss"], lambda snapshot=dict(cell): [snapshot["loss"]])
        kept.append(logs)
    assert [logs["loss"] for logs in kept] == [1.0, 2.0, 3.0]


def test_a_missing_name_is_a_key_error(logs, fetch):
    with pytest.raises(KeyError, match="val_loss"):
        logs["val_loss"]
    assert logs.get("val_loss", 7) == 7


def test_a_name_is_found_by_its_aliases(logs, fetch):
    assert logs["accuracy"] == 0.5
    assert logs.get("accuracy") == 0.5
    assert fetch.count == 1


def test_an_alias_is_never_written_or_listed(logs):
    logs["accuracy"] = 0.9
    assert dict(logs) == {**WHOLE, "accuracy": 0.9}


def test_a_copy_is_free_of_the_run(logs, fetch):
    twin = logs.copy()
    twin["loss"] = 9.0
    assert logs["loss"] == 0.25
    assert type(copy.copy(logs)) is type(copy.deepcopy(logs)) is type(twin) is Logs


def test_an_unread_copy_fetches_when_it_is_read(logs, fetch):
    twin = logs.unread()
    logs["loss"] = 9.0
    del logs["acc"]
    assert fetch.count == 0
    assert dict(twin) == WHOLE
    assert logs["loss"] == 9.0


def test_an_unread_copy_of_what_was_read_has_it(logs, fetch):
    assert logs["acc"] == 0.5
    assert dict(logs.unread()) == WHOLE
    assert fetch.count == 1


def test_a_union_is_a_plain_dict(logs):
    assert type(logs | {"lr": 1}) is dict
    assert logs | {"loss": 1} == {**WHOLE, "loss": 1}
    assert {"loss": 1, "lr": 2} | logs == {"lr": 2, **WHOLE}


def test_so_far_is_the_logs_themselves_where_nobody_measures():
    logs = Logs(loss=0.5)
    assert logs.so_far is logs


# --- the logs of a batch ------------------------------------------------------------------------


class Counting(OneBatch):
    """A meter that counts what it is asked for, and has the loss at hand."""

    loss = 0.25

    def __init__(self):
        super().__init__(Fetch(0.25, 0.5))
        self.epochs = 0

    def report_batch(self, logs):
        super().report_batch(logs)
        logs["loss"] = self.loss

    def report_epoch(self, logs, prefix=""):
        self.epochs += 1
        logs["loss"] = float(self.epochs)


def test_the_logs_of_a_batch_fetch_nothing_until_a_value_is_read():
    meter = Counting()
    logs = Logs.of_batch(meter, 3, 32)
    assert logs
    assert [logs["batch"], logs.get("size")] == [3, 32]
    assert meter.fetch.count == 0


def test_a_loss_that_is_a_number_already_is_read_alone():
    meter = Counting()
    logs = Logs.of_batch(meter, 3, 32)
    assert [logs["loss"], logs.get("loss")] == [0.25, 0.25]
    assert meter.fetch.count == 0
    assert dict(logs) == WHOLE
    assert meter.fetch.count == 1


def test_the_logs_of_a_batch_stay_what_they_are_when_others_follow():
    meter = Counting()
    kept = Logs.of_batch(meter, 3, 32)
    meter.loss = 0.125
    assert [kept["loss"], Logs.of_batch(meter, 4, 32)["loss"]] == [0.25, 0.125]


def test_what_is_not_there_yet_is_looked_for_among_all():
    logs = Logs.of_batch(Counting(), 3, 32)
    assert logs["accuracy"] == 0.5
    assert logs["size"] == 32
    with pytest.raises(KeyError, match="val_loss"):
        logs["val_loss"]


def test_a_value_that_was_written_is_the_one_that_is_read():
    logs = Logs.of_batch(Counting(), 3, 32)
    logs["loss"] = 9.0
    assert logs["loss"] == 9.0
    assert list(logs) == list(WHOLE)


def test_updating_in_place_keeps_the_order():
    logs = Logs.of_batch(Counting(), 3, 32)
    logs |= {"lr": 0.1, "loss": 9.0}
    assert dict(logs) == {**WHOLE, "loss": 9.0, "lr": 0.1}
    assert list(logs) == [*WHOLE, "lr"]


def test_so_far_asks_the_meter_each_time_anew():
    logs = Logs.of_batch(Counting(), 3, 32)
    assert [logs.so_far["loss"], logs.so_far["loss"]] == [1.0, 2.0]
    assert logs["loss"] == 0.25


def test_logs_of_a_batch_that_were_emptied_are_empty():
    logs = Logs.of_batch(Counting(), 3, 32)
    logs.clear()
    assert not logs
    assert logs == {}


def test_logs_cannot_be_hashed(logs):
    with pytest.raises(TypeError, match="unhashable"):
        hash(logs)
