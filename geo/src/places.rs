//! Where the regions are that operators usually name: airport codes, as most networks use them.

use crate::coordinates::Coordinates;

/// A named region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Airport code in small letters.
    pub code: &'static str,
    /// City, in English.
    pub city: &'static str,
    /// Where it is.
    pub coordinates: Coordinates,
}

/// Every place that is known without a file, by code.
pub const PLACES: [Place; 44] = [
    place("akl", "Auckland", -36.85, 174.76),
    place("ams", "Amsterdam", 52.37, 4.90),
    place("arn", "Stockholm", 59.33, 18.07),
    place("atl", "Atlanta", 33.75, -84.39),
    place("bog", "Bogota", 4.71, -74.07),
    place("bom", "Mumbai", 19.08, 72.88),
    place("cai", "Cairo", 30.04, 31.24),
    place("cdg", "Paris", 48.86, 2.35),
    place("cgk", "Jakarta", -6.21, 106.85),
    place("cpt", "Cape Town", -33.92, 18.42),
    place("del", "Delhi", 28.61, 77.21),
    place("dfw", "Dallas", 32.78, -96.80),
    place("dub", "Dublin", 53.35, -6.26),
    place("dxb", "Dubai", 25.20, 55.27),
    place("eze", "Buenos Aires", -34.60, -58.38),
    place("fra", "Frankfurt", 50.11, 8.68),
    place("gru", "Sao Paulo", -23.55, -46.63),
    place("hkg", "Hong Kong", 22.32, 114.17),
    place("iad", "Ashburn", 39.04, -77.49),
    place("icn", "Seoul", 37.57, 126.98),
    place("jnb", "Johannesburg", -26.20, 28.05),
    place("kix", "Osaka", 34.69, 135.50),
    place("lax", "Los Angeles", 34.05, -118.24),
    place("lhr", "London", 51.51, -0.13),
    place("lim", "Lima", -12.05, -77.04),
    place("los", "Lagos", 6.52, 3.38),
    place("mad", "Madrid", 40.42, -3.70),
    place("mel", "Melbourne", -37.81, 144.96),
    place("mex", "Mexico City", 19.43, -99.13),
    place("mia", "Miami", 25.76, -80.19),
    place("mxp", "Milan", 45.46, 9.19),
    place("nbo", "Nairobi", -1.29, 36.82),
    place("nrt", "Tokyo", 35.68, 139.65),
    place("ord", "Chicago", 41.88, -87.63),
    place("scl", "Santiago", -33.45, -70.67),
    place("sea", "Seattle", 47.61, -122.33),
    place("sfo", "San Francisco", 37.77, -122.42),
    place("sin", "Singapore", 1.35, 103.82),
    place("syd", "Sydney", -33.87, 151.21),
    place("tlv", "Tel Aviv", 32.09, 34.78),
    place("tpe", "Taipei", 25.03, 121.57),
    place("waw", "Warsaw", 52.23, 21.01),
    place("yul", "Montreal", 45.50, -73.57),
    place("yyz", "Toronto", 43.65, -79.38),
];

const fn place(code: &'static str, city: &'static str, latitude: f64, longitude: f64) -> Place {
    Place { code, city, coordinates: Coordinates::known(latitude, longitude) }
}

/// The place of a code, in any case; a number behind it is ignored (`ams2`, `ams-2`).
#[must_use]
pub fn find(region: &str) -> Option<&'static Place> {
    let letters = region.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_'));
    PLACES.iter().find(|place| place.code.eq_ignore_ascii_case(letters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_on_earth_and_the_table_is_sorted_without_doubles() {
        for place in &PLACES {
            let at = place.coordinates;
            assert_eq!(Coordinates::new(at.latitude(), at.longitude()), Ok(at), "{}", place.code);
        }
        assert!(PLACES.is_sorted_by(|a, b| a.code < b.code));
    }

    #[test]
    fn a_region_is_found_by_its_code_with_or_without_a_number() {
        assert_eq!(find("ams").unwrap().city, "Amsterdam");
        assert_eq!(find("IAD-2").unwrap().city, "Ashburn");
        assert_eq!(find("amsterdam"), None);
        assert_eq!(find("2"), None);
    }
}
