//! Random operations beside a plain model: counts match, nobody muted is forwarded, and a child's
//! bound tracks are exactly those it subscribes to that are selected or were until a moment ago.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use stoa_audio::frame::TrackId;
use stoa_link::LinkId;
use stoa_protocol::mesh::control::{Answer, Ask, Body, CloseRoom, Leave, WireRole};

use super::world::{World, join_ask, track};
use crate::room::AWAY_GRACE;
use stoa_link::subscriptions::RELEASE_AFTER;

const EDGES: [&str; 3] = ["ams", "iad", "sin"];
const ROOMS: [&str; 2] = ["r", "s"];
const PEOPLE: [&str; 5] = ["ada", "bob", "cy", "di", "ed"];

#[derive(Clone, Debug)]
enum Step {
    Up { edge: usize },
    Down { edge: usize },
    Create { room: usize },
    Close { room: usize, edge: usize },
    Join { room: usize, who: usize, edge: usize },
    Leave { room: usize, who: usize, edge: usize },
    Mute { room: usize, who: usize, edge: usize, muted: bool },
    Bind { room: usize, who: usize, edge: usize },
    Unbind { room: usize, who: usize, edge: usize },
    Speak { room: usize, who: usize, edge: usize },
    Subscribe { room: usize, edge: usize },
    Unsubscribe { room: usize, edge: usize },
    Wait { ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let edge = || 0..EDGES.len();
    // Mostly one room, and mostly everybody at his own edge: else little would ever be granted.
    let room = || prop_oneof![5 => Just(0), 1 => Just(1)];
    let one = || {
        (room(), 0..PEOPLE.len(), prop_oneof![12 => Just(None), 1 => edge().prop_map(Some)])
            .prop_map(|(room, who, edge)| (room, who, edge.unwrap_or(who % EDGES.len())))
    };
    prop_oneof![
        4 => edge().prop_map(|edge| Step::Up { edge }),
        1 => edge().prop_map(|edge| Step::Down { edge }),
        2 => room().prop_map(|room| Step::Create { room }),
        1 => edge().prop_map(|edge| Step::Close { room: 1, edge }),
        8 => one().prop_map(|(room, who, edge)| Step::Join { room, who, edge }),
        2 => one().prop_map(|(room, who, edge)| Step::Leave { room, who, edge }),
        3 => (one(), any::<bool>())
            .prop_map(|((room, who, edge), muted)| Step::Mute { room, who, edge, muted }),
        8 => one().prop_map(|(room, who, edge)| Step::Bind { room, who, edge }),
        1 => one().prop_map(|(room, who, edge)| Step::Unbind { room, who, edge }),
        30 => one().prop_map(|(room, who, edge)| Step::Speak { room, who, edge }),
        5 => (room(), edge()).prop_map(|(room, edge)| Step::Subscribe { room, edge }),
        2 => (room(), edge()).prop_map(|(room, edge)| Step::Unsubscribe { room, edge }),
        6 => (1_u64..1_500).prop_map(|ms| Step::Wait { ms }),
        1 => (1_500_u64..12_000).prop_map(|ms| Step::Wait { ms }),
    ]
}

/// What the model knows of somebody in a room.
#[derive(Clone, Debug)]
struct Person {
    edge: usize,
    link: Option<LinkId>,
    gone_at: Option<Instant>,
    muted: bool,
    bound: bool,
}

#[derive(Default)]
struct Model {
    links: BTreeMap<usize, LinkId>,
    links_made: u64,
    rooms: BTreeSet<&'static str>,
    people: BTreeMap<(&'static str, &'static str), Person>,
    subscribed: BTreeSet<(&'static str, LinkId)>,
    selected: BTreeMap<TrackId, &'static str>,
    recent: BTreeMap<TrackId, (&'static str, Instant)>,
    /// Announcements that mean nothing until somebody joins with the track through the same link.
    announced: BTreeSet<(LinkId, &'static str, &'static str)>,
}

impl Model {
    fn forget_overdue(&mut self, now: Instant) {
        self.people.retain(|_, person| person.gone_at.is_none_or(|at| at > now));
    }

    fn room_ends(&mut self, room: &str) {
        self.rooms.remove(room);
        self.people.retain(|(of, _), _| *of != room);
        self.subscribed.retain(|(of, _)| *of != room);
    }

    /// Follows the selection and forgets what was heard too long ago, or of somebody who has left.
    fn follow(&mut self, world: &World) {
        let before = std::mem::take(&mut self.selected);
        for room in &self.rooms {
            let key = world.service.key_of(room).unwrap();
            let hall = &world.service.halls[&key];
            self.selected.extend(hall.stage.selected().map(|track| (track, *room)));
        }
        for (track, room) in before {
            if !self.selected.contains_key(&track) {
                self.recent.entry(track).or_insert((room, world.now));
            }
        }
        let here: BTreeSet<TrackId> =
            self.people.keys().map(|(room, who)| track(room, who)).collect();
        let selected = &self.selected;
        self.recent.retain(|track, (_, at)| {
            !selected.contains_key(track) && here.contains(track) && world.now < *at + RELEASE_AFTER
        });
    }

    fn expected_bound(&self, child: LinkId) -> BTreeSet<TrackId> {
        let recent = self.recent.iter().map(|(track, (room, _))| (track, room));
        self.selected
            .iter()
            .chain(recent)
            .filter(|(_, room)| self.subscribed.contains(&(**room, child)))
            .map(|(track, _)| *track)
            .collect()
    }
}

struct Run {
    world: World,
    model: Model,
}

impl Run {
    fn take(&mut self, step: &Step) {
        let world = &mut self.world;
        let model = &mut self.model;
        match *step {
            Step::Up { edge } => {
                if !model.links.contains_key(&edge) {
                    model.links_made += 1;
                    model.links.insert(edge, world.up(model.links_made, EDGES[edge]));
                }
            }
            Step::Down { edge } => {
                let Some(link) = model.links.remove(&edge) else { return };
                world.down(link);
                model.subscribed.retain(|(_, child)| *child != link);
                for person in model.people.values_mut().filter(|p| p.link == Some(link)) {
                    person.link = None;
                    person.bound = false;
                    person.gone_at = Some(world.now + AWAY_GRACE);
                }
            }
            Step::Create { room } => {
                let Some((_, &link)) = model.links.first_key_value() else { return };
                if model.rooms.insert(ROOMS[room]) {
                    world.create(link, ROOMS[room]);
                }
            }
            Step::Close { room, edge } => {
                let Some(&link) = model.links.get(&edge) else { return };
                let room = ROOMS[room];
                let answer = world.ask(
                    link,
                    Ask::CloseRoom(CloseRoom { room: room.into(), ..CloseRoom::default() }),
                );
                assert_eq!(matches!(answer, Answer::Done(_)), model.rooms.contains(room));
                model.room_ends(room);
            }
            Step::Subscribe { room, edge } => {
                let Some(&link) = model.links.get(&edge) else { return };
                world.subscribe(link, ROOMS[room]);
                if model.rooms.contains(ROOMS[room]) {
                    model.subscribed.insert((ROOMS[room], link));
                }
            }
            Step::Unsubscribe { room, edge } => {
                let Some(&link) = model.links.get(&edge) else { return };
                world.unsubscribe(link, ROOMS[room]);
                model.subscribed.remove(&(ROOMS[room], link));
            }
            Step::Wait { ms } => self.wait(ms),
            Step::Join { room, who, edge } => self.join(ROOMS[room], PEOPLE[who], edge),
            Step::Leave { room, who, edge } => self.leave(ROOMS[room], PEOPLE[who], edge),
            Step::Mute { room, who, edge, muted } => {
                self.mute(ROOMS[room], PEOPLE[who], edge, muted);
            }
            Step::Bind { room, who, edge } => self.bind(ROOMS[room], PEOPLE[who], edge),
            Step::Unbind { room, who, edge } => self.unbind(ROOMS[room], PEOPLE[who], edge),
            Step::Speak { room, who, edge } => self.speak(ROOMS[room], PEOPLE[who], edge),
        }
    }

    /// In small steps, so that the model sees every change at its moment.
    fn wait(&mut self, ms: u64) {
        for _ in 0..ms {
            self.world.advance(Duration::from_millis(1));
            self.model.forget_overdue(self.world.now);
            self.model.follow(&self.world);
        }
    }

    fn join(&mut self, room: &'static str, who: &'static str, edge: usize) {
        let Some(&link) = self.model.links.get(&edge) else { return };
        let answer = self.world.ask(link, join_ask(room, who, WireRole::Speaker));
        let known = self.model.people.get_mut(&(room, who));
        let elsewhere = known.as_ref().is_some_and(|p| p.link.is_some() && p.edge != edge);
        let granted = self.model.rooms.contains(room) && !elsewhere;
        assert_eq!(matches!(answer, Answer::Room(_)), granted, "{answer:?}");
        if !granted {
            return;
        }
        match known {
            Some(person) => {
                (person.edge, person.link, person.gone_at) = (edge, Some(link), None);
            }
            None => {
                let person =
                    Person { edge, link: Some(link), gone_at: None, muted: false, bound: false };
                self.model.people.insert((room, who), person);
            }
        }
        if self.model.announced.remove(&(link, room, who))
            && let Some(person) = self.model.people.get_mut(&(room, who))
        {
            person.bound = true;
        }
    }

    fn leave(&mut self, room: &'static str, who: &'static str, edge: usize) {
        let Some(&link) = self.model.links.get(&edge) else { return };
        let ask = Leave { room: room.into(), participant: who.into() };
        let answer = self.world.ask(link, Ask::Leave(ask));
        let granted = self.model.people.get(&(room, who)).is_some_and(|p| p.link == Some(link));
        assert_eq!(matches!(answer, Answer::Done(_)), granted, "{answer:?}");
        if granted {
            self.model.people.remove(&(room, who));
        }
    }

    fn mute(&mut self, room: &'static str, who: &'static str, edge: usize, muted: bool) {
        let Some(&link) = self.model.links.get(&edge) else { return };
        let answer = self.world.mute(link, room, who, muted);
        let person =
            self.model.people.get_mut(&(room, who)).filter(|person| person.link == Some(link));
        assert_eq!(matches!(answer, Answer::Done(_)), person.is_some(), "{answer:?}");
        if let Some(person) = person {
            person.muted = muted;
        }
    }

    fn bind(&mut self, room: &'static str, who: &'static str, edge: usize) {
        let Some(&link) = self.model.links.get(&edge) else { return };
        self.world.bind(link, room, who);
        if self.world.closed.contains_key(&link) {
            // Wrong claims were one too many: the service has taken the link down.
            self.world.bound.insert(link, BTreeMap::new());
            self.take(&Step::Down { edge });
            return;
        }
        let person = self.model.people.get_mut(&(room, who));
        if let Some(person) = person.filter(|person| person.link == Some(link)) {
            person.bound = true;
        } else {
            self.model.announced.insert((link, room, who));
        }
    }

    fn unbind(&mut self, room: &'static str, who: &'static str, edge: usize) {
        let Some(&link) = self.model.links.get(&edge) else { return };
        self.world.service.handle_unbound(link, track(room, who), self.world.now);
        self.world.pump();
        self.model.announced.remove(&(link, room, who));
        let person = self.model.people.get_mut(&(room, who));
        if let Some(person) = person.filter(|person| person.link == Some(link)) {
            person.bound = false;
        }
    }

    fn speak(&mut self, room: &'static str, who: &'static str, edge: usize) {
        let Some(&link) = self.model.links.get(&edge) else { return };
        let dropped = |world: &World| world.service.counts().frames_dropped.values().sum::<u64>();
        let (counts, dropped_before) = (self.world.service.counts().clone(), dropped(&self.world));
        let reached = self.world.speak(link, room, who);
        let after = self.world.service.counts();
        assert_eq!(after.frames_in, counts.frames_in + 1);
        assert_eq!(after.frames_out, counts.frames_out + reached.len() as u64);
        let may = self
            .model
            .people
            .get(&(room, who))
            .is_some_and(|p| p.link == Some(link) && p.bound && !p.muted);
        if !may {
            assert!(reached.is_empty());
            assert_eq!(dropped(&self.world), dropped_before + 1);
        }
        for child in reached {
            assert!(self.model.subscribed.contains(&(room, child)));
        }
    }

    fn check(&mut self) {
        self.model.forget_overdue(self.world.now);
        self.model.follow(&self.world);
        let service = &self.world.service;
        assert_eq!(service.rooms_len(), self.model.rooms.len());
        assert_eq!(service.participants_len(), (self.model.people.len() as u64, 0));
        for link in self.model.links.values() {
            let bound: BTreeSet<TrackId> = self.world.bound[link].keys().copied().collect();
            assert_eq!(bound, self.model.expected_bound(*link), "bound on {link:?}");
        }
        for room in &self.model.rooms {
            let heard = self.model.selected.values().filter(|of| *of == room).count();
            assert!(heard <= 3);
        }
        for ((room, who), person) in &self.model.people {
            let selected = self.model.selected.contains_key(&track(room, who));
            assert!(!(selected && (person.muted || !person.bound)), "{who} is heard in {room}");
        }
    }

    /// Numbers of decisions and snapshots never run backwards on a link.
    fn check_order(&self) {
        for bodies in self.world.sent.values() {
            let mut newest = BTreeMap::new();
            for body in bodies {
                let (kind, room, place) = match body {
                    Body::Selection(s) => ("selection", s.room.clone(), (s.epoch, s.decision)),
                    Body::RoomState(s) => {
                        ("state", s.info.clone().unwrap().room, (s.epoch, s.version))
                    }
                    _ => continue,
                };
                let before = newest.insert((kind, room), place);
                assert!(before.is_none_or(|before| before <= place), "{before:?} then {place:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_sequence_of_events_keeps_the_promises(
        steps in proptest::collection::vec(step(), 1..250),
    ) {
        let mut run = Run { world: World::new(), model: Model::default() };
        for (edge, room) in [(0, 0), (1, 1), (2, 0)] {
            run.take(&Step::Up { edge });
            run.take(&Step::Create { room });
        }
        for step in &steps {
            run.take(step);
            run.check();
        }
        run.check_order();
    }
}
