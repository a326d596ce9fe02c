"""The product's main job on one machine: staged people walk up, and signed records lie in a database. Everything in it is the real part.

The enterprise's side is started as its own programs; this package knows it only by its commands, its broker and its database.
"""
