// Links for others.
