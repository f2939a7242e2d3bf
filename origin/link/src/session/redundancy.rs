//! How many previous frames ride along with each, by the loss that the peer reports; pure.

use std::time::{Duration, Instant};

/// Loss in permille from which one, two and three frames ride along.
const STEPS_PERMILLE: [u32; 3] = [5, 30, 100];
/// Loss must have stayed below half a step for so long before one frame fewer rides along.
const CALM: Duration = Duration::from_secs(10);

/// Up at once, down slowly: a burst of loss is rarely alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Redundancy {
    frames: u8,
    needed: Instant,
}

impl Redundancy {
    pub(super) fn new(now: Instant) -> Self {
        Self { frames: 0, needed: now }
    }

    /// Frames that ride along, 0 to 3, now that `loss_permille` of our datagrams is lost.
    pub(super) fn handle_loss(&mut self, loss_permille: u32, now: Instant) -> u8 {
        let wanted = steps_reached(loss_permille);
        let kept = steps_reached(loss_permille.saturating_mul(2));
        if wanted > self.frames {
            self.frames = wanted;
            self.needed = now;
        } else if kept >= self.frames {
            self.needed = now;
        } else if now.saturating_duration_since(self.needed) >= CALM {
            self.frames -= 1;
            self.needed = now;
        }
        self.frames
    }
}

fn steps_reached(loss_permille: u32) -> u8 {
    STEPS_PERMILLE.iter().map(|step| u8::from(loss_permille >= *step)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redundancy_rises_at_once_and_falls_one_step_after_a_calm() {
        let start = Instant::now();
        let mut redundancy = Redundancy::new(start);
        assert_eq!(redundancy.handle_loss(0, start), 0);
        assert_eq!(redundancy.handle_loss(120, start), 3);
        let calm = start + CALM;
        assert_eq!(redundancy.handle_loss(0, calm - Duration::from_millis(1)), 3);
        assert_eq!(redundancy.handle_loss(0, calm), 2);
        assert_eq!(redundancy.handle_loss(0, calm), 2);
        assert_eq!(redundancy.handle_loss(0, calm + CALM), 1);
    }

    #[test]
    fn loss_around_a_step_does_not_make_it_flap() {
        let start = Instant::now();
        let mut redundancy = Redundancy::new(start);
        for second in 0..100_u32 {
            let now = start + Duration::from_secs(1) * second;
            let loss = if second % 2 == 0 { 31 } else { 16 };
            assert_eq!(redundancy.handle_loss(loss, now), 2);
        }
    }
}
