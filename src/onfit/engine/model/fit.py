"""fit, evaluate and predict: they prepare the data and the step, and walk batches with a Run."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import torch

from onfit._types import Callbacks
from onfit.callbacks.history import History
from onfit.callbacks.progbar import ProgbarLogger
from onfit.core.console import level_of
from onfit.core.gradients import shows_batches
from onfit.core.interrupts import INTERRUPTS
from onfit.core.listeners import Listeners
from onfit.core.logs import Logs
from onfit.core.processes import ALONE
from onfit.core.run import Run
from onfit.dtypes import as_numpy
from onfit.engine.agreeing import changes_of, require_all
from onfit.engine.data.arrays import Samples, samples_of
from onfit.engine.data.batching import Batching
from onfit.engine.data.class_weight import class_weights_of, weighted_by_class
from onfit.engine.data.given import given, sets_to_validate, source_of
from onfit.engine.data.reading import moved
from onfit.engine.data.source import Source, size_of
from onfit.engine.data.validation import ValidationData, collected, of_set
from onfit.engine.model.extent import Extent, under_way
from onfit.engine.model.validating import Validations
from onfit.engine.step.connecting import as_one, begin_alike, processes_of
from onfit.engine.step.following import Following, FollowingTraining
from onfit.engine.step.own_step import OwnStep
from onfit.engine.step.step import TestStep, TrainStep, test_step_of, train_step_of
from onfit.errors import ArgumentError, DataError
from onfit.layers.modes import evaluating, training

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable


@INTERRUPTS.listening()  # before a first batch is loaded, perhaps by workers
def fit(
    model: "Compilable",
    x: Any,
    y: Any,
    sample_weight: Any,
    batching: Batching,
    validation: ValidationData,
    *,
    callbacks: Callbacks,
    extent: Extent,
    verbose: int | str,
) -> History:
    """The training loop: what `Trainer.fit` documents."""
    history = model.history = History()  # now: after an interrupt it has what was logged until then
    together = processes_of(model)
    batching = replace(batching, together=together)
    verbose = level_of(verbose)
    listeners = _listeners(callbacks, history, verbose)
    train, held_out, shown = _sources(x, y, sample_weight, batching, validation)
    first = train.first()
    model.get_ready_for(first)
    asked = {**vars(extent), **batching.asked, **validation.asked}
    begin_alike(model, first, together, asked, train, *held_out.values())
    step = FollowingTraining(model, copies=train.facts.copies, together=together)
    test: Any = Following(model, test_step_of) if held_out else None
    step.prepare()
    validations = Validations(model, validation, held_out, test, in_steps=extent.steps is not None)
    model.validation_sets = list(held_out)
    listeners.set_validation_data(shown)
    run = Run(
        model,
        listeners,
        epochs=extent.epochs,
        initial_epoch=extent.initial_epoch,
        params={
            **_params(train, model.compiled.names, verbose, list(held_out)),
            **extent.params(),
        },
        meter=step,
        parts={"data": train, **validations.parts},
        decide_at="validations" if validations.within else "epochs",
    )
    for source in held_out.values():
        validation.require_enough(source, extent.range)
    run.alone, run.shares_batches = together.world == 1, True
    run.batch_view, run.has_changed = step.seen, changes_of(model, together)
    step.when_renewed = partial(_rename_metrics, model, run)
    with under_way(model), as_one(model), run, training(model):
        step.begin(keeps_outputs=shows_batches(run))
        extent.walk(run, train, step, validations)
        if not run.pausing:  # a run that goes on elsewhere needs the weights as they are
            model.compiled.optimizer.finalize_variable_values()
    return history


def _sources(
    x: Any, y: Any, sample_weight: Any, batching: Batching, validation: ValidationData
) -> tuple[Source, dict[str, Source], Any]:
    """Batches to train on; for each set to validate on its name and its batches; and the arrays of
    the first of these for callbacks, or a function that collects them. A set alone has no name.
    """
    if x is None:
        raise DataError("fit(x=None): there is nothing to train on. Pass arrays or a DataLoader.")
    data, sets = given(x, y, sample_weight, batching.names), {}
    if validation.data is not None:
        sets = sets_to_validate(validation.data, batching.names)
    elif validation.is_split:
        data, sets[""] = data.split(validation.split)
    train = data.source(batching)
    held_out = {name: each.source(validation.batching(batching)) for name, each in sets.items()}
    if not held_out:
        return train, {}, None
    first = next(iter(held_out))
    shown: Any = sets[first].shown
    if shown is None and not held_out[first].facts.once:
        # Made when a callback first reads them.
        whole = replace(validation.batching(batching), together=ALONE)
        shown = cache(partial(collected, sets[first].source(whole)))
    return train, held_out, shown


def evaluate(
    model: "Compilable",
    x: Any,
    y: Any,
    sample_weight: Any,
    batching: Batching,
    *,
    callbacks: Callbacks,
    verbose: int | str,
) -> dict[str, float]:
    """Loss and metrics over data: what `Trainer.evaluate` documents."""
    verbose = _asked_of(model, verbose)
    source = source_of(x, y, sample_weight, batching)
    model.get_ready_for(source.first())
    require_all(model, "evaluate")
    step = test_step_of(model, model.compiled)
    params = _params(source, model.metrics_names, verbose)
    run = Run(model, _listeners(callbacks, None, verbose), params=params)
    with evaluating(model), run.introduced():
        return dict(run.evaluate(source.epoch(0), step, step.totals, size=size_of))


def predict(
    model: "Compilable", x: Any, batching: Batching, *, callbacks: Callbacks, verbose: int | str
) -> Any:
    """Outputs for data: what `Trainer.predict` documents."""
    verbose = _asked_of(model, verbose)
    source = source_of(x, batching=batching)
    model.get_ready_for(source.first())
    require_all(model, "predict")
    params = _params(source, [], verbose)
    run = Run(model, _listeners(callbacks, None, verbose), params=params)
    with evaluating(model), run.introduced():
        outputs = run.predict(source.epoch(0), _outputs_of(model), size=size_of)
        return _joined(list(outputs))


def _outputs_of(model: "Compilable") -> Callable[[Samples], Any]:
    """What gives the outputs for a batch: the model, or what its author wrote."""
    own = model.own_predict_step
    if own is None:
        return lambda batch: model(batch.x)
    return lambda batch: own((batch.x,) if isinstance(batch.x, tuple) else batch.x)


def train_on_batch(
    model: "Compilable",
    x: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Any,
    reset_metrics: bool,
) -> dict[str, float]:
    """One step of training, outside of any run."""
    batch = _one_batch(model, x, y, sample_weight, class_weight)
    step = _step_by_hand(model, train_step_of, reset_metrics)
    with training(model), model.compiled.trained.for_a_step(model, model.described):
        step(batch)
    return _report(step)


def test_on_batch(
    model: "Compilable", x: Any, y: Any, sample_weight: Any, reset_metrics: bool
) -> dict[str, float]:
    """The loss and metrics of one batch."""
    batch = _one_batch(model, x, y, sample_weight, None)
    step = _step_by_hand(model, test_step_of, reset_metrics)
    with evaluating(model):
        step(batch)
    return _report(step)


def _step_by_hand(model: "Compilable", make: Callable[..., Any], reset_metrics: bool) -> Any:
    """A new step; or, to add up what batches gave, the one of the batch before."""
    compiled, kept = model.compiled, model.steps_by_hand
    known, step = kept.pop(make.__name__, (None, None))
    if reset_metrics or known is not compiled:
        step = make(model, compiled)
    if not reset_metrics:
        kept[make.__name__] = compiled, step
    return step


def predict_on_batch(model: "Compilable", x: Any) -> Any:
    """Outputs for one batch."""
    batch = _one_batch(model, x, None, None, None)
    with evaluating(model):
        return _joined([_outputs_of(model)(batch)])


def _listeners(callbacks: Callbacks, history: History | None, verbose: int) -> Listeners:
    """The user's callbacks in their order, then the bar and the history."""
    listeners = Listeners(callbacks)
    has_bar = any(isinstance(callback, ProgbarLogger) for callback in listeners)
    if verbose and not has_bar:
        listeners.append(ProgbarLogger())
    if history is not None:
        listeners.append(history)
    return listeners


