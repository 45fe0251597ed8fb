"""Measure, and write the document; with `report`, write it from earlier results.

python -m bench
python -m bench --quick
python -m bench --only softmax,mlp --contenders onfit,torch_tuned --rounds 2
python -m bench report bench/results/FILE.json bench/results/PART_MEASURED_AGAIN.json
"""

import argparse
import datetime
import json
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from bench import chart, document, machine
from bench.cases import Case
from bench.contenders import CONTENDERS
from bench.measures import (
    beside_keras,
    checkpoints,
    first_batch,
    hooks,
    imports,
    inference,
    memory,
    processes,
    torch_net_loops,
    training,
)
from bench.ratios import Results
from bench.rounds import measure

MEASURES = (
    training,
    hooks,
    beside_keras,
    inference,
    first_batch,
    imports,
    checkpoints,
    processes,
    memory,
    torch_net_loops,
)
RESULTS = Path("bench/results")
DOCUMENT = Path("docs/benchmarks.md")
TRIAL = RESULTS / "benchmarks.md"  # for a run that leaves something out
QUICK_CONTENDERS = ("onfit", "torch_tuned", "torch_typical", "keras_jax")


def main() -> None:
    options = parsed()
    if options.command == "report":
        report(merged([json.loads(path.read_text()) for path in options.results]), DOCUMENT)
    else:
        whole = not (options.quick or options.only or options.contenders)
        report(measured(options), DOCUMENT if whole else TRIAL)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.split("\n")[0])
    parser.add_argument("--only", type=names, help="workloads and measures, such as softmax,hooks")
    parser.add_argument("--contenders", type=names, help="such as onfit,torch_tuned")
    parser.add_argument("--rounds", type=int, help="how often all is measured (3; quick: 1)")
    parser.add_argument("--threads", type=int, help="of each process (as many as torch takes)")
    parser.add_argument("--quick", action="store_true", help="few contenders, few steps")
    again = parser.add_subparsers(dest="command").add_parser("report", help="of earlier results")
    again.add_argument("results", type=Path, nargs="+", help="later ones replace what they hold")
    return parser.parse_args()


def names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Measure, and write all raw figures to a new file."""
    threads = options.threads or machine.torch_threads()
    chosen = options.contenders or (QUICK_CONTENDERS if options.quick else tuple(CONTENDERS))
    due = [case for case in all_cases(options.quick) if wanted(case, options.only, chosen)]
    present = [case for case in due if not case.missing()]
    results = {
        "date": datetime.date.today().isoformat(),
        "quick": options.quick,
        "machine": machine.described(threads),
        "skipped": {name: CONTENDERS[name].missing() for name in sorted({*absent(due)})},
        "rounds": measure(present, options.rounds or (1 if options.quick else 3), threads),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.datetime.now():%Y-%m-%d-%H%M}.json"
    path.write_text(json.dumps(results, indent=1))
    print(f"written: {path}")
    return results


def merged(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The first run, with its groups replaced by those that later runs measured again."""
    whole = runs[0] | {"again": [], "whole_rounds": len(runs[0]["rounds"])}
    for run in runs[1:]:
        groups = Results(run).groups()
        whole["again"].append({"date": run["date"], "rounds": len(run["rounds"]), "groups": groups})
        pairs = zip_longest(whole["rounds"], run["rounds"], fillvalue={"figures": {}})
        whole["rounds"] = [replaced(old, new, groups) for old, new in pairs]
    return whole


def replaced(old: dict[str, Any], new: dict[str, Any], groups: list[str]) -> dict[str, Any]:
    """The round `old`, with its `groups` replaced by those of `new`."""
    kept = {name: group for name, group in old["figures"].items() if name not in groups}
    return new | old | {"figures": kept | new["figures"]}


def all_cases(quick: bool) -> Iterator[Case]:
    for kind in MEASURES:
        yield from kind.cases(quick)


def wanted(case: Case, only: Iterable[str] | None, contenders: Iterable[str]) -> bool:
    """Whether the case was asked for, by the name of its group or by the beginning of that name."""
    asked = only is None or any(f"{case.group}_".startswith(f"{name}_") for name in only)
    return asked and case.contender in contenders


def absent(cases: Iterable[Case]) -> Iterator[str]:
    return (case.contender for case in cases if case.missing())


def report(raw: dict[str, Any], path: Path) -> None:
    """Write the document and its chart."""
    path.parent.mkdir(exist_ok=True)
    results = Results(raw)
    chart.draw(results, path.with_suffix(".png"))
    path.write_text(document.rendered(results))
    print(f"written: {path}")


if __name__ == "__main__":
    main()
