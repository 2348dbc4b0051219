"""What a GraphQL request costs in points: complexity / 100, at least 1 (facts/mercari-shops §1.1).

The real weights are not published; here a field costs 1 and a page costs its fields × its size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

COMPLEXITY_PER_POINT = 100

Fragments = Mapping[str, FragmentDefinitionNode]


def points_of(
    document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> int:
    """The points of one operation of a validated document."""
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    complexity = _complexity(operation.selection_set, fragments, variables)
    return max(1, complexity // COMPLEXITY_PER_POINT)


def _complexity(
    selected: SelectionSetNode | None, fragments: Fragments, variables: Mapping[str, Any]
) -> int:
    total = 0
    for selection in selected.selections if selected else ():
        if isinstance(selection, FieldNode):
            inner = _complexity(selection.selection_set, fragments, variables)
            total += 1 + inner * _page_size(selection, variables)
        elif isinstance(selection, InlineFragmentNode):
            total += _complexity(selection.selection_set, fragments, variables)
        elif isinstance(selection, FragmentSpreadNode):
            inside = fragments[selection.name.value].selection_set
            total += _complexity(inside, fragments, variables)
    return total


def _page_size(field: FieldNode, variables: Mapping[str, Any]) -> int:
    """The `first` argument, 1 for a field that has none."""
    for argument in field.arguments or ():
        if argument.name.value != "first":
            continue
        if isinstance(argument.value, IntValueNode):
            return int(argument.value.value)
        if isinstance(argument.value, VariableNode):
            given = variables.get(argument.value.name.value)
            return given if isinstance(given, int) else 1
    return 1
