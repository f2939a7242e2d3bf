// One audio element per slot, and what phones demand before they play.
