"""A torch net in onfit's loops, beside the loop that is typical by hand, turn by turn.

The net is small (16-32-10, batches of 32, AdamW, a DataLoader), so that the loop weighs much. The
loop by hand reads loss and accuracy of each batch by `.item()`. `pushed` is the loop by hand that
also pushes its batches into a `Session`, as an integration does.
"""

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

from bench.cases import Case
from bench.measures import denormals
from bench.measures.pairs import Fit, paired, quiet

GROUP = "torch_net"
LOOPS = {"fit": "onfit: Model(net).fit", "run": "onfit: Run", "pushed": "onfit: a pushed batch"}
BATCHES, SIZE = 200, 32


def cases(quick: bool) -> Iterator[Case]:
    for loop, name in LOOPS.items():
        yield Case(GROUP, name, __name__, {"loop": loop, "quick": quick}, contender="onfit")


def run(loop: str, quick: bool) -> dict[str, float]:
    """Seconds per step with onfit, those of the loop by hand as `plain`, and their difference."""
    variant = {"fit": by_fit, "run": by_run, "pushed": by_session}[loop]
    denormals.taken_for_zero()
    return paired(per_step(by_hand), per_step(variant), 4 if quick else 40, quiet)


def per_step(loop: Callable[[Any, Any, Any], None]) -> Fit:
    """A training of one epoch, which returns its seconds per step."""
    net, optimizer, batches = parts()

    def train() -> float:
        begin = perf_counter()
        loop(net, optimizer, batches)
        return (perf_counter() - begin) / BATCHES

    return train


def parts() -> tuple[Any, Any, Any]:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x, y = torch.randn(BATCHES * SIZE, 16), torch.randint(10, (BATCHES * SIZE,))
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.AdamW(net.parameters())
    return net, optimizer, DataLoader(TensorDataset(x, y), batch_size=SIZE, shuffle=True)


def step(net: Any, optimizer: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """One step by hand; returns loss and accuracy as tensors."""
    from torch.nn.functional import cross_entropy

    outputs = net(x)
    loss = cross_entropy(outputs, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach(), (outputs.argmax(1) == y).float().mean()


def by_hand(net: Any, optimizer: Any, batches: Any) -> None:
    total = right = 0.0
    for x, y in batches:
        loss, accuracy = step(net, optimizer, x, y)
        total += loss.item() * len(x)
        right += accuracy.item() * len(x)


def by_run(net: Any, optimizer: Any, batches: Any) -> None:
    import onfit

    with onfit.Run(net, optimizer=optimizer, epochs=1, params={"verbose": 0}) as run:
        for _ in run.epochs():
            for x, y in run.batches(batches):
                loss, accuracy = step(net, optimizer, x, y)
                run.log(loss=loss, acc=accuracy)


def by_session(net: Any, optimizer: Any, batches: Any) -> None:
    import onfit

    session = onfit.Session(net, optimizer=optimizer, params={"verbose": 0})
    session.train_begin()
    session.epoch_begin()
    total = right = 0.0
    for x, y in batches:
        loss, accuracy = step(net, optimizer, x, y)
        total += loss.item() * len(x)
        right += accuracy.item() * len(x)
        session.batch_end(len(x), loss=loss, acc=accuracy)
    session.epoch_end()
    session.train_end()


def by_fit(net: Any, optimizer: Any, batches: Any) -> None:
    from torch import nn

    import onfit

    model = onfit.Model(net)
    model.compile(optimizer=optimizer, loss=nn.CrossEntropyLoss(), metrics=["acc"])
    model.fit(batches, epochs=1, verbose=0)
