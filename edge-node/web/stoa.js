// The client of a Stoa room, for pages that embed one. Written next.
