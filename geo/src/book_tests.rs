//! The book believes what was measured, for a while, and guesses the rest well.

use std::time::{Duration, Instant};

use super::book::{BELIEVED_FOR, Book, Measurement, NODES_MAX};
use super::coordinates::Coordinates;
use super::places::{self, PLACES};
use super::rtt;

#[test]
fn both_directions_give_one_time_with_loss_and_age() {
    let now = Instant::now();
    let mut book = everywhere();
    assert!(book.note(&"ams", &"fra", measurement(10.0, 0.02), now));
    assert!(book.note(&"fra", &"ams", measurement(14.0, 0.0), now + Duration::from_secs(5)));

    let later = now + Duration::from_secs(60);
    let estimate = book.estimate(&"fra", &"ams", later).unwrap();

    assert_eq!((estimate.rtt_ms, estimate.loss), (12.0, Some(0.01)));
    assert_eq!(estimate.age, Some(Duration::from_secs(55)));
    assert_eq!(book.estimate(&"ams", &"fra", later), Some(estimate));
    assert_eq!(book.pairs_len(), 1);
}

#[test]
fn without_any_measurement_the_model_speaks() {
    let book = everywhere();
    let (ams, nrt) = (place("ams"), place("nrt"));

    let estimate = book.estimate(&"ams", &"nrt", Instant::now()).unwrap();

    assert!((f64::from(estimate.rtt_ms) - rtt::between_ms(ams, nrt)).abs() < 0.01);
    assert_eq!((estimate.loss, estimate.age), (None, None));
    assert_eq!(book.estimate(&"ams", &"moon", Instant::now()), None);
}

#[test]
fn an_old_measurement_is_not_believed_and_makes_room() {
    let now = Instant::now();
    let mut book = everywhere();
    book.note(&"ams", &"fra", measurement(99.0, 0.0), now);

    let later = now + BELIEVED_FOR;
    assert!(book.estimate(&"ams", &"fra", later).unwrap().age.is_none());
    book.handle_timeout(later);

    assert_eq!(book.pairs_len(), 0);
}

#[test]
fn a_path_is_estimated_from_what_was_measured_near_either_end() {
    // From Paris, London and Frankfurt to Johannesburg it takes twice as long as modelled.
    let now = Instant::now();
    let mut book = everywhere();
    for near in ["cdg", "lhr", "fra"] {
        let modelled = rtt::between_ms(place(near), place("jnb"));
        #[expect(clippy::cast_possible_truncation, reason = "some hundred milliseconds")]
        let doubled = (2.0 * modelled) as f32;
        book.note(&near, &"jnb", measurement(doubled, 0.0), now);
    }

    let modelled = rtt::between_ms(place("ams"), place("jnb"));
    let estimate = f64::from(book.estimate(&"ams", &"jnb", now).unwrap().rtt_ms);

    assert!(estimate / modelled > 1.75 && estimate / modelled <= 2.0, "{}", estimate / modelled);
}

#[test]
fn an_estimate_is_no_longer_than_a_measured_detour() {
    let now = Instant::now();
    let mut book = everywhere();
    book.note(&"ams", &"lhr", measurement(6.0, 0.0), now);
    book.note(&"lhr", &"iad", measurement(30.0, 0.0), now);

    assert_eq!(book.estimate(&"ams", &"iad", now).unwrap().rtt_ms, 36.0);
}

#[test]
fn a_node_that_is_forgotten_takes_its_measurements_along() {
    let now = Instant::now();
    let mut book = everywhere();
    book.note(&"ams", &"fra", measurement(5.0, 0.0), now);
    book.note(&"fra", &"cdg", measurement(5.0, 0.0), now);

    book.forget(&"ams");

    assert_eq!((book.nodes_len(), book.pairs_len()), (PLACES.len() - 1, 1));
    assert_eq!(book.measured(&"fra", &"ams", now), None);
}

#[test]
fn nonsense_strangers_and_more_than_fits_are_refused_and_counted() {
    let now = Instant::now();
    let mut book = Book::default();
    let here = place("ams");
    for node in 0..NODES_MAX {
        assert!(book.place(node, here));
    }

    assert!(!book.place(NODES_MAX, here));
    assert!(!book.note(&0, &0, measurement(1.0, 0.0), now));
    assert!(!book.note(&0, &9_999, measurement(1.0, 0.0), now));
    assert!(!book.note(&0, &1, measurement(f32::NAN, 0.0), now));
    assert!(!book.note(&0, &1, measurement(-1.0, 0.0), now));

    assert_eq!((book.refused(), book.pairs_len()), (5, 0));
}

#[test]
fn small_changes_are_no_news() {
    let known = measurement(100.0, 0.0);
    assert!(!measurement(109.0, 0.005).is_news(known));
    assert!(measurement(111.0, 0.0).is_news(known));
    assert!(measurement(100.0, 0.02).is_news(known));
    assert!(!measurement(2.5, 0.0).is_news(measurement(1.0, 0.0)));
}

fn measurement(rtt_ms: f32, loss: f32) -> Measurement {
    Measurement { rtt_ms, loss }
}

fn place(code: &str) -> Coordinates {
    places::find(code).unwrap().coordinates
}

fn everywhere() -> Book<&'static str> {
    let mut book = Book::default();
    for place in &PLACES {
        book.place(place.code, place.coordinates);
    }
    book
}
