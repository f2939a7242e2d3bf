//! Recordings from and to RIFF/WAVE files: 16-bit integers or 32-bit floats, mixed down to mono.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// Longest recording that is read, in samples: an hour at 48 kHz.
const SAMPLES_MAX: usize = 48_000 * 3_600;

/// A mono recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Samples per second.
    pub rate: u32,
    /// Amplitudes, -1 to 1.
    pub samples: Vec<f32>,
}

impl Recording {
    /// How long it is, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate.max(1))
    }
}

/// Reads a file.
///
/// # Errors
/// When it cannot be read, is no WAVE file, or holds another encoding than PCM 16 or float 32.
pub fn read(path: &Path) -> Result<Recording> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&bytes).with_context(|| format!("{} cannot be used", path.display()))
}

/// Writes a file with 16-bit samples.
///
/// # Errors
/// When it cannot be written, or the recording is too long for the format.
pub fn write(path: &Path, recording: &Recording) -> Result<()> {
    let length = u32::try_from(recording.samples.len() * 2).context("too long for a WAVE file")?;
    let mut bytes = Vec::with_capacity(44 + recording.samples.len() * 2);
    bytes.extend(b"RIFF");
    bytes.extend(length.saturating_add(36).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(recording.rate.to_le_bytes());
    bytes.extend((recording.rate * 2).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend(length.to_le_bytes());
    for sample in &recording.samples {
        // Saturates; the fraction that is cut off is below the format's resolution.
        #[expect(clippy::cast_possible_truncation, reason = "float to integer casts saturate")]
        bytes.extend(((sample * 32_767.0) as i16).to_le_bytes());
    }
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

struct Format {
    float: bool,
    channels: usize,
    rate: u32,
}

/// Reads the chunks of a WAVE file.
///
/// # Errors
/// When it is none, or holds another encoding than PCM 16 or float 32.
pub fn parse(bytes: &[u8]) -> Result<Recording> {
    ensure!(
        bytes.get(..4) == Some(b"RIFF") && bytes.get(8..12) == Some(b"WAVE"),
        "it is no RIFF/WAVE file"
    );
    let mut rest = &bytes[12..];
    let mut format = None;
    while rest.len() >= 8 {
        let (head, body) = rest.split_at(8);
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        // Writers that stream leave the length open; the file's end counts then.
        let chunk = &body[..length.min(body.len())];
        match &head[..4] {
            b"fmt " => format = Some(parse_format(chunk)?),
            b"data" => {
                let format = format.context("the samples come before their format")?;
                return samples(chunk, &format);
            }
            _ => {}
        }
        rest = body.get(length.saturating_add(length % 2)..).unwrap_or_default();
    }
    bail!("it holds no samples")
}

fn parse_format(chunk: &[u8]) -> Result<Format> {
    ensure!(chunk.len() >= 16, "its format is cut short");
    let short = |at: usize| u16::from_le_bytes([chunk[at], chunk[at + 1]]);
    // WAVE_FORMAT_EXTENSIBLE keeps the real tag in the first bytes of its GUID.
    let tag = if short(0) == 0xFFFE && chunk.len() >= 26 { short(24) } else { short(0) };
    let float = match (tag, short(14)) {
        (1, 16) => false,
        (3, 32) => true,
        (tag, bits) => bail!("encoding {tag} with {bits} bits is not 16-bit PCM or 32-bit float"),
    };
    let rate = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
    let channels = usize::from(short(2));
    ensure!(channels >= 1 && rate >= 8_000, "{channels} channels at {rate} Hz make no sense");
    Ok(Format { float, channels, rate })
}

fn samples(chunk: &[u8], format: &Format) -> Result<Recording> {
    let width = if format.float { 4 } else { 2 };
    let amplitude = |bytes: &[u8]| match bytes {
        [a, b] => f32::from(i16::from_le_bytes([*a, *b])) / 32_768.0,
        [a, b, c, d] => f32::from_le_bytes([*a, *b, *c, *d]),
        _ => 0.0,
    };
    let frames = chunk.chunks_exact(width * format.channels);
    ensure!(frames.len() <= SAMPLES_MAX, "it is longer than {SAMPLES_MAX} samples");
    let mix = |frame: &[u8]| {
        frame.chunks_exact(width).map(amplitude).sum::<f32>() / format.channels as f32
    };
    Ok(Recording { rate: format.rate, samples: frames.map(mix).collect() })
}

#[cfg(test)]
mod tests {
    use super::{Recording, parse, read, write};

    #[test]
    fn what_is_written_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.wav");
        let recording = Recording { rate: 48_000, samples: vec![0.0, 0.5, -0.5, 0.999] };
        write(&path, &recording).unwrap();
        let again = read(&path).unwrap();
        assert_eq!(again.rate, 48_000);
        for (a, b) in recording.samples.iter().zip(&again.samples) {
            assert!((a - b).abs() < 1e-4, "{a} became {b}");
        }
    }

    #[test]
    fn channels_are_mixed_and_floats_are_read() {
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x03\0\x02\0".to_vec();
        file.extend(44_100u32.to_le_bytes());
        file.extend(352_800u32.to_le_bytes());
        file.extend(b"\x08\0\x20\0data\x08\0\0\0");
        file.extend(0.5f32.to_le_bytes());
        file.extend((-0.25f32).to_le_bytes());
        let recording = parse(&file).unwrap();
        assert_eq!(recording, Recording { rate: 44_100, samples: vec![0.125] });
    }

    #[test]
    fn foreign_and_broken_files_are_refused_with_the_reason() {
        assert!(parse(b"MP3").unwrap_err().to_string().contains("no RIFF/WAVE"));
        assert!(parse(b"RIFF\0\0\0\0WAVE").unwrap_err().to_string().contains("no samples"));
        let early = b"RIFF\0\0\0\0WAVEdata\x02\0\0\0\0\0";
        assert!(parse(early).unwrap_err().to_string().contains("before their format"));
    }
}
