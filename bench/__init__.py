"""The benchmark: `make bench`, or `python -m bench --quick` for a minute's look. Loopback only; ends what it started."""
