//! How long what is personal is kept, as the operator says. Pure.

use anyhow::ensure;
use serde::Deserialize;

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Most days that can be set: a hundred years.
const DAYS_MAX: u32 = 36_500;

/// The `[retention]` section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Days after which entries of rooms' logs are erased; 0 keeps them as long as their room.
    pub log_days: u32,
    /// Days after its end after which a room is erased with everything that is kept of it; 0 keeps it for good.
    pub closed_rooms_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { log_days: 30, closed_rooms_days: 30 }
    }
}

impl Retention {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// A sentence that names the key, its value and what is allowed.
    pub fn check(&self) -> anyhow::Result<()> {
        let days = [("log_days", self.log_days), ("closed_rooms_days", self.closed_rooms_days)];
        for (key, days) in days {
            ensure!(days <= DAYS_MAX, "retention.{key} is {days}; it may be 0 to {DAYS_MAX}");
        }
        Ok(())
    }

    /// Entries of logs from before this moment are to go; none are, where it is absent.
    #[must_use]
    pub fn log_horizon_ms(&self, now_ms: u64) -> Option<u64> {
        horizon(self.log_days, now_ms)
    }

    /// Whether a room that ended then is to go.
    #[must_use]
    pub fn is_over(&self, closed_ms: u64, now_ms: u64) -> bool {
        horizon(self.closed_rooms_days, now_ms).is_some_and(|horizon| closed_ms < horizon)
    }
}

fn horizon(days: u32, now_ms: u64) -> Option<u64> {
    (days > 0).then(|| now_ms.saturating_sub(u64::from(days) * DAY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_back_and_none_means_for_good() {
        let now = 100 * DAY_MS;
        let some = Retention { log_days: 10, closed_rooms_days: 20 };
        assert_eq!(some.log_horizon_ms(now), Some(90 * DAY_MS));
        assert!(some.is_over(80 * DAY_MS - 1, now) && !some.is_over(80 * DAY_MS, now));
        let none = Retention { log_days: 0, closed_rooms_days: 0 };
        assert_eq!((none.log_horizon_ms(now), none.is_over(0, now)), (None, false));
    }

    #[test]
    fn more_than_a_hundred_years_are_a_mistake() {
        assert!(Retention::default().check().is_ok());
        let long = Retention { log_days: DAYS_MAX + 1, ..Retention::default() };
        let told = long.check().unwrap_err().to_string();
        assert!(told.contains("retention.log_days"), "{told}");
    }
}
