"""Links that no page has to write: from an operation's name to its page, from an exercise to its solution."""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from manual_backprop import functional

NAME = re.compile(r"F\.(\w+)(?:\(\))?|(?:functional/)?(?:\w+/)*(\w+)\.py")
CODE = re.compile(r'<span class="n">F</span><span class="o">\.</span><span class="n">(\w+)</span>')
EXERCISE = re.compile(r"\d+\.\d+")


def pages() -> dict[str, str]:
    """The page of each operation, by its name and by its file's name."""
    found = {}
    for name in functional.__all__:
        module = getattr(getattr(functional, name), "__module__", "")
        if module.startswith("manual_backprop.functional."):
            page = "reference/" + module.removeprefix("manual_backprop.").replace(".", "/")
            found[name] = found[page.rpartition("/")[2]] = page
    return found


PAGES = pages()


def link_operations(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """`F.linear` and `linear.py`, where a text names them, lead to the operation's page."""
    for literal in list(doctree.findall(nodes.literal)):
        match = NAME.fullmatch(literal.astext())
        target = PAGES.get(match[1] or match[2]) if match else None
        if target in {None, page} or isinstance(literal.parent, nodes.reference):
            continue
        uri = app.builder.get_relative_uri(page, target)
        literal.replace_self(nodes.reference("", "", literal.deepcopy(), refuri=uri, internal=True))


def link_operations_in_code(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """The same for `F.linear` in the code of a tutorial."""

    def link(match: re.Match[str]) -> str:
        target = PAGES.get(match[1])
        return (
            f'<a href="{app.builder.get_relative_uri(page, target)}">{match[0]}</a>' if target else match[0]
        )

    if is_tutorial(page):
        context["body"] = CODE.sub(link, context["body"])


def link_solutions(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """An exercise and its solution, which both start with its number in bold, lead to each other."""
    name = Path(page).name
    if not is_tutorial(name):
        return
    for paragraph in doctree.findall(nodes.paragraph):
        number = next((child for child in paragraph if child.astext()), None)  # MyST starts with no text
        if not isinstance(number, nodes.strong) or not EXERCISE.fullmatch(number.astext()):
            continue
        anchor = f"exercise-{number.astext().replace('.', '-')}"
        paragraph["ids"].append(anchor)
        solved = page.startswith("solutions/")
        words, target = ("Exercise", name) if solved else ("Solution", f"solutions/{name}")
        uri = f"{app.builder.get_relative_uri(page, target)}#{anchor}"
        paragraph += [nodes.Text(" "), nodes.reference("", words, refuri=uri, internal=True)]


def is_tutorial(page: str) -> bool:
    return page[:2].isdigit()


def setup(app: Sphinx) -> None:
    """Called by conf.py."""
    app.connect("doctree-resolved", link_operations)
    app.connect("doctree-resolved", link_solutions)
    app.connect("html-page-context", link_operations_in_code)
