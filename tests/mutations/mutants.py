"""Wrong backwards: the mistakes that people make, each as one line of the package replaced by a wrong one."""

from dataclasses import dataclass
from importlib import import_module
from inspect import getsource
from types import ModuleType

from tests.functional.checks import Function


@dataclass(frozen=True)
class Mutant:
    """In the module `operation`, `line` reads `instead`."""

    operation: str
    mistake: str
    line: str
    instead: str

    def function(self) -> Function:
        """The operation's function from a copy of its module that has the mistake in it.

        Raises:
            LookupError: the module does not hold the line exactly once, so the mutant says nothing.
        """
        original = import_module(f"manual_backprop.functional.{self.operation}")
        source = getsource(original)
        if source.count(self.line) != 1:
            raise LookupError(f"{self.operation} holds {source.count(self.line)} times: {self.line}")
        mutated = ModuleType(original.__name__)
        exec(compile(source.replace(self.line, self.instead), f"<{self.mistake}>", "exec"), mutated.__dict__)
        function: Function = getattr(mutated, self.operation)
        return function


GRAD_X = "(delta @ _rows(weight).conj()).reshape(input_shape)"
GRAD_W = "(delta.T @ _rows(input).conj()).reshape(weight_shape)"
GRAD_B = "grad_output.sum_to_size(bias_shape)"
GRAD_Z = "return grad_output * (a * (1 - a)).conj()"
MASKED = "return grad_output.masked_fill(a <= 0, 0)"
GRAD_LOG = "grad_input = g - y.exp() * g.sum(ctx.dim, keepdim=True)"
SLOPE = "slope = (-g * labels.weight).masked_fill(labels.ignored, 0)"
NLL_G = "g = grad_of_losses(upstream, ctx.reduction, labels.weight.sum())"
CE_G = "g = grad_of_losses(widen(grad_output), reduction, labels.weight.sum())"
CE_IGNORED = "g = torch.where(labels.ignored, 0, g).unsqueeze(dim)"
SOFTMAX = "grad_input = torch.softmax(z, dim) * (total * g)"
ONE_HOT = "grad_input.scatter_add_(dim, labels.column, -at_y * g)"
TOTAL = "total = at_y + everywhere.sum()"
SOFT_Z = "narrow((p * t.sum(dim, keepdim=True) - t) * g, input.dtype)"
SOFT_Q = "narrow(-(1 - epsilon) * w * log_p * g, target.dtype)"
SOFT_W = "(-q * log_p * g).sum_to_size(w.shape)"
SOFT_G = "g = grad_of_losses(widen(grad_output), reduction, losses)"

