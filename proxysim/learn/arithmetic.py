"""Sums and comparisons in lesson files: ``slow / fast``, ``hits > 0.7 and misses < hits``."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from proxysim.errors import ResultError

__all__ = ["names_in", "value_of"]

_TWO: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def value_of(expression: str, names: Mapping[str, Any]) -> Any:
    """What *expression* comes to: numbers, *names*, + - * / **, comparisons, and, or, not.

    Raises ResultError for anything else.
    """
    return _value(_parsed(expression), names, expression)


def names_in(expression: str) -> set[str]:
    """The names that *expression* uses."""
    return {node.id for node in ast.walk(_parsed(expression)) if isinstance(node, ast.Name)}


def _parsed(expression: str) -> ast.expr:
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        raise _odd(expression) from None


def _value(node: ast.expr, names: Mapping[str, Any], whole: str) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names, whole)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, names, whole)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _TWO:
            return _TWO[type(op)](_value(left, names, whole), _value(right, names, whole))
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_value(each, names, whole) for each in values)
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(_value(each, names, whole) for each in values)
        case ast.Compare(left=left, ops=ops, comparators=others):
            found = _value(left, names, whole)
            for comparison, other in zip(ops, others, strict=True):
                following = _value(other, names, whole)
                if not _COMPARE[type(comparison)](found, following):
                    return False
                found = following
            return True
    raise _odd(whole)


def _odd(expression: str) -> ResultError:
    return ResultError(f"found {expression!r}", mend="Write a sum or a comparison: slow / fast > 2")
