// When to restart ICE, when to join anew, and how long to wait in between.
