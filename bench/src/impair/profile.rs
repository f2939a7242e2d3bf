//! What one direction of a path does to packets.

use std::time::Duration;

use thiserror::Error;

/// How packets are lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// None is.
    None,
    /// Each on its own.
    Independent {
        /// Share of packets lost, 0 to 1.
        share: f64,
    },
    /// In bursts (Gilbert, 1960): a good state that loses nothing and a bad one that loses everything.
    Bursty {
        /// Share of packets lost in the long run, 0 to 1.
        share: f64,
        /// Mean packets per burst, at least 1.
        mean_burst: f64,
    },
}

/// A time in which nothing passes, counted from the start of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// When it begins.
    pub after: Duration,
    /// How long it lasts.
    pub lasts: Duration,
}

/// What one direction of a path does to packets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// One-way delay.
    pub delay: Duration,
    /// Each packet's delay varies evenly by up to this much, both ways; never below zero in all.
    pub jitter: Duration,
    /// Whether jitter may change the order of packets; else a late one holds up those behind it.
    pub reorder: bool,
    /// How packets are lost.
    pub loss: Loss,
    /// Rate of the narrowest link in kbit/s, headers counted; none means endless.
    pub rate_kbit: Option<u32>,
    /// How long a packet may wait for that link before it is dropped.
    pub queue: Duration,
    /// When nothing passes.
    pub cut: Option<Cut>,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            reorder: false,
            loss: Loss::None,
            rate_kbit: None,
            queue: Duration::from_millis(200),
            cut: None,
        }
    }
}

/// Why a profile makes no sense. The messages are for the person at the command line.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub enum ProfileError {
    /// Not a share.
    #[error("loss is a share from 0 to 1 (0.05 is 5 %), but {0} was given")]
    Share(f64),
    /// A burst has at least one packet.
    #[error("the mean burst length is at least 1 packet, but {0} was given")]
    Burst(f64),
    /// Bursts this short cannot lose this much.
    #[error(
        "a loss of {share} needs bursts of at least {needed:.1} packets on average, but {burst} was given"
    )]
    BurstTooShort {
        /// The wanted share.
        share: f64,
        /// The given mean burst length.
        burst: f64,
        /// The least mean burst length for that share.
        needed: f64,
    },
    /// Nothing would ever pass.
    #[error("a rate of 0 kbit/s lets nothing pass; use a cut for that, or leave the rate out")]
    Rate,
}

impl Loss {
    /// From a share and a mean burst length; without a burst length losses are independent.
    ///
    /// # Errors
    /// A [`ProfileError`] when no such channel exists.
    pub fn new(share: f64, mean_burst: Option<f64>) -> Result<Self, ProfileError> {
        if !(0.0..=1.0).contains(&share) {
            return Err(ProfileError::Share(share));
        }
        let Some(burst) = mean_burst else {
            return Ok(if share > 0.0 { Self::Independent { share } } else { Self::None });
        };
        if !burst.is_finite() || burst < 1.0 {
            return Err(ProfileError::Burst(burst));
        }
        if share <= 0.0 {
            return Ok(Self::None);
        }
        if share >= 1.0 {
            return Ok(Self::Independent { share });
        }
        // The good state must last at least one packet: share / (1 - share) <= burst.
        let needed = share / (1.0 - share);
        if burst < needed {
            return Err(ProfileError::BurstTooShort { share, burst, needed });
        }
        Ok(Self::Bursty { share, mean_burst: burst })
    }
}
