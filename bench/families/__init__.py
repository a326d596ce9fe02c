"""One module per family; every `Number` in it is measured."""
