"""The command line: `python -m onfit replay log.csv --early-stopping patience=5`."""

import argparse
import ast
from collections.abc import Sequence
from typing import Any

from onfit import callbacks
from onfit.core.callback import Callback
from onfit.core.console import say
from onfit.errors import ArgumentError, OnfitError
from onfit.replaying import replay

# An option, the callback that it makes, and the arguments that it has where none is written.
_OPTIONS: dict[str, tuple[type[Callback], dict[str, Any]]] = {
    "early-stopping": (callbacks.EarlyStopping, {}),
    "reduce-lr": (callbacks.ReduceLROnPlateau, {}),
    "checkpoint": (callbacks.ModelCheckpoint, {"filepath": "model", "save_best_only": True}),
    "terminate-on-nan": (callbacks.TerminateOnNaN, {}),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says. Returns the exit status: 2 if it makes no sense, else 0.

    >>> main(["replay", "no.csv", "--early-stopping", "patience=5"])
    replay(..., 'no.csv'): there is no such file or folder. Give the path of a CSV file that
    CSVLogger wrote, or of a folder of TensorBoard.
    2
    """
    asked = vars(_parser().parse_args(arguments))
    try:
        made = [
            kind(**{**by_default, **_named(words, f"--{option}")})
            for option, (kind, by_default) in _OPTIONS.items()
            for words in asked[option.replace("-", "_")] or []
        ]
        if not made:
            raise ArgumentError(
                "onfit replay: no callback is named. Add one, such as --early-stopping patience=5; "
                f"there are {', '.join(f'--{option}' for option in _OPTIONS)}."
            )
        found = replay(
            made,
            asked["record"],
            learning_rate=asked["learning_rate"],
            steps_per_epoch=asked["steps_per_epoch"],
        )
    except OnfitError as error:
        say(str(error))
        return 2
    say(str(found))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="onfit")
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser(
        "replay",
        help="what callbacks would have decided in a training that is recorded",
        description="Say what callbacks would have decided in a training that is recorded. Each "
        "option takes arguments of its callback, written name=value, and may come several times.",
    )
    command.add_argument("record", help="a file of CSVLogger, or a folder of TensorBoard")
    for option, (kind, _) in _OPTIONS.items():
        command.add_argument(
            f"--{option}", action="append", nargs="*", metavar="name=value", help=kind.__name__
        )
    command.add_argument(
        "--learning-rate", type=float, help="the rate at the begin, if it is not recorded"
    )
    command.add_argument(
        "--steps-per-epoch", type=int, help="how many batches an epoch had, for patience in steps"
    )
    return parser


def _named(words: list[str], option: str) -> dict[str, Any]:
    """The arguments that are written as `name=value`."""
    pairs = [word.partition("=") for word in words]
    for name, equals, _ in pairs:
        if not equals:
            raise ArgumentError(f"onfit replay {option} {name}: write name=value, as patience=5.")
    return {name.replace("-", "_"): _value(text) for name, _, text in pairs}


def _value(text: str) -> Any:
    """A value as Python writes it, such as `5`, `true` or `["val_loss", "val_acc"]`; else text."""
    try:
        return ast.literal_eval(text.capitalize() if text in ("true", "false", "none") else text)
    except (ValueError, SyntaxError):
        if text[:1] == "[" and text[-1:] == "]":  # the shell has eaten the quotes
            return [_value(one.strip()) for one in text[1:-1].split(",")]
        return text
