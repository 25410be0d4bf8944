"""The page's ES modules as one script: each is a scope, in the order in which they need each other."""

import re
from importlib.resources import files
from posixpath import dirname, join, normpath

IMPORT = re.compile(r'^import (?:(\{[\w$,\s]+\}) from )?"(\S+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:const|function|class) ([\w$]+))", re.MULTILINE)


def bundle(entry: str) -> str:
    """The script that does what the module does, and keeps what each module exports in `modules`."""
    scopes: dict[str, str] = {}
    _collect(entry, scopes)
    return "\n".join(["const modules = {};", *scopes.values()])


def _collect(name: str, scopes: dict[str, str]) -> None:
    """Add a module of the folder `scripts`, behind all that it imports."""
    if name in scopes:
        return
    text = (files(__package__) / "scripts" / name).read_text(encoding="utf-8")
    for _, path in IMPORT.findall(text):
        _collect(_resolved(name, path), scopes)

    def imported(match: re.Match[str]) -> str:
        names, path = match.groups()
        return f'const {names} = modules["{_resolved(name, path)}"];\n' if names else ""

    exports = ", ".join(exported for _, exported in EXPORT.findall(text))
    text = EXPORT.sub(r"\1", IMPORT.sub(imported, text))
    scopes[name] = f'modules["{name}"] = (() => {{\n{text}return {{ {exports} }};\n}})();'


def _resolved(importer: str, path: str) -> str:
    """`../step.js`, imported by `graph/tiles.js`, is `step.js`."""
    return normpath(join(dirname(importer), path))
