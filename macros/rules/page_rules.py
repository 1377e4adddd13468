"""All rules about pages, and about text that becomes part of pages."""

from __future__ import annotations

from macros.rules import (
    block_rules,
    gotcha_rules,
    link_rules,
    region_rules,
    structure_rules,
    typed_code_rules,
)
from macros.rules.content import Rule

RULES: tuple[Rule, ...] = (
    *structure_rules.RULES,
    *gotcha_rules.RULES,
    *region_rules.RULES,
    *typed_code_rules.RULES,
    *link_rules.RULES,
    *block_rules.RULES,
)
