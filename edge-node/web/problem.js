// Everything that can go wrong, as one error class with a kind.
