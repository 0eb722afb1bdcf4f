"""Plants every bug of the list and prints which test notices it: python -m tests.mutants [WORDS OF A NAME]."""

import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.plant import PlantError, Verdict, load, planted


def main(words: list[str]) -> int:
    mutants = [mutant for mutant in load() if all(word in mutant.name for word in words)]
    if not mutants:
        print(f"no planted bug has “{' '.join(words)}” in its name", file=sys.stderr)
        return 2
    began, survivors = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder, planted(mutants, Path(folder)) as coming:
        print(
            f"{len(mutants)} planted bugs; without any, the tests pass ({time.monotonic() - began:.0f} s)\n", flush=True
        )
        for mutant, future in zip(mutants, coming, strict=True):
            try:
                verdict = future.result()
            except PlantError as error:
                survivors += 1
                print(f"    -    {mutant.name}\n         NOT JUDGED: {error}", flush=True)
                continue
            survivors += verdict.killer is None
            print(_row(verdict), flush=True)
    print(f"\n{len(mutants) - survivors} of {len(mutants)} were noticed, in {time.monotonic() - began:.0f} s")
    return 1 if survivors else 0


def _row(verdict: Verdict) -> str:
    mutant = verdict.mutant
    end = f"noticed by {verdict.killer}" if verdict.killer else f"SURVIVED: no test holds “{mutant.breaks}”"
    return f"{verdict.seconds:5.1f} s  {mutant.name}\n         {end}"


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PlantError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
