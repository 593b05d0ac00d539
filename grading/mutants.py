"""Mutants: rules that are wrong in one small place, made from the syntax tree of the right one.

Every kind of mutant is a slip of the hand that people make: another operator, a number off by
one, a term that is missing. None of them is chosen by somebody who knows the checks.
"""

import ast
import copy
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course_lib.checks.exercise import Rule

_OTHER_OPERATOR: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div, ast.Mult),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
}
_OTHER_COMPARISON: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_PAIRS = (
    ("sum", "mean"), ("max", "min"), ("maximum", "minimum"), ("amax", "amin"), ("std", "var"),
    ("floor", "ceil"), ("sin", "cos"), ("zeros", "ones"), ("zeros_like", "ones_like"),
    ("any", "all"), ("argmax", "argmin"), ("rand", "randn"), ("abs", "square"), ("sqrt", "square"),
    ("log", "exp"), ("argsort", "sort"), ("append", "extend"), ("pop", "copy"),
)  # fmt: skip
_OTHER_NAME = dict(_PAIRS) | {second: first for first, second in _PAIRS}
_IN_PLACE = {ast.Add: "add_", ast.Sub: "sub_", ast.Mult: "mul_", ast.Div: "div_"}


@dataclass(frozen=True)
class Mutant:
    """A rule that differs from the right one in one place.

    Attributes:
        kind: the kind of slip, such as ``"constant"``.
        before: the passage as it stands in the right rule.
        after: the passage in its place.
        statement: the statement around it, as it stands in the right rule.
        rule: the rule itself.
    """

    kind: str
    before: str
    after: str
    statement: str
    rule: Rule

    def __str__(self) -> str:
        return f"{self.kind}: `{self.before}` becomes `{self.after or 'nothing'}`"


def mutants(right: Rule) -> Iterator[Mutant]:
    """Every mutant of a rule and of the functions of its module that it uses, once each."""
    seen: set[str] = set()
    for function in _used(right, right.__globals__):
        tree = _tree(function)
        seen.add(ast.unparse(tree))
        statements = _statements(tree)
        for place, node in enumerate(ast.walk(tree)):
            for kind, changed in _slips(node, tree):
                mutated = ast.fix_missing_locations(_replaced(tree, place, changed))
                source = ast.unparse(mutated)
                if source in seen:
                    continue
                seen.add(source)
                try:
                    rule = _compiled(source, right)
                except SyntaxError:
                    continue
                statement = ast.unparse(statements.get(node, node))
                yield Mutant(kind, ast.unparse(node), _text(changed), statement, rule)


def _used(right: Rule, names: dict[str, Any]) -> list[Rule]:
    """The rule and what it calls of its own module, the rule first."""
    found, waiting = [], [right]
    while waiting:
        function = waiting.pop(0)
        if function in found:
            continue
        found.append(function)
        for name in function.__code__.co_names:
            other = names.get(name)
            if inspect.isfunction(other) and other.__module__ == right.__module__:
                waiting.append(other)
    return found


