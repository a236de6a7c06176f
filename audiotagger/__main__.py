"""`python -m audiotagger` is `audiotagger`."""

import gc


def main() -> None:
    """Run the command line; Ctrl-C while it is imported ends it as quietly as later."""
    gc.disable()  # imports leave no garbage, and looking for it would take a tenth of the time until --help
    try:
        from audiotagger.cli import app

        gc.freeze()  # nor at the exit
        gc.enable()
        app(prog_name="audiotagger")
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
