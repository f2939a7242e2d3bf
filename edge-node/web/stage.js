// The stage as cards.
