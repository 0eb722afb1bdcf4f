"""What `alertd test-rule` was given: a configuration or none, rule files, a mapping."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alertd import compose
from alertd.config import Settings, load_settings
from alertd.errors import ConfigError, Problem
from alertd.event.profile import Profile, load_profile
from alertd.message import Style
from alertd.message.template import check_template, named_fields
from alertd.rules.files import find_rule_files
from alertd.rules.load import Surroundings, load_rules
from alertd.rules.model import RuleSet

_NOT_A_MAPPING = (
    "is no index mapping: save what GET INDEX/_mapping answers, or the object with properties that is in it"
)


@dataclass(frozen=True, slots=True)
class Given:
    """Rules are tested in repositories that have no configuration: then names are not checked."""

    settings: Settings | None
    paths: tuple[Path, ...]

    @property
    def around(self) -> Surroundings:
        if self.settings:
            return compose.rules.surroundings(self.settings)
        return Surroundings(None, None, (), check_template, named_fields)

    @property
    def style(self) -> Style:
        return compose.telling.style(self.settings) if self.settings else Style()

    def rule_sets(self) -> tuple[RuleSet, ...]:
        """ConfigError with every mistake."""
        return load_rules(self.paths, self.around)

    def profile(self, rule_set: RuleSet) -> Profile:
        if self.settings and rule_set.source in self.settings.sources:
            table = self.settings.sources[rule_set.source]
            return load_profile(table.profile, times=table.time_fields)
        # nothing but its name says what a source holds
        return load_profile("gcp-audit" if "gcp" in rule_set.source else "cloudtrail")


def given(files: Sequence[Path], config: Path | None, *, secrets: bool) -> Given:
    """ConfigError where a configuration or a rule file is not there. `secrets`: the cluster will be asked."""
    settings = load_settings(config, secrets=secrets) if config or Path("alertd.toml").exists() else None
    return Given(settings, _paths(files, settings))


def read_mapping(path: Path | None) -> Mapping[str, object] | None:
    """As GET INDEX/_mapping answers, of one index or of several alike; or the mapping itself. ConfigError."""
    if path is None:
        return None
    try:
        answer = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError([Problem(str(path), f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(path), f"is not UTF-8: {error.reason} at byte {error.start}")]) from error
    except RecursionError as error:
        raise ConfigError([Problem(str(path), "is nested too deeply")]) from error
    except ValueError as error:
        raise ConfigError([Problem(str(path), f"is not JSON: {error}")]) from error
    found = _mappings(answer)
    if not found:
        raise ConfigError([Problem(str(path), _NOT_A_MAPPING)])
    if any(other != found[0] for other in found):
        what = f"has {len(found)} indices whose mappings differ: keep the one that the tests are to be run on"
        raise ConfigError([Problem(str(path), what)])
    return found[0]


def _mappings(answer: object) -> list[Mapping[str, object]]:
    if not isinstance(answer, dict):
        return []
    if answer.keys() & {"properties", "dynamic_templates", "dynamic"}:
        return [answer]
    if isinstance(answer.get("mappings"), dict):
        return [answer["mappings"]]
    below = [index.get("mappings") for index in answer.values() if isinstance(index, dict)]
    return [mapping for mapping in below if isinstance(mapping, dict)] if len(below) == len(answer) else []


def _paths(files: Sequence[Path], settings: Settings | None) -> tuple[Path, ...]:
    if files:
        missing = [Problem(str(file), _why_not(file)) for file in files if not file.is_file()]
        if missing:
            raise ConfigError(missing)
        first: dict[Path, Path] = {}
        for file in files:
            first.setdefault(file.resolve(), file)
        return tuple(first.values())
    if settings:
        return find_rule_files(settings.path.absolute().parent, settings.rules.paths)
    return find_rule_files(Path.cwd(), ["rules/*.toml"])


def _why_not(file: Path) -> str:
    return f"is a folder: name the rule files in it, {file / '*.toml'}" if file.is_dir() else "there is no such file"
