"""A question as a form, in a notebook and on the site; as a few lines of text elsewhere."""

import json
from functools import cache
from html import escape
from pathlib import Path

from manual_backprop.exercises.questions import Choice, Number, Question
from manual_backprop.plots.style import displayed

HERE = Path(__file__).parent
NUMBER = r"\s*[+\-−]?[\d.,]+(e[+\-]?\d+)?(\s*/\s*[\d.]+)?\s*"


class Form:
    """What a notebook shows of a question: a form that needs nothing but the page it stands in.

    A choice is a list of answers, each of which opens what is said of it: HTML does that alone. A number is
    compared by a few lines of script.
    """

    def __init__(self, name: str, question: Question, call: str) -> None:
        self.name = name
        self.question = question
        self.call = call

    def show(self) -> None:
        """Display the form in a notebook; anywhere else, print the question."""
        if not displayed(self):
            print(self)

    def __repr__(self) -> str:
        asked = f"{self.name}: not answered yet. Answer with {self.call}, where … is"
        if isinstance(self.question, Number):
            return f"{asked} a number."
        options = [f"  {place}  {option}" for place, option in enumerate(self.question.remarks, 1)]
        return "\n".join([f"{asked} one of these, or its number:", *options])

    def _repr_html_(self) -> str:
        kind = self.name.split()[0].lower()
        body = (
            _number(self.question) if isinstance(self.question, Number) else _choice(self.question, self.name)
        )
        return (
            f'<div class="mb-question mb-{kind}" role="group" aria-label="{escape(self.name)}">'
            f"<style>{_file('form.css')}</style><p><strong>{escape(self.name)}</strong></p>{body}</div>"
        )


def _choice(question: Choice, name: str) -> str:
    return "".join(
        f'<details name="{escape(name)}"><summary>{escape(option)}</summary><p><strong>'
        f"{'Right' if option == question.right else 'Not so'}:</strong> {escape(remark)}</p></details>"
        for option, remark in question.remarks.items()
    )


def _number(question: Number) -> str:
    data = {
        "right": question.number(),
        "because": question.because,
        "mistakes": list(question.mistakes.items()),
        "within": question.within,
    }
    return (
        f'<form data-question="{escape(json.dumps(data))}"><label>A number: <input name="answer" required '
        f'inputmode="decimal" autocomplete="off" pattern="{escape(NUMBER)}" title="a number"></label> '
        f'<button>Answer</button><p><output name="said"></output></p></form>'
        f"<script>{_file('form.js')}</script>"
    )


@cache
def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
