"""The whole way from a punch to the enterprise's database while its parts are killed, silenced, filled and set wrong.

`python -m tests.faults --kills 300` (or `make faults N=300`) runs a campaign and writes a report; `test_campaign` runs a short one.
"""
