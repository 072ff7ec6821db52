"""`python -m aftertune.organism`: build the organism from its recipe, or check the packaged one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from aftertune.errors import AftertuneError

_ABOUT = """\
The organism is the tiny aligned chat model that aftertune carries, with its judge, reward model,
items and rows.

  build   make all of it again from the seeded recipe (about 25 minutes on 2 cores)
  check   build into a temporary folder, measure, and compare with the packaged card
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one of the two commands; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _build(options.out, options.seed) if options.command == "build" else _check()
    except AftertuneError as error:
        print(f"{error}\n  fix: {error.fix}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted: nothing was changed", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aftertune.organism",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="build|check")
    build = commands.add_parser("build", help="make every file of the organism")
    build.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parent,
        help="where to write; without it the packaged organism is replaced",
    )
    build.add_argument("--seed", type=int, default=0, help="seed of all training (items do not depend on it)")
    commands.add_parser("check", help="exit 1 when a fresh build measures differently from the packaged card")
    return parser


def _build(out: Path, seed: int) -> int:
    from aftertune.organism import cards
    from aftertune.organism.build import build

    missed = cards.unmet(build(out, seed, _tell))
    print(f"wrote {out}; " + ("all thresholds are met" if not missed else "NOT met: " + "; ".join(missed)))
    return 1 if missed else 0


def _check() -> int:
    from aftertune.organism.check import check

    differences = check(_tell)
    print("\n".join(differences) if differences else "the build measures what the packaged card says")
    return 1 if differences else 0


def _tell(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    sys.exit(main())