def _tree(function: Rule) -> ast.FunctionDef:
    """The function's syntax tree, without types and without its docstring."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(tree, ast.FunctionDef)
    if ast.get_docstring(tree):
        tree.body = tree.body[1:]
    return tree


def _statements(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    """The innermost statement around each node."""
    found: dict[ast.AST, ast.AST] = {}
    for statement in ast.walk(tree):  # the outer ones come first
        if isinstance(statement, ast.stmt):
            found |= dict.fromkeys(ast.walk(statement), statement)
    return found


def _compiled(source: str, right: Rule) -> Rule:
    names = dict(right.__globals__)
    exec(compile(source, "<mutant>", "exec"), names)
    if right.__name__ not in source.partition("(")[0]:  # it is a helper: bind the rule to it
        exec(compile(inspect.getsource(right), "<mutant>", "exec"), names)
    return names[right.__name__]


def _replaced(tree: ast.AST, place: int, changed: ast.AST | None) -> ast.AST:
    """A copy of the tree with the node at this place of ``ast.walk`` changed, or taken away."""
    tree = copy.deepcopy(tree)
    target = list(ast.walk(tree))[place]

    class Change(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            return changed if node is target else self.generic_visit(node)

    return Change().visit(tree)


def _text(node: ast.AST | None) -> str:
    return "" if node is None else ast.unparse(node)


Slip = tuple[str, ast.AST | None]


def _slips(node: ast.AST, function: ast.FunctionDef) -> Iterator[Slip]:
    """What a hand may write in the place of a node; None takes it away."""
    match node:
        case ast.BinOp():
            yield from _of_operation(node)
        case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=operand):
            yield "dropped sign", operand
        case ast.Compare(ops=[operator]):
            for other in _OTHER_COMPARISON.get(type(operator), ()):
                yield "comparison", _with(node, ops=[other()])
        case ast.BoolOp(op=operator, values=values):
            other_op = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield "comparison", _with(node, op=other_op)
            for value in values:
                yield "dropped condition", value
        case ast.Constant():
            yield from _of_constant(node)
        case ast.Call():
            yield from _of_call(node)
        case ast.Attribute(attr=name) if name in _OTHER_NAME:
            yield "other function", _with(node, attr=_OTHER_NAME[name])
        case ast.Name(id=name, ctx=ast.Load()):
            yield from _of_name(node, function)
        case ast.IfExp(body=body, orelse=orelse):
            yield "dropped condition", body
            yield "dropped condition", orelse
        case ast.If():
            for answer in True, False:
                yield "dropped condition", _with(node, test=ast.Constant(answer))
        case ast.Assign() | ast.Expr():
            yield "dropped line", ast.Pass()
        case ast.AugAssign(op=operator):
            yield "dropped line", ast.Pass()
            for other_operator in _OTHER_OPERATOR.get(type(operator), ()):
                yield "operator", _with(node, op=other_operator())
        case ast.Slice():
            yield from _of_slice(node)
        case ast.keyword():
            yield "dropped argument", None


def _with(node: ast.AST, **changes: Any) -> Any:
    changed = copy.deepcopy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _of_operation(node: ast.BinOp) -> Iterator[Slip]:
    for other in _OTHER_OPERATOR.get(type(node.op), ()):
        yield "operator", _with(node, op=other())
    yield "dropped term", node.left
    yield "dropped term", node.right
    if not isinstance(node.op, ast.Add | ast.Mult):
        yield "swapped arguments", _with(node, left=node.right, right=node.left)
    if type(node.op) in _IN_PLACE and isinstance(node.left, ast.Name):
        method = ast.Attribute(node.left, _IN_PLACE[type(node.op)], ast.Load())
        yield "in place", ast.Call(method, [node.right], [])
    match node.right:
        case ast.BinOp(op=inner, left=a, right=b) if not _associate(node.op, inner):
            yield "bracket", ast.BinOp(ast.BinOp(node.left, node.op, a), inner, b)
    match node.left:
        case ast.BinOp(op=inner, left=a, right=b) if not _associate(inner, node.op):
            yield "bracket", ast.BinOp(a, inner, ast.BinOp(b, node.op, node.right))


def _associate(first: ast.operator, second: ast.operator) -> bool:
    """Whether a ∘ (b • c) = (a ∘ b) • c."""
    return (
        (isinstance(first, ast.Add) and isinstance(second, ast.Add | ast.Sub))
        or (isinstance(first, ast.Mult) and isinstance(second, ast.Mult | ast.Div))
        or (isinstance(first, ast.MatMult) and isinstance(second, ast.MatMult))
    )


def _of_constant(node: ast.Constant) -> Iterator[Slip]:
    match node.value:
        case bool(value):
            yield "constant", ast.Constant(not value)
        case int(value):
            yield "constant", ast.Constant(value + 1)
            yield "constant", ast.Constant(value - 1)
        case float(value):
            for other in value + 1, 2 * value, 0.0:
                yield "constant", ast.Constant(other)


def _of_call(node: ast.Call) -> Iterator[Slip]:
    for i in range(len(node.args) - 1):
        swapped = [*node.args[:i], node.args[i + 1], node.args[i], *node.args[i + 2 :]]
        yield "swapped arguments", _with(node, args=swapped)
    if len(node.args) == 1 and not isinstance(node.args[0], ast.GeneratorExp | ast.Starred):
        yield "dropped call", node.args[0]
    if len(node.args) > 1:
        yield "dropped argument", _with(node, args=node.args[:-1])
    if isinstance(node.func, ast.Attribute):
        yield "dropped call", node.func.value
        name = f"{node.func.attr}_"
        if hasattr(Tensor, name) and not hasattr(torch, name):
            yield "in place", _with(node, func=_with(node.func, attr=name))
    if isinstance(node.func, ast.Name) and node.func.id in _OTHER_NAME and node.func.id != "sum":
        other = ast.Name(_OTHER_NAME[node.func.id], ast.Load())
        yield "other function", _with(node, func=other)


def _of_name(node: ast.Name, function: ast.FunctionDef) -> Iterator[Slip]:
    """Another argument of the same type in its place, and a count that is one off."""
    arguments = [*function.args.args, *function.args.kwonlyargs]
    types = {argument.arg: _text(argument.annotation) for argument in arguments}
    if node.id not in types:
        return
    for name, kind in types.items():
        if name != node.id and kind == types[node.id]:
            yield "other argument", ast.Name(name, ast.Load())
    if types[node.id] == "int":
        for operator in ast.Add(), ast.Sub():
            yield "off by one", ast.BinOp(node, operator, ast.Constant(1))


def _of_slice(node: ast.Slice) -> Iterator[Slip]:
    for end in "lower", "upper":
        if bound := getattr(node, end):
            yield "off by one", _with(node, **{end: None})
            yield "off by one", _with(node, **{end: ast.BinOp(bound, ast.Add(), ast.Constant(1))})
