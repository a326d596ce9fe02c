"""Measurements beside their peers: `make bench`, or `python -m bench --only FAMILY`.

A number never stands alone: the peer runs in the same process, in turns with ours, on the same input, with one thread each,
and what counts is the ratio with its spread. A new number is a function in `bench/families/FAMILY.py`:

    @number(family="journal", name="durable append", ours="journal.append", peer="sqlite3, one row, synchronous=FULL", at_most=1.5)
    def durable_append(setting: Setting) -> Iterator[Pair]:
        with make_journal(setting.scratch) as ours, make_table(setting.scratch) as peer:
            yield Pair(lambda: ours.append(record), lambda: peer.insert(row))

What is no time beside a time is a gauge, whose limit is absolute: `@gauge(..., unit="% of one core", at_most=10)` on a function
that gives a `Reading`. What cannot be had on a machine raises `Unmeasured`, and the report says why.

What stands before the `yield` prepares, what stands behind it cleans up; `setting.scratch` is an empty folder, and
`setting.weights` the folder that `daka models fetch` filled. Files in `families/` are found by themselves, by any later issue too.
"""
