"""How much a program's text says, whatever its layout: logical lines, tokens, names of a framework."""

import ast
import builtins
import io
import tokenize
from collections.abc import Iterable

LAYOUT = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
)
FACTOR = 1.1
"""From which factor on two counts differ by more than style."""


def lines(source: str) -> int:
    """Count logical lines: statements, headers of functions, classes and loops included, docstrings not."""
    statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    return sum(not _is_text(node) for node in statements)


def tokens(source: str) -> int:
    """Count names, operators, numbers and strings, docstrings not."""
    docstrings = {node.lineno for node in ast.walk(ast.parse(source)) if _is_text(node)}
    found = tokenize.generate_tokens(io.StringIO(source).readline)
    return sum(
        token.type not in LAYOUT and not (token.type == tokenize.STRING and token.start[0] in docstrings)
        for token in found
    )


def concepts(source: str, packages: Iterable[str]) -> list[str]:
    """Return the distinct names by which a program reaches frameworks, in order.

    Names imported from `packages`, attributes, and keywords of calls; not attributes that Python's own types
    have (`list.append`). The program must keep attributes and keywords of its own out.
    """
    named: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                named |= {name.asname or name.name for name in names if _of(name.name, packages)}
            case ast.ImportFrom(module=module, names=names) if _of(module or "", packages):
                named |= {name.name for name in names}
            case ast.Attribute(attr=attribute) if attribute not in PYTHONS:
                named.add(attribute)
            case ast.Call(keywords=keywords, func=function) if not _is_builtin(function):
                named |= {keyword.arg for keyword in keywords if keyword.arg}
    return sorted(named)


def standing(shares: Iterable[float]) -> str:
    """Say how one program stands to another by the ratios of its counts: shorter, equal, longer or mixed.

    `equal` is within a factor of 1.1 by every count; `mixed` where counts disagree.
    """
    said = {
        "longer" if share >= FACTOR else "shorter" if share <= 1 / FACTOR else "equal" for share in shares
    }
    return said.pop() if len(said) == 1 else "mixed"


PYTHONS = frozenset(name for kind in (list, dict, str, tuple, set) for name in dir(kind))


def _of(module: str, packages: Iterable[str]) -> bool:
    return module.partition(".")[0] in packages


def _is_builtin(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) and hasattr(builtins, function.id)


def _is_text(node: ast.AST) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
