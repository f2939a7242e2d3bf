// The microphone: opening it, changing it, its level.
