"""What arguments of a name usually are, as people name them in such code.

A shape is written as "N D", with a size of one as 1 and a multiple as 3H; `k` in kH is the factor that
the code has.
"""

import re

Usual = tuple[tuple[float, str], ...]  # how implausible, and the shape

DATA: Usual = ((0, "N D"), (2, "D"), (2, "N T D"), (2.5, "N C H W"), (2.5, "N C L"), (2.2, "D N"), (3, ""))
IMAGE: Usual = ((0, "N C H W"), (0.8, "H W"), (1.5, "N C L"), (2, "N D"))
SEQUENCE: Usual = ((0, "T N D"), (0.3, "T D"), (0.6, "N D"), (0.8, "T"), (1, "N T D"))
WEIGHT: Usual = (
    (0, "D M"),
    (0.5, "M D"),
    (1.2, "D"),
    (2.2, "F C KH KW"),
    (2.5, "F C KL"),
    (2, "KH KW"),
    (2, "KL"),
    (3, ""),
)
KERNEL: Usual = ((0, "F C KH KW"), (0.4, "KH KW"), (0.6, "F C KL"), (0.8, "KL"))
SCALING: Usual = ((0, "D"), (1.8, "N D"), (1, ""), (1, "1 D"), (2, "M"), (2, "D M"), (2.2, "N T D"))
BIAS: Usual = ((0, "M"), (0.6, "D"), (1.2, "1 M"), (1.2, "M 1"), (1.5, "F"), (1.2, ""), (5, "N M"))
SCALE: Usual = (
    (0, "D"),
    (0.5, "M"),
    (0.6, "C"),
    (1, "1 D"),
    (1.2, ""),
    (1.4, "D 1"),
    (2.5, "1 C 1 1"),
    (5, "N D"),
)
SECOND_WEIGHT: Usual = ((0, "M P"), (0.5, "P M"), (0.6, "D M"), (0.8, "D P"))
SECOND_BIAS: Usual = ((0, "P"), (0.6, "M"), (1, "1 P"), (1, "P 1"), (1.2, ""))
STATE: Usual = ((0, "N H"), (1.2, "H"), (1.5, "H N"), (1.5, "H 1"))

CAPITALS = "XWBQKVUH"  # the others are matrices of any kind
RECURRENT = r"w_?(?:h|hh|rec|r|aa)|u"

NAMED: tuple[tuple[str, Usual], ...] = (
    (r"x\d?|x_?(?:in|batch|t|train|flat)|xt|inputs?|inp|data|features?|batch|a_?prev", DATA),
    (r"xs|seq|sequence|steps", SEQUENCE),
    (r"im|img|images?|volume|fmap|feature_map", IMAGE),
    (r"filters?|filt|kernels?|ker", KERNEL),
    (r"w_?(?:x|xh|hx|ih|i|xi|in|ax)", ((0, "D kH"), (0.5, "kH D"))),
    (RECURRENT, ((0, "H kH"), (0.5, "kH H"))),
    (r"w_?(?:hy|y|ya|out|ho)", ((0, "H O"), (0.5, "O H"))),
    (r"b_?(?:h|hh|ih|x|xh|a)", ((0, "kH"), (0.8, "kH 1"), (0.8, "1 kH"))),
    (r"b_?(?:y|o|out|hy|ya)", ((0, "O"), (0.8, "O 1"), (0.8, "1 O"))),
    (r"w_?[qk]", ((0, "D K"), (0.5, "K D"))),
    (r"w_?v", ((0, "D V"), (0.5, "V D"))),
    (r"w_?o", ((0, "V D"), (0.5, "D V"))),
    (r"w_?(?:qkv|attn)", ((0, "D 3D"), (0.3, "D 3K"), (0.5, "3D D"))),
    (r"embs?|embeddings?|table|lookup|vectors", ((0, "V D"),)),
    (r"w|weights?|theta|wt?|weight_?\w*|w_\w+", WEIGHT),
    (r"gamma|beta|scales?|shifts?|gain|offset", SCALE),
    (r"b|bias(?:es)?|b_\w+|bias_?\w*", BIAS),
    (r"(?:prev_?)?h(?:_?prev|0|_?0|t|_t|idden|idden_state)?|hx|h_?(?:in|old|tm1)|state|a0", STATE),
    (r"(?:prev_)?(?:c|cell)(?:_?prev|0|_?0|t|_t)?|cx|c_?(?:in|old|tm1)", STATE),
    (r"w[a-z]{1,2}|\w+_(?:w|weights?|kernel)", WEIGHT),
    (r"b[a-z]{1,2}|\w+_(?:b|bias)", BIAS),
    (r"q|query|queries", ((0, "T K"), (0.6, "N T K"), (1.2, "N E T K"), (1.5, "K"))),
    (r"k|keys?", ((0, "S K"), (0.6, "N S K"), (1.2, "N E S K"))),
    (r"v|values?", ((0, "S V"), (0.6, "N S V"), (1.2, "N E S V"), (1.5, "S"))),
)
GATES: tuple[tuple[str, Usual], ...] = (  # of a cell with a state
    (r"w_?[zrnfiocg]", ((0, "D kH"), (0.5, "kH D"))),
    (r"u_?[a-z]", ((0, "H kH"), (0.5, "kH H"))),
    (r"b_?[zrnfiocg]", ((0, "kH"), (0.8, "kH 1"), (0.8, "1 kH"))),
)
TARGET = (
    r"y|ys|t|ts|tgt|y_?(?:true|batch|train|onehot|one_hot)|truth|gt|classes|"
    r"(?:\w+_)?(?:labels?|targets?|one_?hot)(?:_\w+)?"
)
INDEX = r"idx|inds?|index|indexes|indices|ids|tokens?|token_ids|words?|word_ids|captions"
MASK = r"(?:\w+_)?masks?"

