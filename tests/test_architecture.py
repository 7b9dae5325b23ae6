"""The package keeps to its layers, prints only in its faces, and stays in small pieces."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("words", "records", "statistics", "measurement", "store", "faces")
LAYER_OF = {
    "words": ("__init__", "words", "errors", "regions"),
    "records": ("strict", "estimand", "citation", "claim", "source", "yaml_lines", "library", "lint", "schema", "root", "releases", "grids"),
    "statistics": (
        "plan", "planning", "watched", "dependence", "effects", "sequences", "steadiness", "resolution", "rulings", "gates",
        "judgement", "specifications", "first_calls", "crossover", "projection", "counts", "verdict", "findings", "facts", "documents", "scopes", "outcome", "summary", "run_request", "contradictions",
    ),
    "measurement": (
        "verifier", "memory", "worker", "sentinel", "commit", "processes", "parity", "packages", "system_files", "cgroups", "host",
        "software", "vendors", "devices", "environment", "interference", "declared", "run", "pilot", "blocks", "runner", "probing",
        "verification", "isolated", "programs",
    ),
    "store": ("refresh", "files", "database", "catalogue", "listing", "recheck"),
    "faces": (
        "cli", "sentences", "asides", "waits", "screen", "progress", "rows_chart", "curve_chart", "figures", "commands", "commands.app", "commands.clean", "commands.contradictions", "commands.doctor", "commands.lint",
        "commands.list", "commands.publish", "commands.query", "commands.rebuild", "commands.recheck", "commands.refresh", "commands.schema", "commands.show",
        "commands.verify", "commands.numbers", "pages", "pages.answer", "pages.claim", "pages.claims", "pages.downloads",
        "pages.choices", "pages.costs", "pages.folded", "pages.gates", "pages.evidence", "pages.markup", "pages.provenance", "pages.runs", "pages.stated",
    ),
}  # fmt: skip
PLACE = {module: LAYERS.index(layer) for layer, modules in LAYER_OF.items() for module in modules}
FRAMEWORKS = {"torch", "tensorflow", "keras", "jax", "jaxlib", "torchvision", "onnxruntime"}
FILES = sorted((ROOT / "kb").rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT / "kb").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imports(path: Path) -> set[str]:
    """Return every module that a file imports anywhere, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def own(imported: str) -> str | None:
    """Return which module of kb an import names; None if it is another package's."""
    if imported.partition(".")[0] != "kb":
        return None
    rest = imported.partition(".")[2]
    while rest and rest not in PLACE:
        rest = rest.rpartition(".")[0]
    return rest or "__init__"


def test_every_module_has_its_layer_and_every_layer_names_only_modules():
    assert {name_of(path) for path in FILES} == set(PLACE)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_imports_only_from_its_own_layer_and_those_below(path):
    here = PLACE[name_of(path)]
    above = {other for each in imports(path) if (other := own(each)) is not None and PLACE[other] > here}
    assert above == set(), f"{name_of(path)} ({LAYERS[here]}) imports from above"


def test_no_two_modules_import_each_other():
    needs = {name_of(path): {own(each) for each in imports(path)} - {None, name_of(path)} for path in FILES}
    while needs:
        free = {module for module, wanted in needs.items() if not wanted & set(needs)}
        assert free, f"a circle among {sorted(needs)}"
        needs = {module: wanted for module, wanted in needs.items() if module not in free}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_module_imports_a_framework_and_only_the_app_imports_streamlit(path):
    packages = {each.partition(".")[0] for each in imports(path)}
    assert packages & FRAMEWORKS == set()
    if "streamlit" in packages:
        assert path.parent == ROOT / "kb/pages"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_faces_write_to_the_terminal_and_nobody_prints(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert calls.isdisjoint({"print", "input", "eval", "exec"})
    written = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    written &= {"sys.stdout.write", "sys.stderr.write"}
    assert not written or PLACE[name_of(path)] == LAYERS.index("faces")


@pytest.mark.parametrize("module", ["verifier"])
def test_what_verifiers_import_needs_numpy_and_the_standard_library_alone(module):
    import sys

    packages = {each.partition(".")[0] for each in imports(ROOT / f"kb/{module}.py")}
    assert packages <= {*sys.stdlib_module_names, "numpy"}


@pytest.mark.parametrize("path", [*FILES, ROOT / "app.py"], ids=lambda path: path.stem)
def test_modules_and_functions_fit_on_few_screens(path):
    """Functions are counted without their docstring, whose length the numpy convention sets."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            described = (
                len(ast.get_docstring(node, clean=False).splitlines()) if ast.get_docstring(node) else 0
            )
            assert node.end_lineno - node.lineno + 1 - described <= 40, f"{node.name} is longer than a screen"
