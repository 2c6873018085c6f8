"""``python -m proxysim`` is ``proxysim``."""

from proxysim.cli import main

if __name__ == "__main__":
    main()
