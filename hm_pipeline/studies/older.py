"""Answers that older code wrote, as those of today.

They hold no number of seeds beside a difference, and the smallest one that would have been found instead, by
a formula of their time: it is made anew. Nor do they say whether chance has a part in a difference.
"""

from collections.abc import Mapping
from typing import Any

from hm_pipeline.studies.setting import Setting, has_chance, reference_of
from hm_pipeline.studies.study import Study


def upgraded(content: Any) -> Any:
    """The content of an answer with what its differences lack; other things as they are."""
    if not (isinstance(content, Mapping) and _is_stored(content)):
        return content
    study = Study.model_validate(content["study"])
    return {**content, "lines": [_line(study, line) for line in content["lines"]]}


def _is_stored(content: Mapping[str, Any]) -> bool:
    study = content.get("study")
    return isinstance(study, Mapping) and study.get("kind", "variants") == "variants" and "lines" in content


def _line(study: Study, line: Mapping[str, Any]) -> Mapping[str, Any]:
    setting = Setting.model_validate(line["setting"])
    chance = has_chance(study, setting) or has_chance(study, reference_of(study, setting))
    gaps = {metric: _gap(study, gap, chance) for metric, gap in line.get("gaps", {}).items()}
    return {**line, "gaps": gaps}


def _gap(study: Study, gap: Mapping[str, Any], chance: bool) -> Mapping[str, Any]:
    if "seeds" in gap:
        return gap
    kept = {key: value for key, value in gap.items() if key != "detectable"}
    return {**kept, "seeds": 1 if gap.get("low") is None else len(study.seeds), "chance": chance}
