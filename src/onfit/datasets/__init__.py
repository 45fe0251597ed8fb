"""Small data sets to try things on, under Keras' names.

Each is fetched from its publisher at its first use, checked, and kept in `~/.onfit/datasets`, or
in `$ONFIT_HOME/datasets` if that variable is set.

    from onfit.datasets import fashion_mnist
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
"""

from onfit.datasets import fashion_mnist, mnist

__all__ = ["fashion_mnist", "mnist"]
