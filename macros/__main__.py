"""`python -m macros`: the commands behind the Makefile."""

from macros.cli import main

if __name__ == "__main__":
    main(prog_name="python -m macros")
