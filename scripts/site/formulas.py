"""Turns the derivations in the package's docstrings into reStructuredText with real mathematics.

The docstrings are written to be read in an editor: formulas in Unicode, in indented blocks and in running
text, explanations three spaces or more to their right. `to_latex` translates one formula, `derivation` one
docstring. A character without a translation is an error, so that the site never shows half a formula.
"""

import inspect
import re
import textwrap
import unicodedata
from collections import deque
from dataclasses import dataclass

SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋ₐₑᵢⱼₖₗₘₙₚₛₜᵤᵥₓ", "0123456789+-aeijklmnpstuvx")
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁱʲᵏˡᵐⁿᵗˣʸᶻᴸᵀ′", "0123456789+-ijklmntxyzLT'")
SUB, SUP = ("".join(map(chr, table)) for table in (SUBSCRIPTS, SUPERSCRIPTS))
COMMANDS = """α alpha β beta γ gamma δ delta ε varepsilon η eta θ theta λ lambda μ mu µ mu π pi σ sigma φ phi
    ℓ ell ∂ partial Σ sum ∞ infty … dots · cdot × times ⊙ odot ≤ le ≥ ge ≠ ne ≪ ll ≫ gg ± pm ← leftarrow → to
    ∈ in ≈ approx : colon ⟨ langle ⟩ rangle log log max max exp exp tanh tanh"""
SYMBOLS = {key: rf"\{name}" for key, name in re.findall(r"(\S+) (\S+)", COMMANDS)}
SYMBOLS |= {"−": "-", "¼": r"\tfrac{1}{4}", "½": r"\tfrac{1}{2}"}
ACCENTS = {"\u0302": "hat", "\u0307": "dot"}
FORMATS = {"name": r"\text{%s}", "text": r"\text{%s}", "quoted": r"\mathtt{%s}", "literal": r"\mathtt{%s}"}

# A word stands upright. It has two letters or more and is no function, product (NC, or xt in 2xt) or
# differential (da/dz); or it is the article "a", which no verb or preposition follows.
LETTER = "[A-Za-zα-ωℓĊċĖėĠġİŻżȦȧȮȯḀ-ẟ][\u0302\u0307]?"
PARTIAL = rf"∂|d(?=[a-z][{SUB}]*/d)|(?<=/)d(?=[a-z][{SUB}]*(?![A-Za-z]))"
FUNCTION = "(?:log|max|exp|tanh)(?![A-Za-z'-])"
PRODUCT = "[NMDC]{2}(?![A-Za-z])"
SNAKE = "[a-z]+(?:_[a-z]{2,})+"
BINARY = "+−·×⊙<>≤≥≠≪≫≈→±∈=←"
AFTER_A = r"\s(?:is|was|has|and|or|in|at|to|of|if|where|over|for|with|from|by|stands|close\sto)\b"
ARTICLE = rf"(?<!∂)a(?=\s[A-Za-z`*\"]{{2}})(?!{AFTER_A})|A(?=\s[A-Za-z]{{2}})"
UPRIGHT = "[A-Za-zÀ-ÖØ-öø-ÿ]"
NO_WORD = f"{FUNCTION}|{PRODUCT}|{PARTIAL}|{SNAKE}"
WORD = rf"(?:(?<!\d)(?!{NO_WORD}){UPRIGHT}{{2,}}\d*(?:['-]{UPRIGHT}+)*|{ARTICLE}|'s\b)"
TOKEN = re.compile(
    rf"""(?P<literal>`[^`]+`|{SNAKE})
    |(?P<quoted>"[^"]*")
    |(?P<emphasis>\*\w(?:[^*]*\w)?\*)
    |(?P<partial>{PARTIAL})
    |(?P<prefix>{FUNCTION}|Σ)
    |(?P<name>(?<=∂)[a-z]{{2,}}|softmax(?=\()|out(?=\s+[=−+])
        |(?<=[=−]\ )(?!{PRODUCT})[A-Za-z]{{2,}}(?:-[a-z]+)*)
    |(?P<text>(?:(?<![{BINARY}])\ )?(?:[,;]\ )?{WORD}(?:[,;:]?\ {WORD})*(?:\ (?![\ {BINARY}]))?)
    |(?P<script>[{SUB}]+(?:,[a-z][{SUB}]+)?|[{SUP}]+|[_^](?:\{{[^}}]*\}}|{LETTER}[{SUB}]*|\d+)
        |(?<=[A-Za-z])\d+)
    |(?P<term>\d+(?:\.\d+)*|[∞¼½…]|{PRODUCT}|{LETTER}|\*(?=[,)]))
    |(?P<relation>[=←])
    |(?P<operator>[{BINARY}]|(?<=\ )-(?=\ ))
    |(?P<slash>/)|(?P<open>[(\[⟨])|(?P<close>[)\]⟩])|(?P<comma>[,;:])|(?P<space>\s+)|(?P<other>.)""",
    re.VERBOSE,
)
FACTORS = {"term", "name", "prefix", "differential"}
# In running text: m for what a formula is made of, e for what stands inside it only, s for what may begin it.
CODES = dict.fromkeys(("prefix", "name", "script", "term"), "m")
CODES |= dict.fromkeys(("space", "slash", "operator", "relation"), "e") | {"partial": "s"}
SURE = re.compile(rf"{LETTER}|[{BINARY}/,*∞¼½]|^\(\)$")

