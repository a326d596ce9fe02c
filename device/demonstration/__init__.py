"""The product's main job on one machine: staged people walk up, and signed records lie in a database. Every part is the real one.

The enterprise's side is started as its own programs; this package knows it only by its commands, its broker and its database.
"""
