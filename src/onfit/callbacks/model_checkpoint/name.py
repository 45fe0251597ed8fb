"""File names with fields, such as `weights.{epoch:02d}-{val_loss:.2f}.h5`."""

import glob
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Formatter
from typing import Any

from onfit._types import StrPath
from onfit.core.aliases import AliasDict
from onfit.errors import ArgumentError, ArgumentTypeError

# What a filled field looks like: a number, so that "best.h5" is not taken for a "{epoch}.h5".
_NUMBER = r"\s*[-+]?(\d[\d,_]*(\.\d*)?([eE][-+]?\d+)?%?|inf|nan)"
_TEXT = r"[^/\\]+"  # whatever a field shows: it is no way to another folder
# Fields that are not filled from the logs.
OWN_FIELDS = ("epoch", "batch", "step")


class CheckpointName:
    """A file name whose fields are filled from the epoch, the batch and the logs.

    Args:
        template: the name as the user wrote it. `{epoch}`, `{batch}` and `{step}` count from 1.
        owner: the name of the callback, for messages.
        argument: the name of its argument, for messages.

    Attributes:
        template: the name as text.
        fields: the names of its fields, in order.

    Raises:
        ArgumentError: for a template that no value could fill.
        ArgumentTypeError: for a template that is not a path.

    Example:
        >>> name = CheckpointName("w.{epoch:02d}-{val_acc:.2f}.h5", "ModelCheckpoint")
        >>> name.fill({"epoch": 3, "val_accuracy": 0.876})
        'w.03-0.88.h5'
    """

    def __init__(self, template: StrPath, owner: str, argument: str = "filepath") -> None:
        path = os.fspath(template) if isinstance(template, str | os.PathLike) else None
        if not isinstance(path, str) or not path:
            raise ArgumentTypeError(
                f"{owner}({argument}={template!r}): {argument} is the name of a file, such as "
                "'best.h5' or 'weights.{epoch:02d}-{val_loss:.2f}.h5'."
            )
        self.template = path
        self._asked = f"{owner}({argument}={path!r})"
        self._parts = self._parse()
        self.fields = [name for _, name in self._parts if name]

    def _parse(self) -> list[tuple[str, str]]:
        """Pairs of a literal text and the name of the field after it (empty at the end)."""
        try:
            parts = list(Formatter().parse(self.template))
        except ValueError as error:
            raise ArgumentError(
                f"{self._asked}: {error}. Write a field as {{epoch}}; double the braces that "
                "shall stand in the name."
            ) from error
        for _, field, spec, conversion in parts:
            if field is not None:
                self._check_field(field, spec or "", conversion)
        return [(text, _base(field or "")) for text, field, *_ in parts]

    def _check_field(self, field: str, spec: str, conversion: str | None) -> None:
        if not _base(field) or field[0].isdigit():
            raise ArgumentError(
                f"{self._asked}: the field {{{field}}} has no name. "
                "Name what it shall show: {epoch}, {batch}, or a log such as {val_loss}."
            )
        written = "{" + field + ("!" + conversion if conversion else "") + ":" + spec + "}"
        samples = (1,) if field in OWN_FIELDS else (1.0, 1, "text")
        if not any(_formats(written, _base(field), sample) for sample in samples):
            raise ArgumentError(
                f"{self._asked}: the field {written} cannot be written as a number. "
                "Use a format such as {epoch:02d} or {val_loss:.2f}."
            )

    def fill(self, values: dict[str, Any]) -> str:
        """The name with its fields filled; names in `values` are found by their aliases too.

        Raises:
            ArgumentError: if the format of a field cannot show the field's value.
        """
        try:
            return _NamesWithPoints().vformat(self.template, (), AliasDict(values))
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            shown = {name: AliasDict(values).get(name) for name in self.fields}
            raise ArgumentError(
                f"{self._asked} cannot be filled with {shown}: {error}. "
                "Change the format of that field."
            ) from error

    def missing(self, values: Iterable[str]) -> list[str]:
        """The fields that none of the names in `values` fills."""
        known = AliasDict.fromkeys(values)
        return [field for field in self.fields if field not in known]

    @property
    def probe(self) -> str:
        """A path in the deepest folder without fields, at which to check that it can be written."""
        static = "".join(text for text, _ in self._until_first_field())
        if not self.fields:
            return static
        return os.path.join(os.path.dirname(static), os.path.basename(self.template))

    def existing(self) -> list[str]:
        """The files that this name, filled with numbers, could have; the newest last."""
        pattern = "".join(glob.escape(text) + ("*" if name else "") for text, name in self._parts)
        filled = re.compile(
            "".join(re.escape(text) + (_NUMBER if name else "") for text, name in self._parts)
        )
        found = [path for path in glob.glob(pattern) if filled.fullmatch(path)]
        files = [path for path in map(Path, found) if path.is_file()]
        return [str(path) for path in sorted(files, key=lambda path: path.stat().st_mtime_ns)]

    def could_be(self, path: str) -> bool:
        """Whether this name, filled with whatever values, can be `path`.

        >>> name = CheckpointName("runs/{epoch}.h5", "ModelCheckpoint")
        >>> name.could_be("runs/3.h5"), name.could_be("runs/../3.h5"), name.could_be("thesis.tex")
        (True, False, False)
        """
        filled = "".join(re.escape(text) + (_TEXT if name else "") for text, name in self._parts)
        upwards = (Path(one).parts.count(os.pardir) for one in (path, self.template))
        return re.fullmatch(filled, path) is not None and len({*upwards}) == 1

    def _until_first_field(self) -> Iterator[tuple[str, str]]:
        for part in self._parts:
            yield part
            if part[1]:
                return


def _base(field: str) -> str:
    """The name that a field looks up: `epoch` in `{epoch}`, `logs` in `{logs[loss]}`. What follows
    a point is an attribute only if it can be one: `{val_error@0.7}` is one name.
    """
    return re.split(r"\.(?!\d)|\[", field, maxsplit=1)[0]


class _NamesWithPoints(Formatter):
    """Fills fields as `str.format_map` does, also those of names with a point."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        if _base(field_name) == field_name:
            return kwargs[field_name], field_name
        return super().get_field(field_name, args, kwargs)


def _formats(written: str, name: str, sample: object) -> bool:
    try:
        _NamesWithPoints().vformat(written, (), {name: sample})
    except (AttributeError, LookupError):
        return True  # the field reads a part of a value that is not known yet
    except (TypeError, ValueError):
        return False
    return True
