"""What a caller passes as data. Its kind is found out here, once, and nowhere else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from onfit.core.validation import ValidationArrays
from onfit.dtypes import as_numpy
from onfit.engine.data.array_source import ArraySource
from onfit.engine.data.arrays import Names, samples_of
from onfit.engine.data.batching import Batching
from onfit.engine.data.dataset_source import DatasetSource
from onfit.engine.data.loader_source import LoaderSource, StreamSource
from onfit.engine.data.sequence_source import SequenceSource
from onfit.engine.data.sequences import Sequence
from onfit.engine.data.shares import Share, SharedSource, shares_already
from onfit.engine.data.source import Source, refuse_beside
from onfit.engine.data.steps_source import StepsSource
from onfit.errors import DataError
from onfit.layers.shapes import mapped

# An array, a tensor or a table with one row per sample; for several inputs a list or dict of them.
ArrayData = Iterable[Any]
# The same, or data that hold their targets.
AnyData = ArrayData | Dataset[Any] | Sequence

# What makes batches of each kind of data.
Kind = type[ArraySource] | type[DatasetSource] | type[SequenceSource] | type[LoaderSource]

_ANY, _DEFAULT = Names(), Batching()
_ARRAYS = (list, tuple, Mapping, str, bytes)  # what can be walked through and yet is no loader


@dataclass(frozen=True)
class Given:
    """Data of a known kind.

    Args:
        kind: makes batches of them.
        data: the arrays as `Samples`; data of another kind as the caller passed them.
        as_numpy: whether callbacks see the arrays as numpy's, for the caller passed no tensors.
    """

    kind: Kind
    data: Any
    as_numpy: bool = True

    def split(self, fraction: float) -> tuple["Given", "Given"]:
        """Cut off the last `fraction` of the samples, in the order they came, to validate on."""
        kept, held_out = self.kind.split(self.data, fraction)
        return replace(self, data=kept), replace(self, data=held_out)

    def source(self, batching: Batching) -> Source:
        """The batches of these data; of several processes that train together, this one's share of
        each, unless a loader has only a share of them as it is.
        """
        steps = batching.steps
        if batching.together.world == 1 or shares_already(self.data):
            source: Source = self.kind(self.data, batching)
        else:
            whole = self.kind(self.data, replace(batching, device=None))
            source = SharedSource(whole, Share(batching.together), batching.device)
        # A Sequence hears of the end of its epoch only when it is walked to the end.
        if steps is None or (steps == source.facts.steps and source.facts.knows_epochs):
            return source
        return StepsSource(source, steps, go_on=batching.go_on)

    @property
    def shown(self) -> ValidationArrays | None:
        """The arrays as callbacks see them; None for data of another kind."""
        if self.kind is not ArraySource:
            return None
        if not self.as_numpy:
            return ValidationArrays(*self.data)
        return ValidationArrays(*(mapped(as_numpy, Tensor, part) for part in self.data))


def given(x: Any, y: Any = None, sample_weight: Any = None, names: Names = _ANY) -> Given:
    """What a caller passes to train on, to evaluate or to predict for."""
    return _read(_kind_of(x), x, y, sample_weight, names)


def sets_to_validate(data: Any, names: Names) -> dict[str, Given]:
    """What a caller passes as `validation_data`: a set without a name, or several by their names.

    Raises:
        DataError: for something else.
    """
    if not isinstance(data, Mapping):
        return {"": given_to_validate(data, names)}
    if not data or not all(name and isinstance(name, str) for name in data):
        raise DataError(
            f"validation_data is a dict of {list(data)}. A dict has a name for each set to "
            'validate on, such as {"clean": (x, y), "noisy": (x, y)}.'
        )
    return {name: given_to_validate(each, names, f" {name!r}") for name, each in data.items()}


def given_to_validate(data: Any, names: Names, name: str = "") -> Given:
    """What a caller passes as one set to validate on."""
    if isinstance(data, (tuple, list)) and len(data) in (2, 3):
        x, y, sample_weight = [*data, None][:3]
        return given(x, y, sample_weight, names)
    kind = _kind_of(data)
    if kind is ArraySource:
        raise DataError(
            f"validation_data{name} is (x, y), (x, y, sample_weight), a Dataset, a Sequence, a "
            "generator or a DataLoader, or a dict of several of these by name; got "
            f"{type(data).__name__}{f' of {len(data)}' if hasattr(data, '__len__') else ''}."
        )
    return _read(kind, data, None, None, names)


def _kind_of(x: Any) -> Kind:
    """What makes batches of `x`. The order matters: a Dataset can be walked through, too."""
    if isinstance(x, IterableDataset):
        return StreamSource
    if isinstance(x, Dataset):
        return DatasetSource
    if isinstance(x, Sequence):
        return SequenceSource
    array_like = hasattr(x, "shape") or hasattr(x, "to_numpy")
    if isinstance(x, Iterable) and not array_like and not isinstance(x, _ARRAYS):
        return LoaderSource
    return ArraySource


def _read(kind: Kind, x: Any, y: Any, sample_weight: Any, names: Names) -> Given:
    """Arrays become tensors; other data stay as they are, and bring targets and weights along."""
    if kind is not ArraySource:
        refuse_beside(x, y=y, sample_weight=sample_weight)
        if type(x) is not TensorDataset or len(x.tensors) > 3:
            return Given(kind, x)
        # Tensors are faster to cut than samples are to collect.
        x, y, sample_weight = [*x.tensors, None, None][:3]
    arrays = samples_of(x, y, sample_weight, names)
    return Given(ArraySource, arrays, as_numpy=not isinstance(x, Tensor))


def source_of(
    x: Any, y: Any = None, sample_weight: Any = None, batching: Batching = _DEFAULT
) -> Source:
    """The batches of what a caller passes.

    Raises:
        ArgumentError: for arguments that contradict the kind of data.
        DataError: for data that cannot be used.
    """
    return given(x, y, sample_weight, batching.names).source(batching)
