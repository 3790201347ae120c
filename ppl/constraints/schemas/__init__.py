"""JSON Schemas rewritten so that every text the grammar engine accepts is a valid instance.

The engine reads more schemas than it reads rightly. What it is given is therefore never the user's schema but another
one, made of keywords whose meaning it gets right, that allows the same instances or fewer. Where there is none, the
schema is refused. The order of work: read, rewrite (numbers, strings, objects, one_of, references), prune, engine.
"""
