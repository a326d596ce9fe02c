"""What we know about faces: the weights and their digests, detection, alignment, embedding, matching.

Arrays in, dataclasses out. Knows nothing of kiosks, keeps no picture, and fetches nothing at run time.
"""
