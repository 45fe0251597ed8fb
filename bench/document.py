"""docs/benchmarks.md, written from results."""

from collections.abc import Callable, Iterator
from typing import Any

from bench.contenders import BASELINE, CONTENDERS
from bench.measures import torch_net_loops
from bench.ratios import Results, Spread
from bench.tables import ABSENT, number, shown, table
from bench.targets import Target, targets
from bench.workloads import TITLES

BEGINNING = """\
# Benchmarks

Written by `make bench` from the raw figures that it keeps in `bench/results`. Do not edit.

Each measurement runs in a process of its own. A round makes every measurement once, in a shuffled
order, and two figures are compared only within a round. A figure is the median over the rounds,
with the lowest and the highest in brackets. Unless a table says otherwise it is a multiple of
"torch by hand, tuned" ([the loop]({loop})): 0.80 takes a fifth less time, 2.00 twice as much. That
loop also trains in the process of each other training, turn by turn, so that a slow phase of the
machine slows both. Ratios are similar on different machines; times are not.

All contenders start from the same weights, train with the same Adam, and compute loss and accuracy
of each batch. All treat numbers too small for a float's full precision as zero: XLA always does,
and torch is set to (`torch.set_flush_denormal(True)`). After its time is measured, each contender
trains a few steps in fixed order. If its losses differ from the tuned loop's by more than a
thousandth, the table says so.
"""

LOOP = "../bench/contenders/torch_tuned.py"


def rendered(results: Results) -> str:
    sections = [
        BEGINNING.format(loop=LOOP),
        *machine(results),
        *target_table(results),
        *training(results),
        *ahead(results),
        *hooks(results),
        *beside_keras(results),
        *processes(results),
        *torch_net(results),
        *inference(results),
        *first_batch(results),
        *imports(results),
        *checkpoints(results),
        *memory(results),
        *left_out(results),
        *load(results),
    ]
    return "\n".join(section.rstrip() + "\n" for section in sections)


