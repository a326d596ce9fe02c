"""The administrators' web UI. Reserved: nothing is built here yet."""
