//! Speech: espeak-ng reads a story to a WAVE file.

use std::path::PathBuf;
use std::process::Command;

use crate::turn::folder;

/// Long enough for 30 s in the middle of which nothing begins or ends; no sentence twice.
const STORY: &str = "When the sun went down over the agora, people of every trade walked beneath \
the columns and talked about the day. A fisherman told how the wind had turned before noon, and a \
potter answered that her kiln had cracked at the very same hour. Nobody was in a hurry. Two young \
philosophers argued whether a voice that nobody hears has been spoken at all; an old woman laughed \
and said that the sea hears everything. Then a traveller from a far island began to sing, quietly \
at first, until even the money changers stopped counting. Somebody asked where he had learned it. \
From my mother, he said, who learned it from the birds, who never told her where they had it from. \
The lamps were lit one after another, and the conversation went on.";

/// Seconds that the story lasts at least.
pub(crate) const STORY_S: usize = 42;

/// The story, 48 kHz, mono.
pub(crate) fn story() -> PathBuf {
    let (raw, file) = (folder().join("story.raw.wav"), folder().join("story.wav"));
    run(Command::new("espeak-ng").args(["-v", "en", "-s", "155", "-w"]).arg(&raw).arg(STORY));
    let mut convert = Command::new("ffmpeg");
    convert.args(["-v", "error", "-y", "-i"]).arg(&raw).args(["-ar", "48000", "-ac", "1"]);
    run(convert.arg(&file));
    file
}

/// Runs a program that the tests need.
pub(crate) fn run(command: &mut Command) -> Vec<u8> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) if output.status.success() => output.stdout,
        Ok(output) => panic!("{name}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("{name} is needed for this test ({error}); .ci/run installs it"),
    }
}
