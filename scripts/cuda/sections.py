"""The sections of the report, in the order in which they run: what is right comes before what is quick."""

from scripts.cuda.section import Section


def _section(name: str, title: str, seconds: float, hang: float = 60, workers: int = 1) -> Section:
    where = f"scripts.cuda.{name}"
    return Section(
        name, title, f"{where}:items", f"{where}:page", seconds, hang, workers, fresh=name == "resumptions"
    )


# Determinism is asked of cuBLAS before a process first uses it, so that each of those runs has its own.
SECTIONS = (
    _section("machine", "The machine", 20),
    _section("marked_tests", "Tests that need a GPU", 110, hang=150, workers=4),
    _section("contract", "The contract of the operations", 80, hang=40, workers=4),
    _section("networks", "Networks of others", 50, workers=3),
    _section("trajectories", "Training as on the CPU", 60, hang=90, workers=4),
    _section("resumptions", "Interrupted and resumed", 40, workers=3),
    _section("steps", "A step", 25),
    _section("epochs", "An epoch, and the way to a test accuracy", 60, hang=90),
    _section("last_layer", "The last layer of a language model", 25),
    _section("operations", "Operations", 70),
    _section("compiled", "Operations, compiled", 110, hang=90, workers=6),
)
