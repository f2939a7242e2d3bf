//! A point on Earth, and the great-circle distance between two.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Mean radius of the Earth in kilometres (IUGG).
const EARTH_RADIUS_KM: f64 = 6_371.008_8;

/// A checked point on Earth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Coordinates {
    latitude: f64,
    longitude: f64,
}

/// Why a point was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub enum CoordinatesError {
    /// Outside -90 to 90, or not a number.
    #[error("a latitude lies between -90 and 90 degrees, not at {0}")]
    Latitude(f64),
    /// Outside -180 to 180, or not a number.
    #[error("a longitude lies between -180 and 180 degrees, not at {0}")]
    Longitude(f64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    latitude: f64,
    longitude: f64,
}

impl TryFrom<Unchecked> for Coordinates {
    type Error = CoordinatesError;

    fn try_from(point: Unchecked) -> Result<Self, CoordinatesError> {
        Self::new(point.latitude, point.longitude)
    }
}

impl Coordinates {
    /// Checks and takes a point; degrees, north and east are positive.
    ///
    /// # Errors
    /// A [`CoordinatesError`] when a value is out of range or no number.
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, CoordinatesError> {
        if !(-90.0..=90.0).contains(&latitude) {
            return Err(CoordinatesError::Latitude(latitude));
        }
        if !(-180.0..=180.0).contains(&longitude) {
            return Err(CoordinatesError::Longitude(longitude));
        }
        Ok(Self { latitude, longitude })
    }

    /// For the table of places, whose values a test checks.
    pub(crate) const fn known(latitude: f64, longitude: f64) -> Self {
        Self { latitude, longitude }
    }

    /// Degrees north, -90 to 90.
    #[must_use]
    pub const fn latitude(self) -> f64 {
        self.latitude
    }

    /// Degrees east, -180 to 180.
    #[must_use]
    pub const fn longitude(self) -> f64 {
        self.longitude
    }

    /// Great-circle distance in kilometres, 0 to about 20,015 (haversine; within 0.6 % of the
    /// ellipsoid).
    #[must_use]
    pub fn distance_km(self, other: Self) -> f64 {
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let north = ((to - from) / 2.0).sin();
        let east = ((other.longitude - self.longitude).to_radians() / 2.0).sin();
        let haversine = north * north + from.cos() * to.cos() * east * east;
        // Rounding can lift antipodes above 1.
        2.0 * EARTH_RADIUS_KM * haversine.min(1.0).sqrt().asin()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(latitude: f64, longitude: f64) -> Coordinates {
        Coordinates::new(latitude, longitude).unwrap()
    }

    #[test]
    fn known_distances_come_out() {
        let (amsterdam, ashburn) = (at(52.31, 4.76), at(38.94, -77.46));
        assert!((amsterdam.distance_km(ashburn) - 6_220.0).abs() < 30.0);
        let half = at(0.0, 0.0).distance_km(at(0.0, 180.0));
        assert!((half - 20_015.1).abs() < 1.0);
    }

    #[test]
    fn the_date_line_is_no_border() {
        assert!(at(0.0, 179.9).distance_km(at(0.0, -179.9)) < 23.0);
    }

    #[test]
    fn points_off_the_earth_are_refused() {
        assert!(matches!(Coordinates::new(90.1, 0.0), Err(CoordinatesError::Latitude(_))));
        assert!(matches!(Coordinates::new(f64::NAN, 0.0), Err(CoordinatesError::Latitude(_))));
        assert!(matches!(Coordinates::new(0.0, -180.1), Err(CoordinatesError::Longitude(_))));
        assert!(serde_json::from_str::<Coordinates>(r#"{"latitude":91,"longitude":0}"#).is_err());
    }

    proptest! {
        #[test]
        fn distance_is_symmetric_finite_and_no_longer_than_half_the_globe(
            a in (-90.0..=90.0, -180.0..=180.0), b in (-90.0..=90.0, -180.0..=180.0),
        ) {
            let (a, b) = (at(a.0, a.1), at(b.0, b.1));
            let there = a.distance_km(b);
            prop_assert!((0.0..=20_016.0).contains(&there));
            prop_assert!((there - b.distance_km(a)).abs() < 1e-6);
        }
    }
}
