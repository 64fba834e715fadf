"""`python -m ninefold`: the same as the command `ninefold`."""

from ninefold.cli import main

if __name__ == "__main__":
    main()
