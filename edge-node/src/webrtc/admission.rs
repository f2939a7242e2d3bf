//! Whether there is room for one more: what workers can bear against what has been promised.
//!
//! A listener is promised the packets of one voice. Who is refused costs nobody anything; who is let in
//! beyond what the machine can bear costs everybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Class;
use crate::media::PacketLength;

/// Share of what may be promised that is kept for the stage: a speaker must find his way in when the
/// audience is complete.
const STAGE_SHARE: u64 = 20;

/// Shared by workers, which say what they can bear, and by whoever opens sessions.
#[derive(Debug)]
pub(super) struct Admission {
    /// Packets a second that each worker may promise.
    bookable: Box<[AtomicU64]>,
    /// Packets a second that have been promised.
    booked: AtomicU64,
}

/// What a session has been promised; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Booking {
    admission: Arc<Admission>,
    /// Of the packets; none for who does not listen.
    length: Option<PacketLength>,
}

impl Admission {
    /// For that many workers, each of which may promise `at_first` packets a second until it says otherwise.
    pub(super) fn new(workers: usize, at_first: u64) -> Self {
        let bookable = (0..workers).map(|_| AtomicU64::new(at_first)).collect();
        Self { bookable, booked: AtomicU64::new(0) }
    }

    /// A worker may promise that many packets a second.
    pub(super) fn set_bookable(&self, worker: usize, packets_per_second: u64) {
        if let Some(bookable) = self.bookable.get(worker) {
            bookable.store(packets_per_second, Ordering::Relaxed);
        }
    }

    /// Packets a second that may be promised.
    pub(super) fn bookable(&self) -> u64 {
        self.bookable.iter().map(|worker| worker.load(Ordering::Relaxed)).sum()
    }

    /// Packets a second that have been promised.
    pub(super) fn booked(&self) -> u64 {
        self.booked.load(Ordering::Relaxed)
    }

    /// Promises the packets of one voice, of that length (none for who does not listen); `None` when there is
    /// no room for them.
    pub(super) fn book(
        self: &Arc<Self>,
        class: Class,
        length: Option<PacketLength>,
    ) -> Option<Booking> {
        let wanted = rate(length);
        let bookable = self.bookable();
        let most = match class {
            Class::Stage => bookable,
            Class::Audience => bookable - bookable / STAGE_SHARE,
        };
        let booked = self.booked.fetch_add(wanted, Ordering::Relaxed) + wanted;
        let booking = Booking { admission: Arc::clone(self), length };
        // Dropping it gives back what was not to be had.
        (wanted == 0 || booked <= most).then_some(booking)
    }
}

impl Booking {
    /// From now on the packets of a session that listens have another length.
    pub(super) fn change(&mut self, length: PacketLength) {
        let length = self.length.and(Some(length));
        self.admission.booked.fetch_add(rate(length), Ordering::Relaxed);
        self.admission.booked.fetch_sub(rate(self.length), Ordering::Relaxed);
        self.length = length;
    }
}

impl Drop for Booking {
    fn drop(&mut self) {
        self.admission.booked.fetch_sub(rate(self.length), Ordering::Relaxed);
    }
}

/// Packets a second of one voice, rounded up.
fn rate(length: Option<PacketLength>) -> u64 {
    length.map_or(0, |length| u64::from(1_000_u32.div_ceil(length.ms())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_kept_and_given_back_and_the_stage_has_a_reserve() {
        let admission = Arc::new(Admission::new(2, 0));
        admission.set_bookable(0, 500);
        admission.set_bookable(1, 500);
        admission.set_bookable(7, 1_000_000);
        let listener = || admission.book(Class::Audience, Some(PacketLength::Ms20));
        let mut audience: Vec<_> = std::iter::from_fn(listener).collect();
        assert_eq!((audience.len(), admission.booked()), (19, 950));
        let speaker = admission.book(Class::Stage, Some(PacketLength::Ms20));
        assert!(speaker.is_some() && admission.book(Class::Audience, None).is_some());
        assert!(admission.book(Class::Stage, Some(PacketLength::Ms20)).is_none());
        audience[0].change(PacketLength::Ms100);
        assert_eq!(admission.booked(), 1_000 - 40);
        drop((audience, speaker));
        assert_eq!(admission.booked(), 0);
    }
}
