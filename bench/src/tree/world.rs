//! The cities that trees are planned on: read from files of measurements, or made up from the model.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use stoa_geo::book::{Book, Measurement};
use stoa_geo::coordinates::Coordinates;
use stoa_geo::{places, rtt};
use stoa_origin::tree;

use super::csv;

/// As many cities as the measured world has.
const CITIES: usize = 241;
/// How far made-up cities lie from the place they belong to, in degrees.
const SPREAD_DEGREES: f64 = 9.0;
/// Measured paths differ from the model by a factor of up to 1 plus this.
const DETOUR_SHARE: f64 = 0.6;

/// A city.
#[derive(Clone, Debug)]
pub(super) struct City {
    pub(super) name: String,
    pub(super) coordinates: Coordinates,
    pub(super) country: String,
}

/// Cities, and round-trip times between all of them.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) cities: Vec<City>,
    rtt_ms: Vec<f32>,
    /// Pairs that nobody had measured.
    pub(super) estimated: usize,
}

impl World {
    /// From a square of round-trip times, and a file of its nodes where the former has no coordinates.
    pub(super) fn read(rtt: &Path, nodes: Option<&Path>) -> Result<Self> {
        let table = csv::read(rtt)?;
        let header = table.first().context("the file of times is empty")?;
        let has_places = header.get(1).is_some_and(|cell| cell == "lat");
        let leading = if has_places { 4 } else { 1 };
        let cities = if has_places {
            table.iter().skip(1).map(|row| city(row, [0, 1, 2, 3])).collect::<Result<Vec<_>>>()?
        } else {
            let beside = rtt.with_file_name("wonder2018_nodes.csv");
            cities_of(nodes.unwrap_or(&beside))?
        };
        let names = &header[leading.min(header.len())..];
        ensure!(names.len() == table.len() - 1, "{} is no square", rtt.display());
        let place = |name: &str| cities.iter().position(|city| city.name == spaced(name));
        let kept: Vec<(usize, usize)> =
            (0..names.len()).filter_map(|at| Some((at, place(&table[at + 1][0])?))).collect();
        ensure!(kept.len() > 1, "no node of {} has coordinates", rtt.display());
        ensure!(kept.len() < tree::NODES_MAX, "more than {} nodes", tree::NODES_MAX - 1);
        let time = |a: usize, b: usize| {
            let cell = |from: usize, to: usize| table[from + 1].get(to + leading)?.parse().ok();
            match (cell(a, b), cell(b, a)) {
                (Some(there), Some(back)) => Some(f32::midpoint(there, back)),
                (one, other) => one.or(other),
            }
        };
        let cities: Vec<City> = kept.iter().map(|(_, at)| cities[*at].clone()).collect();
        Ok(Self::filled(cities, |a, b| time(kept[a].0, kept[b].0)))
    }

    /// Made up: cities around the places that the model knows, with detours like those of real paths.
    pub(super) fn modelled(seed: u64) -> Result<Self> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut cities = Vec::new();
        for at in 0..CITIES {
            let place = &places::PLACES[at % places::PLACES.len()];
            let round = at / places::PLACES.len();
            let spread = if round == 0 { 0.0 } else { SPREAD_DEGREES };
            let mut near = |degrees: f64| degrees + spread * rng.random_range(-1.0..=1.0);
            let (latitude, longitude) =
                (near(place.coordinates.latitude()), near(place.coordinates.longitude()));
            cities.push(City {
                name: if round == 0 {
                    place.city.into()
                } else {
                    format!("{} {round}", place.city)
                },
                coordinates: Coordinates::new(latitude, longitude.clamp(-180.0, 180.0))?,
                country: place.code.into(),
            });
        }
        let detours: Vec<f64> =
            (0..CITIES * CITIES).map(|_| rng.random::<f64>().powi(3) * DETOUR_SHARE).collect();
        let places: Vec<Coordinates> = cities.iter().map(|city| city.coordinates).collect();
        Ok(Self::filled(cities, |a, b| {
            let modelled = rtt::between_ms(places[a], places[b]);
            #[expect(clippy::cast_possible_truncation, reason = "some hundred milliseconds")]
            let rtt_ms = (modelled * (1.0 + detours[a.min(b) * CITIES + a.max(b)])) as f32;
            Some(rtt_ms)
        }))
    }

    /// Times that are missing are estimated as an origin estimates them.
    fn filled(cities: Vec<City>, time: impl Fn(usize, usize) -> Option<f32>) -> Self {
        let (mut book, now, count) = (Book::default(), Instant::now(), cities.len());
        for (at, city) in cities.iter().enumerate() {
            book.place(at, city.coordinates);
        }
        let pairs = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b)));
        let mut rtt_ms = vec![0.0; count * count];
        let mut missing = Vec::new();
        for (a, b) in pairs {
            match time(a, b) {
                Some(ms) => {
                    book.note(&a, &b, Measurement { rtt_ms: ms, loss: 0.0 }, now);
                    (rtt_ms[a * count + b], rtt_ms[b * count + a]) = (ms, ms);
                }
                None => missing.push((a, b)),
            }
        }
        for (a, b) in &missing {
            let ms = book.estimate(a, b, now).map_or(f32::MAX, |estimate| estimate.rtt_ms);
            (rtt_ms[a * count + b], rtt_ms[b * count + a]) = (ms, ms);
        }
        Self { cities, rtt_ms, estimated: missing.len() }
    }

    /// How many cities there are.
    pub(super) fn len(&self) -> usize {
        self.cities.len()
    }

    /// Every path takes that much longer, one way in ms.
    pub(super) fn add_hop_ms(&mut self, hop_ms: f32) {
        for rtt_ms in &mut self.rtt_ms {
            *rtt_ms += 2.0 * hop_ms;
        }
    }

    /// One way in ms.
    pub(super) fn delay_ms(&self, from: usize, to: usize) -> f32 {
        self.rtt_ms[from * self.len() + to] / 2.0
    }

    /// The city of that name, or else the one nearest to the known place of that name.
    pub(super) fn find(&self, name: &str) -> Result<usize> {
        let named = self.cities.iter().position(|city| city.name.eq_ignore_ascii_case(name));
        let place = places::PLACES.iter().find(|place| place.city.eq_ignore_ascii_case(name));
        // The built-in places have Ashburn instead.
        let new_york = Coordinates::new(40.71, -74.01).ok();
        let new_york = new_york.filter(|_| name.eq_ignore_ascii_case("New York"));
        let point = place.map(|place| place.coordinates).or(new_york);
        let nearest = point.and_then(|point| {
            let distance = |at: &usize| self.cities[*at].coordinates.distance_km(point);
            (0..self.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)))
        });
        named.or(nearest).with_context(|| format!("no city is called {name:?}"))
    }

    /// A number for each country: nodes in one may fail together.
    pub(super) fn domain(&self, at: usize) -> u32 {
        let first = self.cities.iter().position(|city| city.country == self.cities[at].country);
        u32::try_from(first.unwrap_or(at)).unwrap_or(u32::MAX)
    }
}

