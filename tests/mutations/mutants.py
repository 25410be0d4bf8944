"""Wrong backwards: the mistakes that people make, each as one line of the package replaced by a wrong one."""

from dataclasses import dataclass
from importlib import import_module
from inspect import getsource
from types import ModuleType

from tests.functional.cases import BY_POSITION
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
        return BY_POSITION[self.operation](function) if self.operation in BY_POSITION else function


GRAD_X = "delta @ _rows(weight).conj()"
GRAD_W = "_rows(delta).t() @ _rows(input).conj()"
GRAD_B = "_summed(grad_output, ctx.bias_shape)"
GRAD_Z = "return grad_output * (a * (1 - a)).conj()"
MASKED = "return gate(grad_output, a)"
GRAD_LOG = "grad_input = g - y.exp() * g.sum(ctx.dim, keepdim=True)"
SLOPE = "slope = labels.clear(-g * labels.weight)"
NLL_G = "g = grad_of_losses(upstream, ctx.reduction, labels.divisor).expand_as(target)"
CE_G = "g = grad_of_losses(widen(grad_output), reduction, labels.divisor)"
CE_IGNORED = "g = labels.clear(g.expand(labels.ignored.shape))"
SOFTMAX = "torch.softmax(z, class_dimension(z)), labels"
PRODUCT = "torch.mul(p, total, out=out)"
ONE_HOT = "grad_input.scatter_add_(dim, labels.column, (-at_y).expand(labels.column.shape))"
TOTAL = "total = at_y + everywhere.sum(dim, keepdim=True)"
IS_IGNORED = "(0 if labels.ignored is None else labels.ignored)"
COUNT_IGNORED = "(0 if labels.ignored is None else labels.ignored.sum())"
GRAD_TANH = "return grad_output * ((1 - a) * (1 + a)).conj()"
GATED = "gate(grad_output, a)"
SLOPE_OF_A = "slope = widen(a) * (1 - widen(a))"
PULLED = "narrow(widen(grad_output) * slope, a.dtype)"
MSE_SLOPE = "slope = 2 * g * error if weight is None else 2 * g * widen(weight) * error"
MSE_G = "g = grad_of_losses(widen(grad_output), ctx.reduction, _divisor(weight, error))"
CHUNK_W = "grad_W = _added(grad_W, delta.T, x, alone)"
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
        GRAD_X.replace("_rows(weight)", "_rows(weight).T.reshape(_rows(weight).shape)"),
    ),
    Mutant(
        "linear",
        "∂L/∂W transposed",
        GRAD_W,
        "(_rows(input).t() @ _rows(delta)).reshape(ctx.weight_shape)",
    ),
    Mutant(
        "linear",
        "upstream ignored in ∂L/∂W",
        GRAD_W,
        GRAD_W.replace("_rows(delta)", "torch.ones_like(_rows(delta))"),
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
    Mutant("relu", "mask inverted", MASKED, "return grad_output.masked_fill(a > 0, 0)"),
    Mutant("relu", "no mask", MASKED, "return grad_output"),
    Mutant("relu", "upstream ignored", MASKED, MASKED.replace("grad_output", "torch.ones_like(grad_output)")),
    Mutant("relu", "the output instead of the slope", MASKED, "return grad_output * a"),
    Mutant("relu", "mask of the upstream's sign", MASKED, "return grad_output.clamp(min=0)"),
    Mutant("relu", "NaN masked", MASKED, "return grad_output.masked_fill(~(a > 0), 0)"),
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
    Mutant("nll_loss", "forgotten mean", NLL_G, "g = upstream.expand_as(target)"),
    Mutant(
        "nll_loss",
        "`ignore_index` counted in the mean",
        NLL_G,
        NLL_G.replace("labels.divisor", f"labels.divisor + {COUNT_IGNORED}"),
    ),
    Mutant(
        "nll_loss",
        "class weights left out of the divisor",
        NLL_G,
        NLL_G.replace("labels.divisor", f"labels.column.numel() - {COUNT_IGNORED}"),
    ),
    Mutant(
        "nll_loss",
        "class weights left out of the gradient",
        SLOPE,
        SLOPE.replace("-g * labels.weight", "-g * (labels.weight * 0 + 1)"),
    ),
    Mutant(
        "nll_loss", "ignored examples not left out", SLOPE, f"slope = -g * (labels.weight + {IS_IGNORED})"
    ),
    Mutant("nll_loss", "upstream ignored", NLL_G, NLL_G.replace("upstream,", "torch.ones_like(upstream),")),
    Mutant("nll_loss", "divided by the number of classes", SLOPE, f"{SLOPE} / ctx.shape[ctx.dim]"),
    Mutant("nll_loss", "all ignored: 0 · ∞", SLOPE, "slope = -g * labels.weight"),
    Mutant("cross_entropy", "one-hot minus softmax", f"{ONE_HOT}  # … − g t", f"{ONE_HOT}.neg_()"),
    Mutant("cross_entropy", "one-hot left out", ONE_HOT, "grad_input = grad_input * 1"),
    Mutant(
        "cross_entropy",
        "softmax left out",
        SOFTMAX,
        "torch.zeros_like(z), labels",
    ),
    Mutant("cross_entropy", "log-softmax for softmax", SOFTMAX, SOFTMAX.replace("softmax", "log_softmax")),
    Mutant(
        "cross_entropy",
        "softmax over the batch",
        SOFTMAX,
        SOFTMAX.replace("class_dimension(z)", "0"),
    ),
    Mutant("cross_entropy", "forgotten mean", CE_G, "g = widen(grad_output)"),
    Mutant(
        "cross_entropy",
        "`ignore_index` counted in the mean",
        CE_G,
        CE_G.replace("labels.divisor", f"labels.divisor + {COUNT_IGNORED}"),
    ),
    Mutant(
        "cross_entropy",
        "class weights left out of the divisor",
        CE_G,
        CE_G.replace("labels.divisor", f"labels.column.numel() - {COUNT_IGNORED}"),
    ),
    Mutant(
        "cross_entropy",
        "class weights left out of the gradient",
        "at_y = total = g * labels.weight.unsqueeze(dim)",
        "at_y = total = g * torch.ones_like(labels.weight).unsqueeze(dim)",
    ),
    Mutant(
        "cross_entropy",
        "ignored examples get smoothing's share",
        CE_IGNORED,
        "g = g.expand(labels.ignored.shape)",
    ),
    Mutant(
        "cross_entropy",
        "upstream ignored",
        CE_G,
        CE_G.replace("widen(grad_output)", "torch.ones_like(widen(grad_output))"),
    ),
    Mutant("cross_entropy", "t taken to sum to 1", TOTAL, "total = g"),
    Mutant(
        "cross_entropy",
        "smoothing left out of t",
        "return grad_input.sub_(everywhere) if epsilon > 0 else grad_input",
        "return grad_input",
    ),
    Mutant(
        "cross_entropy",
        "squared error's factor p (1 − p)",
        PRODUCT,
        "torch.mul(p * (1 - p), total)",
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
    Mutant("tanh", "dropped minus", GRAD_TANH, GRAD_TANH.replace("return ", "return -")),
    Mutant("tanh", "1 − a for 1 − a²", GRAD_TANH, "return grad_output * (1 - a)"),
    Mutant("tanh", "1 + a² for 1 − a²", GRAD_TANH, "return grad_output * (1 + a * a)"),
    Mutant("tanh", "the sigmoid's slope", GRAD_TANH, "return grad_output * a * (1 - a)"),
    Mutant("tanh", "tanh′ of the activation", GRAD_TANH, "return grad_output * (1 - a.tanh() ** 2)"),
    Mutant("tanh", "upstream ignored", GRAD_TANH, GRAD_TANH.replace("grad_output", "torch.ones_like(a)")),
    Mutant("linear_relu", "ReLU's slope left out", GATED, "grad_output"),
    Mutant("linear_relu", "the wrong half passes", GATED, "grad_output.masked_fill(a > 0, 0)"),
    Mutant("linear_relu", "a for its sign", GATED, "grad_output * a"),
    Mutant("linear_relu", "dropped minus", GATED, f"-{GATED}"),
    Mutant("linear_relu", "upstream ignored", GATED, "gate(a * 0 + 1, a)"),
    Mutant("linear_relu", "the gradient clipped, not the activation", GATED, "grad_output.clamp(min=0)"),
    Mutant("linear_sigmoid", "1 − a forgotten", SLOPE_OF_A, "slope = widen(a)"),
    Mutant("linear_sigmoid", "a forgotten", SLOPE_OF_A, "slope = 1 - widen(a)"),
    Mutant("linear_sigmoid", "σ′ of the activation", SLOPE_OF_A, "slope = a.sigmoid() * (1 - a.sigmoid())"),
    Mutant("linear_sigmoid", "tanh's slope", SLOPE_OF_A, "slope = (1 - a) * (1 + a)"),
    Mutant("linear_sigmoid", "dropped minus", PULLED, f"-{PULLED}"),
    Mutant("linear_sigmoid", "upstream ignored", PULLED, PULLED.replace("widen(grad_output) * ", "")),
    Mutant("linear_cross_entropy", "dropped minus in ∂L/∂x", "delta @ W)", "-delta @ W)"),
    Mutant("linear_cross_entropy", "∂L/∂W transposed", CHUNK_W, "grad_W = (x.T @ delta).reshape(W.shape)"),
    Mutant(
        "linear_cross_entropy",
        "averaged bias gradient",
        "grad_b = delta.sum(0) if",
        "grad_b = delta.mean(0) if",
    ),
    Mutant(
        "linear_cross_entropy",
        "forgotten mean",
        "grad_of_losses(grad_output, reduction, divisor).expand",
        "grad_output.expand",
    ),
    Mutant("linear_cross_entropy", "upstream ignored", "narrow(g * grad_output, g.dtype)", "g"),
    Mutant("linear_cross_entropy", "log p for p", "p = torch.exp(log_p, out=place)", "p = log_p"),
    Mutant("mse_loss", "factor 2 forgotten", MSE_SLOPE, MSE_SLOPE.replace("2 * g", "g")),
    Mutant("mse_loss", "target minus prediction", MSE_SLOPE, MSE_SLOPE.replace("2 * g", "-2 * g")),
    Mutant("mse_loss", "weights left out", MSE_SLOPE, "slope = 2 * g * error"),
    Mutant("mse_loss", "the square for the error", MSE_SLOPE, MSE_SLOPE.replace("error", "error.square()")),
    Mutant("mse_loss", "forgotten mean", MSE_G, "g = widen(grad_output)"),
    Mutant(
        "mse_loss",
        "mean over the batch only",
        MSE_G,
        MSE_G.replace("_divisor(weight, error)", "max((*error.shape, 1)[0], 1)"),
    ),
    Mutant("mse_loss", "the target's sign", "narrow(-slope.sum_to_size", "narrow(slope.sum_to_size"),
)
