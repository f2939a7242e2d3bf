// Before joining: name, microphone, listen only.
