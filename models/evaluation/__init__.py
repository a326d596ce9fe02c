"""How well the models tell people apart on a folder of labelled photographs: ISO/IEC 19795 rates with their limits.

Persons are numbers here and rates in the report; no picture, no vector and no name leaves this package, except the list of suspect
pairs that an operator asks for by a file's name. Nothing here changes a threshold, and no rate is read off a tail that nobody saw.
"""