fn spaced(name: &str) -> String {
    name.replace('+', " ")
}

/// Reads name, latitude, longitude and country or city out of a row.
fn city(row: &[String], columns: [usize; 4]) -> Result<City> {
    let cell = |at: usize| row.get(columns[at]).map(String::as_str).unwrap_or_default();
    let degrees = |at: usize| {
        cell(at).parse::<f64>().with_context(|| format!("{:?} of {:?}", cell(at), cell(0)))
    };
    let coordinates = Coordinates::new(degrees(1)?, degrees(2)?)?;
    Ok(City { name: spaced(cell(0)), coordinates, country: cell(3).to_owned() })
}

/// Cities of a file of nodes, without those that are marked as suspect.
fn cities_of(path: &Path) -> Result<Vec<City>> {
    let table = csv::read(path)?;
    let header = table.first().context("the file of nodes is empty")?;
    let column = |name: &str| {
        let at = header.iter().position(|cell| cell == name);
        at.with_context(|| format!("{} has no column {name:?}", path.display()))
    };
    let columns = [column("city")?, column("lat")?, column("lon")?, column("country")?];
    let suspect = column("suspect")?;
    let trusted = |row: &&Vec<String>| row.get(suspect).is_none_or(|cell| cell != "1");
    table.iter().skip(1).filter(trusted).map(|row| city(row, columns)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_is_read_without_suspects_and_its_gaps_are_filled() {
        let folder = tempfile::tempdir().unwrap();
        let (rtt, nodes) = (folder.path().join("rtt.csv"), folder.path().join("nodes.csv"));
        std::fs::write(&rtt, ",A+B,C,D,E\nA+B,0,10,,9\nC,10,0,30,9\nD,,30,0,9\nE,1,1,1,0\n")
            .unwrap();
        let lines = "city,lat,lon,country,suspect\nA+B,50,5,X,0\nC,51,6,\"X, Y\",0\nD,40,20,Z,0\nE,0,0,Z,1\n";
        std::fs::write(&nodes, lines).unwrap();

        let world = World::read(&rtt, Some(&nodes)).unwrap();

        assert_eq!((world.len(), world.estimated), (3, 1));
        assert_eq!((world.cities[0].name.as_str(), world.find("a b").unwrap()), ("A B", 0));
        assert_eq!((world.delay_ms(0, 1), world.delay_ms(2, 1)), (5.0, 15.0));
        assert!(world.delay_ms(0, 2) > 10.0 && world.delay_ms(0, 2) <= 20.0);
        assert_eq!(world.cities[1].country, "X, Y");
        assert_ne!(world.domain(1), world.domain(2));
    }

    #[test]
    fn the_made_up_world_has_every_root_and_no_negative_path() {
        let world = World::modelled(1).unwrap();
        assert_eq!((world.len(), world.estimated), (CITIES, 0));
        assert_eq!(world.cities[world.find("Nairobi").unwrap()].name, "Nairobi");
        assert!(world.find("New York").is_ok() && world.find("Atlantis").is_err());
        let nodes = 0..CITIES;
        assert!(
            nodes.clone().all(|a| nodes.clone().all(|b| a == b || world.delay_ms(a, b) >= 1.0))
        );
    }
}