LEAD = re.compile(r"(Why [^:.`]*:|What [^:.`]*:|The numerical trap:?|Shapes:|Source:)")
BLOCK = re.compile(
    r"(?P<mark>\d+\.(?= )|\w+(?=   )) +(?P<body>\S.*(?:\n+ .*)*)"  # a step, or Given, Want
    r"|(?P<term>\S.*[^:\n])\n(?P<below> .*(?:\n+ .*)*)"
    r"|(?P<display> .*(?:\n .*)*)|(?P<paragraph>\S.*(?:\n(?!\d+\. |\w+   )\S.*)*)"
)
CODE = re.compile(
    r"^\s*(>>>|\$|(import|from|def|class|return|pip)\b)|\w\.\w+\(|\w_[a-z]{2}|--\w", re.MULTILINE
)


@dataclass
class Node:
    """A part of a formula, the space before it, and for brackets what they enclose."""

    kind: str
    latex: str
    gap: str = ""
    enclosed: str = ""


def to_latex(formula: str, inline: bool = False, align: bool = False) -> str:
    """One formula in LaTeX; words in it become upright text.

    `inline`, for running text, keeps the slash of every fraction. `align` puts an alignment mark before the
    first relation, or in front where there is none or words come first.

    Raises:
        ValueError: A bracket has no partner, or a character no translation.
    """
    tokens = deque(_tokens(formula))
    nodes = _nodes(tokens, inline)
    if align:
        kinds = [node.kind for node in nodes]
        first = kinds.index("relation") if "relation" in kinds else 0
        nodes.insert(0 if "text" in kinds[:first] else first, Node("operator", "&", " "))
    latex = _join(nodes)
    if tokens or not latex.isascii():
        raise ValueError(f"no LaTeX for {formula!r}; so far: {latex!r}")
    return latex


def _tokens(text: str) -> list[tuple[str, str]]:
    return [(str(match.lastgroup), match.group()) for match in TOKEN.finditer(text.replace("’", "'"))]


def _nodes(tokens: deque[tuple[str, str]], inline: bool) -> list[Node]:
    """Takes tokens up to the end or to a closing bracket, which it leaves."""
    nodes: list[Node] = []
    gap = ""
    while tokens and tokens[0][0] != "close":
        kind, text = tokens.popleft()
        last = nodes[-1] if nodes else Node("", "")
        if kind == "space":
            gap = text
            continue
        if kind == "script" and nodes:
            last.latex, last.enclosed = last.latex + _script(text), ""
            continue
        node = Node(kind, FORMATS.get(kind, "%s") % SYMBOLS.get(text, text), gap)
        base, *accent = unicodedata.normalize("NFD", text) if kind == "term" else text
        if kind == "literal":
            node = Node("name", node.latex.replace("`", "").replace("_", r"\_"), gap)
        elif accent and accent[0] in ACCENTS:
            node.latex = rf"\{ACCENTS[accent[0]]}{{{SYMBOLS.get(base, base)}}}"
        elif kind == "open":
            inner = _join(_nodes(tokens, inline))
            closing = tokens.popleft()[1] if tokens else "\ufffd"  # refused by to_latex
            left, right = node.latex, SYMBOLS.get(closing, closing)
            if r"\frac" in inner:
                left, right = rf"\left{left}", rf"\right{right}"
            node = Node("term", _join([Node("", left), Node("", inner), Node("", right)]), gap, inner)
        if last.kind == "partial":  # ∂ takes what follows it, up to the variable
            last.latex = _join([Node("", last.latex), node])
            last.kind = "partial" if kind == "prefix" else "differential"
        else:
            nodes.append(node)
        gap = ""
    return nodes if inline else _fractions(nodes)


def _script(text: str) -> str:
    if text[0] in "_^":
        return f"{text[0]}{{{to_latex(text[1:].strip('{}').replace(' in ', ' ∈ '))}}}"
    if text[0] in SUP:
        raised = text.replace("′", "").translate(SUPERSCRIPTS).replace("T", r"\top")
        return "'" * text.count("′") + (f"^{{{raised}}}" if raised else "")
    index, comma, second = text.partition(",")  # xₙ,yₙ has two subscripts, of which the second has its own
    return f"_{{{index.translate(SUBSCRIPTS)}{comma}{to_latex(second)}}}"


def _fractions(nodes: list[Node]) -> list[Node]:
    """Builds fractions of derivatives, and of slashes with spaces, whose numerator is all of the product."""
    for i, node in enumerate(nodes):
        derivative = [part.kind for part in nodes[max(i - 1, 0) : i + 2 : 2]] == ["differential"] * 2
        if node.kind != "slash" or not (node.gap or derivative):
            continue
        start, stop = i - 1, i + 2
        while node.gap and start > 0 and nodes[start - 1].kind in FACTORS:
            start -= 1
        while nodes[i + 1].kind == "prefix" and stop < len(nodes) and nodes[stop].kind in FACTORS:
            stop += 1
        parts = [nodes[start:i], nodes[i + 1 : stop]]
        above, below = (part[0].enclosed * (len(part) == 1) or _join(part) for part in parts)
        fraction = Node("term", rf"\frac{{{above}}}{{{below}}}", nodes[start].gap)
        return _fractions([*nodes[:start], fraction, *nodes[stop:]])
    return nodes


