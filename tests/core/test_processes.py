"""What processes ask each other, where there is one."""

from onfit.core.processes import ALONE, means_of, processes


def test_one_process_has_its_own_answers() -> None:
    assert processes() is ALONE
    assert (ALONE.rank, ALONE.world, ALONE.is_main) == (0, 1, True)
    assert ALONE.of_all({"loss": 1.0}) == [{"loss": 1.0}]
    assert ALONE.shared("folder") == "folder"
    assert ALONE.gathered(3) == [3]
    assert ALONE.bits_of_all(5) == 5
    assert (ALONE.any_of(True), ALONE.any_of(False)) == (True, False)
    assert ALONE.agreed(2.5) == 2.5
    assert ALONE.of_main(lambda: "done") == "done"


def test_equal_numbers_have_themselves_as_their_mean() -> None:
    third = 0.1 + 0.2
    assert means_of([{"rate": third}] * 3) == {"rate": third}


def test_a_number_that_only_one_logged_is_its_own_mean() -> None:
    assert means_of([{"a": 1.0}, {"b": 3}]) == {"a": 1.0, "b": 3}


def test_what_is_no_number_is_that_of_the_first() -> None:
    assert means_of([{"name": "x", "flag": True}, {"name": "y", "flag": False}]) == {
        "name": "x",
        "flag": True,
    }
