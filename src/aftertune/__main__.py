"""`python -m aftertune` is the `aftertune` command."""

from aftertune.cli import main

if __name__ == "__main__":
    main()
