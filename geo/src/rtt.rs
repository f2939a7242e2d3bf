//! The built-in model: from kilometres to the round-trip time between two data centres.
//!
//! Light in fibre makes 100 km in a millisecond there and back; real routes are longer than the great
//! circle. How well the model fits is said at [`modelled_ms`].

use crate::coordinates::Coordinates;

/// What every round trip costs, in ms.
pub const BASE_MS: f64 = 2.0;

/// Up to here routes are regional, with more detour, in km.
pub const REGIONAL_KM: f64 = 1_000.0;

/// Cost of a regional kilometre, in ms: 2.2 times light in fibre.
pub const REGIONAL_MS_PER_KM: f64 = 0.022;

/// Cost of a kilometre beyond, in ms: 1.5 times light in fibre.
pub const LONG_MS_PER_KM: f64 = 0.015;

/// Modelled round-trip time over a great-circle distance, in ms. A client's access line comes on top.
///
/// The constants minimise the median relative error against median round-trip times between 32 cloud
/// regions on every continent: of the 496 pairs half are off by less than 11.9 % or 14.7 ms, a tenth by
/// more than 80 ms (detours around Africa and South America); the North Atlantic comes out 15 to 25 % too
/// slow. Against 21,930 pairs of cities over the public Internet the median is 19.5 % or 19.7 ms.
/// `stoa-geo model --rtt FILE` measures the former again.
#[must_use]
pub fn modelled_ms(distance_km: f64) -> f64 {
    let regional = distance_km.clamp(0.0, REGIONAL_KM);
    let long = (distance_km - REGIONAL_KM).max(0.0);
    BASE_MS + regional * REGIONAL_MS_PER_KM + long * LONG_MS_PER_KM
}

/// Modelled round-trip time between two points, in ms.
#[must_use]
pub fn between_ms(a: Coordinates, b: Coordinates) -> f64 {
    modelled_ms(a.distance_km(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places;

    #[test]
    fn three_far_regions_are_within_a_fifth_of_what_was_measured() {
        // Median round-trip times between the cloud regions there, in ms.
        for (a, b, measured_ms) in
            [("fra", "iad", 92.8), ("fra", "sin", 160.9), ("iad", "sin", 218.9)]
        {
            let (a, b) = (places::find(a).unwrap(), places::find(b).unwrap());
            let modelled = between_ms(a.coordinates, b.coordinates);
            assert!((modelled / measured_ms - 1.0).abs() < 0.2, "{modelled} {measured_ms}");
        }
    }

    #[test]
    fn a_longer_way_is_never_faster_and_never_faster_than_light() {
        let mut last = 0.0;
        for km in 0..20_100_u32 {
            let modelled = modelled_ms(f64::from(km));
            assert!(modelled > last && modelled > f64::from(km) / 100.0);
            last = modelled;
        }
    }
}
