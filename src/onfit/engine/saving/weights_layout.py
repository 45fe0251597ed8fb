"""The layout of Keras 3's `.weights.h5`: weights numbered, under the kind of their layer.

/layers/dense/vars/0, /layers/dense/vars/1, /layers/dense_1/vars/0 ...
"""

from typing import TYPE_CHECKING, Any

from onfit.engine.naming import free_name
from onfit.engine.saving.layout import Arrays, read_array, weight_names
from onfit.errors import FileFormatError

if TYPE_CHECKING:
    from onfit.engine.model import Model

SUFFIX = ".weights.h5"


def found_in(file: Any) -> bool:
    """Whether an open `h5py.File` has this layout alone."""
    names = {*file, *file.attrs}
    return "layers" in names and not names & {"model_weights", "layer_names", "layer_names0"}


def read_layers(file: Any, model: "Model") -> dict[str, Arrays]:
    """The weights of the file, under the names that the model's layers have.

    Raises:
        FileFormatError: if there are weights of a layer that the model has not.
    """
    names = {path: name for name, path in _paths(model)}
    stored = {
        path: [(key, read_array(group["vars"][key])) for key in sorted(group["vars"], key=int)]
        for path, group in file["layers"].items()
        if len(group.get("vars", ()))
    }
    if not stored.keys() <= names.keys():
        raise FileFormatError(
            f"{file.filename!r} has weights of {', '.join(sorted(stored))}; {model.described} has "
            f"the layers {', '.join(names) or '(none)'}. Load it into a model of the same layers."
        )
    return {name: stored[path] for path, name in names.items() if path in stored}


def add_links(group: Any, model: "Model") -> None:
    """Let the weights that `group` holds by name be found by number too; none is stored twice."""
    for name, path in _paths(model):
        numbered = group.create_group(f"layers/{path}/vars")
        for index, weight in enumerate(weight_names(group, name)):
            numbered[str(index)] = group[name][weight]


def _paths(model: "Model") -> list[tuple[str, str]]:
    """For each layer its name, and what Keras calls its group: dense, dense_1, dropout ..."""
    taken: dict[str, str] = {}
    for name, layer in model.named_children():
        taken[free_name(layer, taken)] = name
    return [(name, path) for path, name in taken.items()]
