"""The page's modules as one: each behind those that it imports, without the imports and exports."""

import re
from importlib.resources import files

IMPORT = re.compile(r'^import (?:\{ [\w$, ]+ \} from )?"(\S+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=const|function|class)", re.MULTILINE)


def bundle(entry: str) -> str:
    """The script that does what the module does. A name is defined once in all of them together."""
    modules: dict[str, str] = {}
    _collect(entry, modules)
    return "\n".join(modules.values())


def _collect(name: str, modules: dict[str, str]) -> None:
    """Add a module of the folder `scripts`, behind all that it imports."""
    if name in modules:
        return
    text = (files(__package__) / "scripts" / name).read_text(encoding="utf-8")
    for imported in IMPORT.findall(text):
        _collect(_resolved(name, imported), modules)
    modules[name] = EXPORT.sub("", IMPORT.sub("", text))


def _resolved(importer: str, path: str) -> str:
    """`../step.js`, imported by `graph/tiles.js`, is `step.js`."""
    folder = importer.split("/")[:-1]
    for part in path.split("/"):
        if part == "..":
            folder.pop()
        elif part != ".":
            folder.append(part)
    return "/".join(folder)
