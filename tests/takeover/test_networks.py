"""Networks that others have written: inside the block they train as outside."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor, nn

from manual_backprop import use_manual_gradients
from tests.models import LARGER


def gradients(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
    """The loss and every parameter's gradient; running statistics and draws begin anew each time."""
    torch.manual_seed(1)
    model.load_state_dict(
        model.state_dict() | {k: torch.zeros_like(v) for k, v in model.named_buffers() if "running" in k}
    )
    loss = T.cross_entropy(model(images), labels)
    return (loss.detach(), *torch.autograd.grad(loss, tuple(model.parameters())))


@pytest.mark.parametrize(
    ("name", "by_hand"), [("efficientnet_b0", 1.0), ("swin_v2_t", 0.85), ("googlenet", 1.0)]
)
def test_a_network_of_torchvision(name: str, by_hand: float) -> None:
    build, draw = LARGER[name]
    torch.manual_seed(0)
    model = build().double()
    images, labels = draw()
    due = gradients(model, images, labels)
    with use_manual_gradients() as coverage:
        given = gradients(model, images, labels)
    # A bias before a batch norm has the gradient 0, so that rounding is measured by the largest gradient.
    largest = max(float(g.abs().max()) for g in due)
    for a, b in zip(given, due, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-11 * largest)
    own = coverage.hand_written.total()
    assert own >= by_hand * (own + coverage.built_in.total())


class GraphNetwork(nn.Module):
    """Two layers of x′ = relu(Â x Wᵀ + b), Â being the sparse adjacency with each row scaled to the sum 1."""

    def __init__(self, adjacency: Tensor) -> None:
        super().__init__()
        self.adjacency = adjacency
        self.first, self.second = nn.Linear(5, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.adjacency @ self.first(x))
        return torch.sparse.mm(self.adjacency, self.second(x))


LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {"coo": Tensor.to_sparse, "csr": Tensor.to_sparse_csr}


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_graph_network_with_a_sparse_adjacency_trains_as_outside(layout: str) -> None:
    edges = (torch.rand(7, 7, generator=torch.Generator().manual_seed(0)) < 0.3).double() + torch.eye(7)
    adjacency = LAYOUTS[layout](edges / edges.sum(1, keepdim=True))
    x, y = torch.rand(7, 5).double(), torch.tensor([0, 2, 1, 1, 0, 2, 1])

    def trained() -> list[Tensor]:
        torch.manual_seed(0)
        network = GraphNetwork(adjacency).double()
        descent = torch.optim.SGD(network.parameters(), lr=0.5)
        for _ in range(5):
            descent.zero_grad()
            T.cross_entropy(network(x), y).backward()
            descent.step()
        return list(network.parameters())

    due = trained()
    with use_manual_gradients() as coverage:
        given = trained()
    assert coverage.hand_written["Linear"] == 2
    assert sum(coverage.built_in.values()) <= 4  # two products with Â, and their transposes
    for a, b in zip(given, due, strict=True):
        torch.testing.assert_close(a, b)