def machine(results: Results) -> Iterator[str]:
    found = results.raw["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    rounds = len(_whole_rounds(results))
    quick = ", a quick run that shows little more than that everything works" * results.raw["quick"]
    again = "".join(
        f" {', '.join(part['groups'])}: anew on {part['date']}, in {part['rounds']} rounds."
        for part in results.raw.get("again", ())
    )
    yield (
        f"Measured on {results.raw['date']} in {rounds} round{'s' * (rounds > 1)}{quick}. "
        f"The machine: {found['processor']}, {found['cores']} cores, "
        f"{found['memory_gib']} GiB of memory, {found['system']}; "
        f"threads of each process: {found['threads']}. "
        f"Python {found['python']}, {versions}.{again}"
    )


def _whole_rounds(results: Results) -> list[dict[str, Any]]:
    """The rounds of the first run; a run that measured some groups again may have had more."""
    rounds: list[dict[str, Any]] = results.raw["rounds"]
    return rounds[: results.raw.get("whole_rounds")]


def target_table(results: Results) -> Iterator[str]:
    yield "## Targets\n\nA target is met if the median is."
    rows = []
    for target in targets():
        found = target.find(results)
        unit = "" if target.unit == "x" else f" {target.unit}"
        bounds = [ABSENT if bound is None else f"{bound:g}{unit}" for bound in _bounds(target)]
        verdict = {None: "not measured", True: "yes", False: "**no**"}[target.met(results)]
        rows.append([target.what, *bounds, shown(found, unit), verdict])
    yield table(["what", "must be at most", "aim", "found", "met"], rows)


def _bounds(target: Target) -> tuple[float, float | None]:
    return target.must, target.aim


def training(results: Results) -> Iterator[str]:
    measured = [name for name in TITLES if name in results.groups()]
    if not measured:
        return
    yield "## A training step\n\n![Training steps beside the tuned loop](benchmarks.png)"
    rows = [
        [contender.title, *(_step(results, workload, name) for workload in measured)]
        for name, contender in CONTENDERS.items()
        if any(name in results.names(workload) for workload in measured)
    ]
    yield table(["", *measured], rows)
    yield "\n".join(f"- **{name}**: {TITLES[name]}." for name in measured)


def _step(results: Results, workload: str, name: str) -> str:
    if results.error(workload, name):
        return "failed"
    mark = " (other losses!)" if results.losses_agree(workload, name) is False else ""
    return shown(results.to_tuned(workload, name)) + mark


def ahead(results: Results) -> Iterator[str]:
    """Wins and losses in words: the contenders ahead of onfit, and the next one after it."""
    lines = []
    for workload in TITLES:
        own = results.to_tuned(workload, "onfit")
        if own:
            lines.append(f"- {workload}: {_standing(results, workload, own)}")
    if lines:
        yield "## Contenders ahead of onfit"
        yield "\n".join(lines)


def _standing(results: Results, workload: str, own: Spread) -> str:
    others = {
        CONTENDERS[name].title: found.median
        for name in results.names(workload)
        if name != "onfit" and (found := results.to_tuned(workload, name))
    }
    faster = sorted((value, title) for title, value in others.items() if value < own.median)
    if not faster:
        return f"no other contender; onfit takes {number(own.median)}."
    listed = ", ".join(f"{title} ({number(value)})" for value, title in faster)
    return f"{listed}; onfit takes {number(own.median)}."


def hooks(results: Results) -> Iterator[str]:
    if not _groups(results, "hooks_"):
        return
    yield (
        "## Callbacks\n\nThe time of a step with callbacks, as a multiple of the same `fit` "
        "without them, and the difference in microseconds. Both are measured turn by turn in "
        "one process; the figure is the time that nine of ten turns exceed, that of a quiet "
        "machine. For the bar on `deep` and the reader on `tiny` this is too coarse. They are "
        "measured in one training, in which they sleep in every other block of steps: the "
        "figure is the difference between the median steps of neighbouring blocks and, for the "
        "bar, the extra time of the steps in which it was called. `tiny` is a step that is "
        "nearly all framework: 8 numbers to 10 classes, batch 4; `deep` is twenty such layers. "
        "The bar is drawn on a terminal. A figure below 0 is lost in the variation of the step."
    )
    yield _by_group(results, "hooks_", _hook)


def beside_keras(results: Results) -> Iterator[str]:
    if not _groups(results, "beside_keras_"):
        return
    yield (
        "Callbacks that hear each batch: onfit's `fit` with 16 of them, as a multiple of that of "
        "Keras on jax with one, turn by turn in one process, on a quiet machine."
    )
    yield _by_group(results, "beside_keras_", _beside)


def processes(results: Results) -> Iterator[str]:
    if not _groups(results, "processes_"):
        return
    yield (
        "## Two processes\n\nA step of two processes that talk over gloo on one machine, each "
        "with one thread and half of every batch, as a multiple of that of a loop in DDP by hand, "
        "turn by turn in the same processes."
    )
    yield _by_group(results, "processes_", _beside)


def torch_net(results: Results) -> Iterator[str]:
    names = results.names(torch_net_loops.GROUP) if _groups(results, torch_net_loops.GROUP) else []
    if not names:
        return
    yield (
        "## A torch net of one's own\n\nA net 16-32-10 with AdamW and a DataLoader, batches of 32, "
        "loss and accuracy logged; as a multiple of the typical loop by hand, which reads both by "
        "`.item()`, and the difference per step. They take turns in one process. A pushed batch is "
        "what a `Session` costs another trainer."
    )
    yield table(["", "x typical"], [[n, _hook(results, torch_net_loops.GROUP, n)] for n in names])


def _groups(results: Results, prefix: str) -> list[str]:
    return [group for group in results.groups() if group.startswith(prefix)]


def _by_group(results: Results, prefix: str, cell: Callable[[Results, str, str], str]) -> str:
    """A table with a column for each group of that prefix, and a row for each name in them."""
    groups = _groups(results, prefix)
    names = sorted({name for group in groups for name in results.names(group)}, key=_by_count)
    rows = [[name, *(cell(results, group, name) for group in groups)] for name in names]
    return table(["", *(group.removeprefix(prefix) for group in groups)], rows)


def _beside(results: Results, group: str, name: str) -> str:
    """The ratio to the training that took turns with this one in the same process."""
    return "failed" if results.error(group, name) else shown(results.to_plain(group, name))


def _by_count(name: str) -> tuple[bool, str, int]:
    """A sorting key: onfit first, and 16 after 4."""
    words, _, count = name.rpartition(" x ")
    return (not name.startswith("onfit"), words or name, int(count) if words else 0)


def _hook(results: Results, group: str, name: str) -> str:
    if results.error(group, name):
        return "failed"
    ratio = results.to_plain(group, name)
    extra = results.value(group, name, "extra")
    if ratio is None or extra is None:
        return ABSENT
    return f"{number(ratio.median)}, {1e6 * extra.median:+.1f} us"


def inference(results: Results) -> Iterator[str]:
    groups = [g for g in results.groups() if g.startswith(("evaluate_", "predict_"))]
    if not groups:
        return
    yield (
        "## `evaluate` and `predict`\n\nBatches of 128, against a loop under `torch.no_grad()`; "
        "onfit takes turns with it in one process."
    )
    names = [name for name in CONTENDERS if any(name in results.names(g) for g in groups)]
    rows = [
        [CONTENDERS[name].title, *(_inferred(results, group, name) for group in groups)]
        for name in names
    ]
    yield table(["", *(group.replace("_", ", ") for group in groups)], rows)


def _inferred(results: Results, group: str, name: str) -> str:
    return "failed" if results.error(group, name) else shown(results.to_tuned(group, name))


def _plainly(results: Results, group: str, name: str, to: str = BASELINE) -> str:
    return "failed" if results.error(group, name) else shown(results.ratio(group, name, to))


def first_batch(results: Results) -> Iterator[str]:
    if "first_batch" not in results.groups():
        return
    yield (
        "## Time to the first batch\n\nA training of one batch of mlp, from the first import on: "
        "what one library loads when it is imported, another loads at its first step."
    )
    rows = [
        [contender.title, _plainly(results, "first_batch", name)]
        for name, contender in CONTENDERS.items()
        if name in results.names("first_batch")
    ]
    yield table(["", "x tuned"], rows)


def imports(results: Results) -> Iterator[str]:
    if "imports" not in results.groups():
        return
    yield "## Imports\n\nMultiples of `import torch`."
    rows = [
        [name, _plainly(results, "imports", name, to="import torch")]
        for name in results.names("imports")
    ]
    yield table(["", "x `import torch`"], rows)


def checkpoints(results: Results) -> Iterator[str]:
    if "checkpoints" not in results.groups():
        return
    yield (
        "## How long training stands still while 400 MB are saved\n\nMultiples of a plain write "
        "and fsync of as many bytes in the same process. onfit in the foreground waits for the "
        "disk, too; the others leave this to the system."
    )
    yield table(
        ["", "x plain"],
        [[name, _beside(results, "checkpoints", name)] for name in results.names("checkpoints")],
    )


def memory(results: Results) -> Iterator[str]:
    kept = results.value("memory", "restore_best_weights", "bytes")
    without = results.value("memory", "without restore_best_weights", "bytes")
    weights = results.value("memory", "restore_best_weights", "weights")
    growth = results.value("memory", "growth over ten times as many batches", "bytes")
    batches = results.value("memory", "growth over ten times as many batches", "batches")
    lines = []
    if kept and without and weights:
        more = number((kept.median - without.median) / weights.median)
        lines.append(
            f"- `restore_best_weights=True` takes {more} times the weights' memory (25 million "
            "weights): it needs at least one set of them."
        )
    if growth and batches:
        lines.append(
            f"- From the {batches.median / 10:,.0f}th batch to the {batches.median:,.0f}th the "
            f"process grows by {growth.median / 1024:,.0f} KiB."
        )
    if lines:
        yield "## Memory"
        yield "\n".join(lines)


def left_out(results: Results) -> Iterator[str]:
    """The contenders that are missing above, each with its reason."""
    lines = [
        f"- {CONTENDERS[name].title}: not installed ({', '.join(packages)})."
        for name, packages in results.raw["skipped"].items()
    ]
    lines += [
        f"- {group}, {name}: failed with `{error}`"
        for group in results.groups()
        for name in results.names(group)
        if (error := results.error(group, name))
    ]
    lines += [
        f"- {CONTENDERS[name].title}, {workload}: other losses than the tuned loop's."
        for workload in TITLES
        for name in results.names(workload)
        if results.losses_agree(workload, name) is False
    ]
    if lines:
        yield "## Left out, failed, doubted"
        yield "\n".join(lines)


def load(results: Results) -> Iterator[str]:
    yield (
        "## How quiet the machine was\n\nThe load average before each round (from the second on "
        "this is mostly the round before), and how much longer than the shortest the "
        "longest of ten equal calculations took."
    )
    rows = []
    for place, one in enumerate(_whole_rounds(results), start=1):
        times = one["load"]["calibration"]
        rows.append([str(place), f"{one['load']['loadavg']:.2f}", number(max(times) / min(times))])
    yield table(["round", "load", "longest / shortest"], rows)
