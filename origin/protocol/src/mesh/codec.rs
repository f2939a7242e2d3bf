//! Control messages on a byte stream: a Protocol Buffers length prefix, then the message.

use bytes::{Buf, BytesMut};
use prost::Message;
use thiserror::Error;

use super::control::Control;

/// Largest control message in bytes, without its prefix. A peer that announces more is cut off.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Bytes of the longest prefix that can announce a permitted length (7 bits each).
const PREFIX_BYTES_MAX: usize = 3;

/// Why bytes of the control stream were refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CodecError {
    /// The message is longer than [`MESSAGE_BYTES_MAX`]; the stream cannot go on.
    #[error("a control message of {length} bytes exceeds the limit of {max} bytes", max = MESSAGE_BYTES_MAX)]
    TooLarge {
        /// The length that was announced or wanted.
        length: u64,
    },
    /// A delimited message is not valid; it was skipped and the stream goes on.
    #[error("a control message is malformed: {0}")]
    Malformed(#[from] prost::DecodeError),
}

impl CodecError {
    /// Whether the stream must be given up, because the next message cannot be found.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::TooLarge { .. })
    }
}

/// Takes a stream's bytes as they come and gives whole messages.
///
/// Call [`Decoder::next_message`] until it gives `None` after each [`Decoder::extend`]; then it
/// never holds more than one message and one chunk.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    /// An empty decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what was read from the stream.
    pub fn extend(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The next whole message; `None` until more bytes arrive.
    ///
    /// # Errors
    /// [`CodecError::TooLarge`] ends the stream, and every later call repeats it;
    /// [`CodecError::Malformed`] skips one message.
    pub fn next_message(&mut self) -> Result<Option<Control>, CodecError> {
        let Some((length, prefix)) = self.length()? else {
            return Ok(None);
        };
        if self.buffer.len() < prefix + length {
            return Ok(None);
        }
        self.buffer.advance(prefix);
        let message = self.buffer.split_to(length).freeze();
        Ok(Some(Control::decode(message)?))
    }

    /// The announced length and the bytes its prefix takes; `None` while the prefix is incomplete.
    fn length(&self) -> Result<Option<(usize, usize)>, CodecError> {
        let mut length = 0_u64;
        for (index, byte) in self.buffer.iter().take(PREFIX_BYTES_MAX).enumerate() {
            length |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return match usize::try_from(length) {
                    Ok(fits) if fits <= MESSAGE_BYTES_MAX => Ok(Some((fits, index + 1))),
                    _ => Err(CodecError::TooLarge { length }),
                };
            }
        }
        if self.buffer.len() >= PREFIX_BYTES_MAX {
            return Err(CodecError::TooLarge { length });
        }
        Ok(None)
    }
}

/// Appends one message with its prefix to `out`.
///
/// # Errors
/// [`CodecError::TooLarge`] when the message exceeds [`MESSAGE_BYTES_MAX`]; `out` is unchanged.
pub fn encode(message: &Control, out: &mut BytesMut) -> Result<(), CodecError> {
    let length = message.encoded_len();
    let too_large = || CodecError::TooLarge { length: u64::try_from(length).unwrap_or(u64::MAX) };
    if length > MESSAGE_BYTES_MAX {
        return Err(too_large());
    }
    message.encode_length_delimited(out).map_err(|_| too_large())
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
