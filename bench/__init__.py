"""Figures of MINGUS, measured on the spot, each beside a baseline of the same run.

`make bench` runs the short form of every short part, `make bench PARTS="sync imports"` the named ones, and
`python -m bench --long …` their long form. Results go to bench/results/latest.json with facts of the machine; a table
holds them against their goals and against the last committed results, and bench/results/latest.svg draws it.

To add a part: write a module here with

    GOALS = (Goal("figure", at_least=0.75), …)        # from bench.goals; the figures that have one
    def measure(*, long: bool) -> dict[str, Any]: …   # flat: name of a figure -> number or text

and name it in `PARTS` of bench/parts.py. `bench.ground` gives databases, an application with a clock that is moved
instead of waited for, a Plaid that does nothing but answer, and the process's memory. A part runs in a process of its
own; what it prints besides its result goes to standard error.
"""
