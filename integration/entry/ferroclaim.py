"""`ferroclaim` and `python -m ferroclaim`: where every start begins, so that Ctrl-C ends it in
silence from the first moment.

Held by tests/e2e/test_wheel.py.
"""

import sys

INTERRUPTED = 130


def main() -> None:
    try:
        from integration.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