def _join(nodes: list[Node]) -> str:
    latex = kind = ""
    for node in nodes:
        if len(node.gap) > 1 and kind in {"comma", "quoted"}:
            latex += r"\quad "
        elif node.gap or (re.search(r"\\[A-Za-z]+$", latex) and node.latex[:1].isalpha()):
            latex += " "
        latex, kind = latex + node.latex, node.kind
    return latex.strip()


def derivation(docstring: str) -> str:
    """A module's docstring as reStructuredText.

    Formulas in running text become mathematics where they are sure to be formulas: letters that stand alone,
    whatever has scripts, Greek letters, derivatives, and what operators and brackets join to these.
    """
    title, _, text = inspect.cleandoc(docstring).partition("\n\n")
    return f"{_prose(title)}\n\n{_blocks(text)}".rstrip() + "\n"


def _blocks(text: str) -> str:
    return "\n\n".join(map(_block, BLOCK.finditer(text)))


def _block(match: re.Match[str]) -> str:
    if mark := match["mark"]:
        width = match.start("body") - match.start()
        body = _blocks(re.sub(rf"^ {{1,{width}}}", "", match["body"], flags=re.MULTILINE))
        if mark[0].isdigit():
            return f"{mark} {textwrap.indent(body, ' ' * (len(mark) + 1)).lstrip()}"
        return f"**{mark}**\n{textwrap.indent(body, '    ')}"
    if match["term"]:
        return f"{_prose(match['term'])}\n{textwrap.indent(_blocks(textwrap.dedent(match['below'])), '    ')}"
    text = match["display"] or match["paragraph"]
    if match["display"] or all("   " in line for line in text.splitlines()):
        return _display(textwrap.dedent(text))
    text = re.sub(r" {3,}(.*?)([,.;:]?)$", r" (\1)\2", text, flags=re.MULTILINE)
    lead = LEAD.match(text)
    return f"**{lead[1]}**{_prose(text[lead.end() :])}" if lead else _prose(text)


def _display(block: str) -> str:
    if CODE.search(re.sub("`[^`]*`", "", block)):
        return f"::\n\n{textwrap.indent(block, '   ')}"
    rows = [re.split(" {3,}", line.strip()) for line in block.splitlines()]
    if all(re.fullmatch("[a-z]+", row[0]) for row in rows) and len({len(row) for row in rows}) == 1:
        return ".. list-table::\n\n" + "\n".join(
            "   * - " + "\n     - ".join(map(_prose, row)) for row in rows
        )
    if len(rows) == 1:
        return ".. math::\n\n   " + r" \qquad ".join(map(to_latex, rows[0]))
    lines = [" & ".join(to_latex(cell, align=True) for cell in row) for row in rows]
    return "\n   ".join([".. math::\n", r"\begin{aligned}", " \\\\\n   ".join(lines), r"\end{aligned}"])


def _prose(text: str) -> str:
    """Running text, its formulas as `:math:`."""
    tokens = _tokens(re.sub(r"\s+", " ", text))
    codes = ["s" if part in "−±∂" else CODES.get(kind, "t") for kind, part in tokens]
    opened: list[int] = []
    for i, (kind, _) in enumerate(tokens):
        if kind == "open":
            opened.append(i)
        elif kind == "close" and opened:
            start = opened.pop()
            if all(codes[j] != "t" or tokens[j][1] == "," for j in range(start + 1, i)):
                codes[start : i + 1] = "m" * (i + 1 - start)
                if ("comma", ",") in tokens[start:i] and "".join(codes[max(start - 2, 0) : start]) == "me":
                    codes[start - 1] = "t"  # z (N, C) is a name and a shape
    pieces, end = [], 0
    for run in re.finditer("s*m(?:[ems]*m)?", "".join(codes)):
        source = "".join(part for _, part in tokens[run.start() : run.end()])
        if SURE.search(re.sub(FUNCTION, "", source)):
            pieces += [_plain(tokens[end : run.start()]), f"\x01:math:`{to_latex(source, inline=True)}`\x02"]
            end = run.end()
    marked = "".join([*pieces, _plain(tokens[end:])])
    marked = re.sub(r"(?<=[^\s'\"(\[<\-/:])\x01", r"\\ ", marked)  # a role may not touch a word
    return re.sub("[\x01\x02]", "", re.sub(r"\x02(?=[^\s'\")\]>\-/:.,;!?])", r"\\ ", marked))


def _plain(tokens: list[tuple[str, str]]) -> str:
    plain = ""
    for kind, text in tokens:
        name, escaped = text.strip("`"), re.sub(r"[*`|\\_]", r"\\\g<0>", text)
        plain += f"``{name}``" if kind == "literal" else text if kind == "emphasis" else escaped
    return plain
