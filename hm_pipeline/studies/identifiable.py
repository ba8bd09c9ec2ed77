"""Which settings a log can tell apart at all."""

from collections.abc import Mapping

from hm_pipeline.data.traits import Traits
from hm_pipeline.studies.setting import Setting, settings_of
from hm_pipeline.studies.study import Study


def unidentifiable(
    study: Study, traits: Traits, logs: Mapping[str, Traits] | None = None
) -> dict[Setting, str]:
    """The settings whose question their log cannot answer, and why.

    `logs`: where an axis changes the log, what each can tell, by `Setting.log`; otherwise all have `traits`.
    """
    by_log = logs or {}
    reasons = {s: _lacks(study, s, by_log.get(s.log(study), traits)) for s in settings_of(study)}
    return {setting: reason for setting, reason in reasons.items() if reason}


def _lacks(study: Study, setting: Setting, traits: Traits) -> str:
    asked = (need for need in study.needs if need.is_of(setting.values(study)))
    return next((lacking for need in asked if (lacking := need.lacking(traits))), "")
