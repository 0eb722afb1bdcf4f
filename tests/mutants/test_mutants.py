"""Each bug of the list, planted into a copy of alertd, makes the tests fail that are named for it."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants.plant import Mutant, PlantError, Verdict, load, planted

MUTANTS = load()
_SEEN = Mutant(
    "a message is sent twice at once",
    "more than 1.1 seconds between posts",
    "alertd/deliver/verdict.py",
    "PACE = timedelta(seconds=1.1)\n",
    "PACE = timedelta(0)\n",
    ("tests/unit/test_verdict.py::test_posts_to_one_channel_are_more_than_a_second_apart",),
)


@pytest.fixture(scope="module")
def coming(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Verdict]]]:
    """Those that this run asks for, two at a time."""
    params = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    asked = [mutant for mutant in MUTANTS if any(param.get("mutant") == mutant for param in params)]
    with planted(asked, tmp_path_factory.mktemp("planted"), tried=True) as verdicts:
        yield {mutant.name: verdict for mutant, verdict in zip(asked, verdicts, strict=True)}


@pytest.mark.timeout(0)  # each run of tests has a deadline of its own
@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_planted_bug_is_noticed(mutant: Mutant, coming: Mapping[str, Future[Verdict]]) -> None:
    """By an assertion: that the copy does not even start would prove nothing."""
    verdict = coming[mutant.name].result()
    print(f"{verdict.seconds:.1f} s, by {verdict.killer}")
    assert verdict.killer, f"{mutant.name}: no test holds “{mutant.breaks}”"


@pytest.mark.parametrize(
    ("new", "killer"),
    [
        (_SEEN.new, "test_posts_to_one_channel_are_more_than_a_second_apart"),
        ("PACE = timedelta(seconds=1.2)\n", None),
    ],
    ids=["noticed", "survives"],
)
def test_what_is_noticed_is_told_from_what_survives(new: str, killer: str | None, tmp_path: Path) -> None:
    with planted([replace(_SEEN, new=new)], tmp_path) as [verdict]:
        assert killer == verdict.result().killer


@pytest.mark.parametrize(
    ("new", "told"),
    [("PACE = timedelta(minuts=1)\n", "cannot be imported"), ('PACE = "1.1"\n', "not by an assertion")],
    ids=["import", "other error"],
)
def test_a_change_that_tests_only_trip_over_proves_nothing(new: str, told: str, tmp_path: Path) -> None:
    with planted([replace(_SEEN, new=new)], tmp_path) as [verdict], pytest.raises(PlantError, match=told):
        verdict.result()


def test_a_list_that_no_longer_fits_the_code_is_refused(tmp_path: Path) -> None:
    """Every mistake at once; a snippet is in its file exactly once."""
    path = tmp_path / "mutants.toml"
    tables = [("gone", "no such text", "x"), ("vague", "timedelta", "x"), ("same", _SEEN.old, _SEEN.old)]
    path.write_text(
        "\n".join(
            f"[[mutants]]\nname = '{name}'\nbreaks = 'x'\nfile = '{_SEEN.file}'\ntests = ['x']\n"
            f"old = '''{old}'''\nnew = '''{new}'''"
            for name, old, new in tables
        )
    )
    with pytest.raises(PlantError) as refused:
        load(path)
    assert "gone: its old text is 0 times in" in str(refused.value)
    assert "vague: its old text is " in str(refused.value)
    assert "same: it changes nothing" in str(refused.value)


def test_tests_that_fail_by_themselves_notice_nothing(tmp_path: Path) -> None:
    """Else every mutant would count as noticed."""
    absent = replace(_SEEN, tests=("tests/unit/test_verdict.py::test_no_such_thing",))
    with pytest.raises(PlantError, match="could not run"), planted([absent], tmp_path):
        pass
