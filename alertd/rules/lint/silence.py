"""R9xx, and what `silence` in rule files keeps from being told."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from alertd.rules.lint.warning import CODES, RuleWarning
from alertd.rules.model import RuleSet, Silence
from alertd.toml.file import suggest

# What a cluster decides: a silence for it may be needed on another one, so it is never called useless.
_OF_CLUSTERS = ("R1", "R305")


def heard(rule_sets: Sequence[RuleSet], found: Iterable[RuleWarning]) -> Iterator[RuleWarning]:
    """What is not silenced, and what is wrong with the silences."""
    silences = {
        (rule_set.id, rule_id): some
        for rule_set in rule_sets
        for rule_id, some in [("", rule_set.silences), *((rule.id, rule.silences) for rule in rule_set.rules)]
    }
    used: set[Silence] = set()
    for each in found:
        over = {*silences[each.rule_set, each.rule], *silences[each.rule_set, ""]}
        silencing = {silence for silence in over if silence.code == each.code and silence.reason.strip()}
        used |= silencing
        if not silencing:
            yield each
    for (set_id, rule_id), some in silences.items():
        for silence in some:
            if problem := _problem(silence, used=silence in used):
                yield replace(problem, rule_set=set_id, rule=rule_id)


def _problem(silence: Silence, *, used: bool) -> RuleWarning | None:
    if silence.code not in CODES:
        return RuleWarning(
            "R901", silence.where, f'unknown code "{silence.code}". {suggest(silence.code, list(CODES))}'
        )
    if silence.code.startswith("R9"):
        return RuleWarning("R901", silence.where, f"{silence.code} cannot be silenced: take the silence away")
    if not silence.reason.strip():
        return RuleWarning("R902", silence.where, f"{silence.code} is silenced without a reason, so it is not silenced")
    if used or silence.code.startswith(_OF_CLUSTERS):
        return None
    return RuleWarning("R903", silence.where, f"there is no {silence.code} here: take the silence away")
