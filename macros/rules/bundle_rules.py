"""All rules about what a bundle holds besides its page."""

from __future__ import annotations

from macros.rules import (
    artifact_rules,
    diagram_rules,
    folder_rules,
    fresh_rules,
    import_rule,
    question_rules,
    recording_rules,
)
from macros.rules.content import Rule

RULES: tuple[Rule, ...] = (
    *folder_rules.RULES,
    *question_rules.RULES,
    *recording_rules.RULES,
    *artifact_rules.RULES,
    *diagram_rules.RULES,
    *import_rule.RULES,
    *fresh_rules.RULES,
)
