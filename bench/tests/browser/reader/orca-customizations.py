"""Writes down what Orca says, as lines of JSON; Orca reads this file when it starts.

STOA_SPOKEN names the file. Speech need not come out of a loudspeaker for it: this stands where Orca hands text over.
"""

import json
import os
import time

import orca.settings
import orca.speech

_file = open(os.environ["STOA_SPOKEN"], "a", buffering=1, encoding="utf-8")


def _note(**what):
    _file.write(json.dumps({"at": time.time(), **what}, ensure_ascii=False) + "\n")


def _speak(text, acss, interrupt):
    _note(said=text)


def _character(character, acss=None):
    _note(said=character)


def _stop():
    _note(stopped=True)


orca.speech._speak = _speak
orca.speech.speakCharacter = _character
orca.speech.stop = _stop
# People who type fast have it off, and a test types fast.
orca.settings.enableKeyEcho = False
_note(ready=True)
