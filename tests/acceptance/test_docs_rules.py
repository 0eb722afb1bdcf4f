"""Rules in docs/ and the README are loaded and their tests run; docs/rules.md tells mistakes as alertd does, and leaves
nothing out."""

import re
import shutil
from pathlib import Path

import pytest

from alertd.cli.test_rule import offline
from alertd.cli.test_rule.given import Given
from alertd.errors import ConfigError
from alertd.message.template import NAMES, check_template, named_fields
from alertd.rules import load, quiet
from alertd.rules.load import Surroundings, load_rules
from alertd.rules.model import Deliver, Severity

HOUSE = Path(__file__).parents[2]
PAGE = (HOUSE / "docs/rules.md").read_text("utf-8")
FENCED = re.compile(r"^```toml\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLES = FENCED.findall(PAGE)
ELSEWHERE = [
    text for page in ("README.md", "docs/from-watcher.md") for text in FENCED.findall((HOUSE / page).read_text("utf-8"))
]
MISTAKES = re.findall(r"^```toml wrong\n(.*?)^```\n\n```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
AROUND = Surroundings(None, None, (), check_template, named_fields)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where somebody writes team.toml, beside the events that ship."""
    shutil.copytree(HOUSE / "rules" / "events", tmp_path / "events")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("example", [*EXAMPLES, *ELSEWHERE], ids=lambda text: re.findall(r'id = "(.*?)"', text)[0])
def test_every_example_passes_its_own_tests(folder: Path, example: str) -> None:
    """Somebody copies it, and it works; each rule in it shows what it takes."""
    file = folder / "team.toml"
    file.write_text(example, "utf-8")
    sets = load_rules([file], AROUND)
    results = offline.tested(sets, Given(None, (file,)))
    assert [] == [(result.rule, result.test.name, result.mismatches) for result in results if not result.passed]
    assert {rule.id for rule_set in sets for rule in rule_set.rules} == {result.rule for result in results}


@pytest.mark.parametrize(("text", "told"), MISTAKES)
def test_every_mistake_is_told_as_the_page_says(folder: Path, text: str, told: str) -> None:
    """In the same order; "…" stands for the rest of a line."""
    file = folder / "team.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_rules([file], AROUND)
    expected = [re.escape(line).replace("…", ".*") for line in told.splitlines()]
    assert re.fullmatch("\n".join(expected), "\n".join(map(str, caught.value.problems))), str(caught.value)


def test_the_page_has_examples_of_both_kinds() -> None:
    """Were the fences written otherwise, the tests above would have nothing to look at."""
    assert (5, 2) == (len(EXAMPLES), len(MISTAKES))


def test_every_key_and_every_word_of_a_rule_is_explained() -> None:
    """A key that is not on the page is not found by anybody."""
    keys = {*load._SET_KEYS, *load._RULE_KEYS, *quiet._EXCEPTION_KEYS, *load._TEST_KEYS, *load._MESSAGE_KEYS}
    words = {*load.OUTCOMES, *Severity, *Deliver}
    assert set() == {key for key in keys - {"rules"} if not re.search(rf"`(\w+\.)?{key}[`.]", PAGE)}
    assert set() == {word for word in words if f'`"{word}"`' not in PAGE}


def test_every_fact_that_a_template_has_is_explained() -> None:
    """A name that is not in the table is not found by anybody."""
    table = PAGE[PAGE.index("| `event.…` | is |") : PAGE.index("A fact that is absent")]
    assert set() == {name for name in NAMES if f"`{name}`" not in table}