def _asked_of(model: "Compilable", verbose: int | str) -> int:
    """How much an evaluation or prediction shows: in the model's own training only what the caller
    asks for, so that a bar does not break the training's.
    """
    return level_of(verbose, unasked=0 if model.fits_under_way else 1)


def _params(
    source: Source, names: list[str], verbose: int, held_out: Sequence[str] = ()
) -> dict[str, Any]:
    """What callbacks see as `self.params`. `held_out` are the names of the sets to validate on."""
    facts = source.facts
    return {
        "batch_size": facts.batch_size,
        "steps": facts.steps,
        "samples": facts.samples,
        "verbose": verbose,
        "do_validation": bool(held_out),
        "metrics": _metric_names(names, held_out),
    }


def _metric_names(names: list[str], held_out: Sequence[str]) -> list[str]:
    validated = [f"val_{of_set(each, name)}" for each in held_out for name in names]
    for twice in sorted({name for name in validated if validated.count(name) > 1}):
        raise ArgumentError(
            f"validation_data of {', '.join(held_out)}: two of them would be logged as {twice!r}. "
            "Give them other names."
        )
    return [*names, *validated]


def _rename_metrics(model: "Compilable", run: Run) -> None:
    """Show the callbacks what is measured since the model was compiled anew."""
    run.params["metrics"][:] = _metric_names(model.metrics_names, model.validation_sets)


def _one_batch(
    model: "Compilable", x: Any, y: Any, sample_weight: Any, class_weight: Any
) -> Samples:
    by_class = class_weights_of(class_weight, model.names.outputs)
    batch = samples_of(x, y, sample_weight, model.names, one_batch=True)
    batch = weighted_by_class(batch, by_class)
    model.get_ready_for(batch)
    return batch if model.device is None else moved(batch, model.device)


def _report(step: TrainStep | TestStep | OwnStep) -> dict[str, float]:
    return dict(Logs.of_epoch(step.totals))


def _joined(outputs: list[Any]) -> Any:
    """Batches of outputs as one array, or a list or dict of one per output."""
    if isinstance(outputs[0], dict):
        return {name: _joined([batch[name] for batch in outputs]) for name in outputs[0]}
    if isinstance(outputs[0], (tuple, list)):
        return [_joined(list(column)) for column in zip(*outputs, strict=True)]
    return as_numpy(torch.cat(outputs))