CONSTANTS: tuple[tuple[str, tuple[object, ...]], ...] = (
    (r"eps|epsilon", (1e-5,)),
    (r"p|p_drop|drop(?:out)?(?:_(?:p|prob|rate))?|keep_?prob|rate|prob|q", (0.5,)),
    (r"strides?|s", (1, 2)),
    (r"pad|padding|pads", (1, 0)),
    (r"pool_?(?:size|h|w|height|width)?|(?:k|kernel|filter|window)_?size|window|size|pool_\w+|k|f", (2, 3)),
    (r"(?:n_?|num_?)?(?:groups?|heads?|g)|h", (2,)),
    (r"dilation|repeats?", (1, 2)),
    (r"axis|dim", (1, -1, 0)),
    (r"(?:n_?|num_?)(?:class(?:es)?|labels)|classes|c", (7, 3)),
    (r"seed|random_state", (0,)),
    (r"(?:is_?)?(?:train(?:ing)?|test)(?:_?mode)?|causal|is_causal|bias|affine", (True, False)),
    (r"mode|phase", ("train",)),
    (r"reduction|reduce", ("mean", "sum")),
    (r"momentum|decay|rho", (0.9,)),
    (r"delta|margin|t|temp(?:erature)?|tau|beta", (1.0, 0.5)),
    (
        r"alpha|a|slope|negative_slope|leak|lam|lambda_?|reg|lr|learning_rate|gamma|smoothing|\w+_reg|c",
        (0.5,),
    ),
)


def usual(name: str) -> Usual:
    """The shapes of an array of this name, if it says any."""
    if len(name) == 1 and name.isupper() and name not in CAPITALS:
        return ()
    return next((shapes for pattern, shapes in NAMED if re.fullmatch(pattern, name.lower())), ())


def layer(name: str) -> tuple[str, int] | None:
    """("w", 1) of W1, fc1_weight, theta_1; None of what has no number."""
    found = re.fullmatch(
        r"(w|weights?|b|bias(?:es)?|theta|gamma|beta)_?(\d+)|\w*?(\d+)_?(w|b)\w*", name.lower()
    )
    if found is None:
        return None
    letter = found[1] or found[4]
    return (
        "b" if letter.startswith("b") and letter != "beta" else "g" if letter in ("gamma", "beta") else "w"
    ), int(found[2] or found[3])


def of_layer(kind: str, number: int) -> Usual:
    """The shapes of a layer's weight, bias, or scale."""
    below, above = f"L{number - 1}", f"L{number}"
    if kind == "w":
        return (0, f"{below} {above}"), (0.5, f"{above} {below}"), (2.2, f"{above} {below} KH KW")
    return (0, above), (1, f"1 {above}"), (1, f"{above} 1"), (2.5, "")


def constants(name: str) -> tuple[object, ...]:
    """The values of a number, flag or string of this name, if it says any."""
    return next((values for pattern, values in CONSTANTS if re.fullmatch(pattern, name.lower())), ())


def matches(pattern: str, name: str) -> bool:
    """Whether a name is one of a pattern's."""
    return re.fullmatch(pattern, name.lower()) is not None
