"""`python -m audiotagger` is `audiotagger`."""


def main() -> None:
    """Run the command line; Ctrl-C while it is imported ends it as quietly as later."""
    try:
        from audiotagger.cli import app

        app(prog_name="audiotagger")
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