MUTANTS = (
    Mutant("linear", "dropped minus in ∂L/∂x", GRAD_X, "-" + GRAD_X),
    Mutant(
        "linear",
        "W transposed",
        GRAD_X,
        GRAD_X.replace("_rows(weight)", "_rows(weight).T.reshape(weight_shape)"),
    ),
    Mutant(
        "linear",
        "∂L/∂W transposed",
        GRAD_W,
        GRAD_W.replace("(delta.T @ _rows(input).conj())", "(_rows(input).T @ delta)"),
    ),
    Mutant(
        "linear", "upstream ignored in ∂L/∂W", GRAD_W, GRAD_W.replace("delta.T", "torch.ones_like(delta).T")
    ),
    Mutant("linear", "∂L/∂W averaged over the batch", GRAD_W, f"{GRAD_W} / max(len(delta), 1)"),
    Mutant("linear", "bias gradient not summed", GRAD_B, "grad_output"),
    Mutant(
        "linear",
        "bias gradient summed over dimension 0 only",
        GRAD_B,
        "(grad_output.sum(0) if grad_output.dim() else grad_output)",
    ),
    Mutant("linear", "bias gradient averaged", GRAD_B, f"{GRAD_B} / max(len(delta), 1)"),
    Mutant(
        "linear",
        "x detached: second derivative lost",
        GRAD_W,
        GRAD_W.replace("_rows(input)", "_rows(input.detach())"),
    ),
    Mutant(
        "linear",
        "gradient computed where none is needed",
        f"{GRAD_X} if needs_input else None",
        f"{GRAD_X} if weight is not None else grad_output",
    ),
    Mutant(
        "linear",
        "tangent without the bias",
        "terms.append(bias_tangent.expand(shape))",
        "terms.append(0 * bias_tangent.expand(shape))",
    ),
    Mutant("sigmoid", "dropped minus: a (1 + a)", GRAD_Z, GRAD_Z.replace("1 - a", "1 + a")),
    Mutant("sigmoid", "sign", GRAD_Z, GRAD_Z.replace("return ", "return -")),
    Mutant(
        "sigmoid",
        "σ′ of the activation instead of z",
        GRAD_Z,
        GRAD_Z.replace("a * (1 - a)", "torch.sigmoid(a) * (1 - torch.sigmoid(a))"),
    ),
    Mutant(
        "sigmoid",
        "upstream ignored",
        GRAD_Z,
        GRAD_Z.replace("grad_output *", "torch.ones_like(grad_output) *"),
    ),
    Mutant(
        "sigmoid",
        "upstream used twice",
        GRAD_Z,
        GRAD_Z.replace("grad_output *", "grad_output * grad_output *"),
    ),
    Mutant("sigmoid", "local derivative left out", GRAD_Z, "return grad_output"),
    Mutant("sigmoid", "the factor 1 − a forgotten", GRAD_Z, GRAD_Z.replace("(a * (1 - a))", "a")),
    Mutant(
        "sigmoid",
        "a detached: second derivative lost",
        GRAD_Z,
        GRAD_Z.replace("a * (1 - a)", "a.detach() * (1 - a.detach())"),
    ),
    Mutant(
        "sigmoid",
        "tangent without its slope",
        "return input_tangent * (a * (1 - a))",
        "return input_tangent * a",
    ),
    Mutant(
        "relu",
        "gradient 1 at 0",
        "keep(ctx, output)  # step 3",
        "keep(ctx, output + (inputs[0] == 0))  # step 3",
    ),
    Mutant("relu", "mask inverted", MASKED, MASKED.replace("a <= 0", "a > 0")),
    Mutant("relu", "no mask", MASKED, "return grad_output"),
    Mutant("relu", "upstream ignored", MASKED, MASKED.replace("grad_output", "torch.ones_like(grad_output)")),
    Mutant("relu", "the output instead of the slope", MASKED, "return grad_output * a"),
    Mutant("relu", "mask of the upstream's sign", MASKED, MASKED.replace("a <= 0", "grad_output <= 0")),
    Mutant("relu", "NaN masked", MASKED, MASKED.replace("a <= 0", "~(a > 0)")),
    Mutant(
        "relu",
        "tangent not masked",
        "return input_tangent.masked_fill(a <= 0, 0)",
        "return input_tangent * 1",
    ),
    Mutant("log_softmax", "only the identity: −p Σ g forgotten", GRAD_LOG, "grad_input = g"),
    Mutant("log_softmax", "plus for minus", GRAD_LOG, GRAD_LOG.replace("g - y", "g + y")),
    Mutant("log_softmax", "only the diagonal of the Jacobian", GRAD_LOG, "grad_input = g * (1 - y.exp())"),
    Mutant("log_softmax", "log p for p", GRAD_LOG, GRAD_LOG.replace("y.exp()", "y")),
    Mutant(
        "log_softmax",
        "summed over everything",
        GRAD_LOG,
        GRAD_LOG.replace("g.sum(ctx.dim, keepdim=True)", "g.sum()"),
    ),
    Mutant(
        "log_softmax",
        "averaged over the classes",
        GRAD_LOG,
        GRAD_LOG.replace(
            "g.sum(ctx.dim, keepdim=True)", "g.nan_to_num().sum(ctx.dim, keepdim=True) / max(y.numel(), 1)"
        ),
    ),
    Mutant("log_softmax", "upstream ignored", GRAD_LOG, GRAD_LOG.replace("g - ", "torch.ones_like(g) - ")),
    Mutant(
        "log_softmax",
        "the softmax's own gradient",
        GRAD_LOG,
        "grad_input = y.exp() * (g - (y.exp() * g).sum(ctx.dim, keepdim=True))",
    ),
    Mutant("nll_loss", "dropped minus", SLOPE, SLOPE.replace("-g", "g")),
    Mutant("nll_loss", "forgotten mean", NLL_G, "g = upstream"),
    Mutant(
        "nll_loss",
        "`ignore_index` counted in the mean",
        NLL_G,
        NLL_G.replace("labels.weight.sum()", "(labels.weight.sum() + labels.ignored.sum())"),
    ),
    Mutant(
        "nll_loss",
        "class weights left out of the divisor",
        NLL_G,
        NLL_G.replace("labels.weight.sum()", "(~labels.ignored).sum()"),
    ),
    Mutant(
        "nll_loss",
        "class weights left out of the gradient",
        SLOPE,
        SLOPE.replace("-g * labels.weight", "-g * (labels.weight * 0 + 1)"),
    ),
    Mutant(
        "nll_loss", "ignored examples not left out", SLOPE, "slope = -g * (labels.weight + labels.ignored)"
    ),
    Mutant("nll_loss", "upstream ignored", NLL_G, NLL_G.replace("upstream,", "torch.ones_like(upstream),")),
    Mutant("nll_loss", "divided by the number of classes", SLOPE, f"{SLOPE} / ctx.shape[ctx.dim]"),
    Mutant("nll_loss", "all ignored: 0 · ∞", SLOPE, "slope = -g * labels.weight"),
    Mutant("cross_entropy", "one-hot minus softmax", f"{ONE_HOT}  # … − t", f"{ONE_HOT}.neg_()"),
    Mutant("cross_entropy", "one-hot left out", ONE_HOT, "grad_input = grad_input * 1"),
    Mutant(
        "cross_entropy",
        "softmax left out",
        SOFTMAX,
        SOFTMAX.replace("torch.softmax(z, dim)", "torch.zeros_like(z)"),
    ),
    Mutant("cross_entropy", "log-softmax for softmax", SOFTMAX, SOFTMAX.replace("softmax", "log_softmax")),
    Mutant(
        "cross_entropy",
        "softmax over the batch",
        SOFTMAX,
        SOFTMAX.replace("softmax(z, dim)", "softmax(z, 0)"),
    ),
    Mutant("cross_entropy", "forgotten mean", CE_G, "g = widen(grad_output)"),
    Mutant(
        "cross_entropy",
        "`ignore_index` counted in the mean",
        CE_G,
        CE_G.replace("labels.weight.sum()", "(labels.weight.sum() + labels.ignored.sum())"),
    ),
    Mutant(
        "cross_entropy",
        "class weights left out of the divisor",
        CE_G,
        CE_G.replace("labels.weight.sum()", "(~labels.ignored).sum()"),
    ),
    Mutant(
        "cross_entropy",
        "class weights left out of the gradient",
        "at_y = total = labels.weight.unsqueeze(dim)",
        "at_y = total = torch.ones_like(labels.weight.unsqueeze(dim))",
    ),
    Mutant(
        "cross_entropy",
        "ignored examples get smoothing's share",
        CE_IGNORED,
        "g = (g * torch.ones_like(labels.weight)).unsqueeze(dim)",
    ),
    Mutant(
        "cross_entropy",
        "upstream ignored",
        CE_G,
        CE_G.replace("widen(grad_output)", "torch.ones_like(widen(grad_output))"),
    ),
    Mutant("cross_entropy", "t taken to sum to 1", TOTAL, "total = torch.ones_like(at_y)"),
    Mutant(
        "cross_entropy",
        "smoothing left out of t",
        "grad_input = grad_input - everywhere * g",
        "grad_input = grad_input * 1",
    ),
    Mutant(
        "cross_entropy",
        "squared error's factor p (1 − p)",
        SOFTMAX,
        f"p = torch.softmax(z, dim)\n        {SOFTMAX} * (1 - p)",
    ),
    Mutant("cross_entropy_probabilities", "target minus softmax", SOFT_Z, "-" + SOFT_Z),
    Mutant(
        "cross_entropy_probabilities",
        "t taken to sum to 1",
        SOFT_Z,
        SOFT_Z.replace("p * t.sum(dim, keepdim=True)", "p"),
    ),
    Mutant("cross_entropy_probabilities", "forgotten mean", SOFT_G, "g = widen(grad_output)"),
    Mutant(
        "cross_entropy_probabilities",
        "mean over all numbers",
        SOFT_G,
        SOFT_G.replace("losses)", "input.numel())"),
    ),
    Mutant(
        "cross_entropy_probabilities",
        "upstream ignored",
        SOFT_G,
        SOFT_G.replace("widen(grad_output)", "torch.ones_like(widen(grad_output))"),
    ),
    Mutant(
        "cross_entropy_probabilities",
        "smoothing left out of ∂L/∂q",
        SOFT_Q,
        SOFT_Q.replace("(1 - epsilon) * ", ""),
    ),
    Mutant(
        "cross_entropy_probabilities", "class weights left out of ∂L/∂q", SOFT_Q, SOFT_Q.replace(" * w", "")
    ),
    Mutant(
        "cross_entropy_probabilities", "p for log p in ∂L/∂q", SOFT_Q, SOFT_Q.replace("log_p", "log_p.exp()")
    ),
    Mutant(
        "cross_entropy_probabilities",
        "∂L/∂w of the last example only",
        SOFT_W,
        "(-q * log_p * g).movedim(dim, -1).reshape(-1, w.numel())[-1]",
    ),
)
