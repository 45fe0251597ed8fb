"""Small data sets to try things on, under Keras' names.

Each is fetched from its publisher at its first use, checked, and kept in `~/.onfit/datasets`, or
in `$ONFIT_HOME/datasets` if that variable is set.

    from onfit.datasets import fashion_mnist
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
"""

from typing import TYPE_CHECKING

from onfit.datasets import fashion_mnist, mnist
from onfit.errors import refusal_of_names

__all__ = ["fashion_mnist", "mnist"]


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__)
