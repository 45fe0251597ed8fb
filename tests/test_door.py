"""The front door: every public name is there, and nothing is loaded before it is asked for."""

import importlib.metadata
import subprocess
import sys
import traceback

import pytest

import onfit
from onfit.core import Run


def run_python(code: str) -> str:
    """What `code` prints in a fresh interpreter, in which nothing is imported yet."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def loaded_by(statement: str, *packages: str) -> str:
    return run_python(
        f"import sys\n{statement}\nprint(*(name for name in {packages!r} if name in sys.modules))"
    )


def without_torch(statement: str) -> str:
    return run_python(
        "import sys; sys.modules['torch'] = None\n"
        f"import onfit\ntry:\n    {statement}\n"
        "except onfit.errors.MissingPackageError as error: print(error.name, '|', error)"
    )


HEAVY = ("torch", "jax", "keras", "tensorflow", "tensorboard", "matplotlib", "numpy")


def test_importing_onfit_loads_no_framework():
    assert loaded_by("import onfit", *HEAVY) == ""


def test_importing_the_callbacks_loads_no_framework():
    assert loaded_by("import onfit.callbacks", *HEAVY[:-1]) == ""


def test_a_run_in_a_loop_of_ones_own_loads_no_framework():
    assert loaded_by("import onfit; onfit.Run(onfit, onfit.callbacks.History())", *HEAVY[:-1]) == ""


def test_listing_the_names_loads_nothing():
    assert loaded_by("import onfit; dir(onfit)", "onfit.core", "onfit.layers", *HEAVY) == ""


def test_a_model_loads_torch():
    assert loaded_by("import onfit; onfit.Sequential", "torch") == "torch"


@pytest.mark.parametrize("name", onfit.__all__)
def test_every_public_name_leads_somewhere(name):
    assert getattr(onfit, name) is not None
    assert name in dir(onfit)


@pytest.mark.parametrize("name", ["Model", "Sequential", "load_model"])
def test_the_models_are_those_of_onfit_models(name):
    assert getattr(onfit, name) is getattr(onfit.models, name)


def test_input_is_that_of_the_layers():
    assert onfit.Input is onfit.layers.Input


def test_run_is_that_of_core():
    assert onfit.Run is Run


def test_keras_scripts_find_the_modules_by_attribute():
    code = "import onfit as keras; print(keras.callbacks.EarlyStopping.__name__)"
    assert run_python(code) == "EarlyStopping"


def test_a_name_is_looked_up_once():
    assert run_python("import onfit; onfit.Run; print('Run' in vars(onfit))") == "True"


def test_a_misspelt_name_is_an_attribute_error_with_the_nearest_one():
    with pytest.raises(
        AttributeError,
        match=r"^module 'onfit' has no attribute 'Modle'\. Did you mean 'Model'\?$",
    ):
        _ = onfit.Modle


def test_a_name_near_to_none_says_where_the_names_are():
    with pytest.raises(AttributeError, match=r"'qqq'\. dir\(onfit\) lists what it has\.$"):
        _ = onfit.qqq


def test_a_traceback_guesses_once():
    with pytest.raises(AttributeError) as caught:
        _ = onfit.Modle
    assert "".join(traceback.format_exception(caught.value)).count("Did you mean") == 1


def test_hasattr_works():
    assert hasattr(onfit, "Run")
    assert not hasattr(onfit, "Modle")


@pytest.mark.parametrize("name", ["Model", "Sequential", "layers", "Input"])
def test_without_torch_the_error_says_how_to_install_it(name):
    assert without_torch(f"onfit.{name}") == (
        f"torch | onfit.{name} is built on torch, which is not installed. "
        'Install it with: pip install "onfit[torch]"'
    )


def test_without_torch_the_callbacks_work():
    assert without_torch("print(onfit.callbacks.History().history)") == "{}"


def test_another_missing_module_is_not_blamed_on_torch(monkeypatch):
    monkeypatch.setitem(onfit._HOMES, "Model", "onfit.no_such_room")
    monkeypatch.delitem(vars(onfit), "Model", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"onfit\.no_such_room"):
        _ = onfit.Model


def test_the_version_is_that_of_the_installed_package(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", {"onfit": "1.2.3"}.__getitem__)
    monkeypatch.delitem(vars(onfit), "__version__", raising=False)
    assert onfit.__version__ == "1.2.3"
    monkeypatch.delitem(vars(onfit), "__version__")


def test_the_version_of_a_package_never_installed_is_unknown(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    monkeypatch.delitem(vars(onfit), "__version__", raising=False)
    assert onfit.__version__ == "0+unknown"
    monkeypatch.delitem(vars(onfit), "__version__")
