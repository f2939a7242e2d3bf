//! Random deeds on the real room beside a plain model of it, with owners that change in the middle: both must agree
//! on who may, who is where, in which order, and who is told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use stoa_audio::frame::{Epoch, TrackId};
use stoa_link::LinkId;
use stoa_protocol::ids::{NodeId, Role};
use stoa_protocol::mesh::control::Deed;

use super::tests::{founding, id};
use super::{
    AWAY_GRACE, Act, Actor, Capacity, Command, Joining, MuteAsk, MutedBy, Room, Settings, Start,
    Via, Whom, may,
};

const PEOPLE: [&str; 6] = ["ann", "ben", "cat", "dan", "eva", "fay"];
const ROLES: [Role; 4] = [Role::Listener, Role::Speaker, Role::Moderator, Role::Host];
const DEEDS: [Deed; 14] = [
    Deed::RaiseHand,
    Deed::LowerHand,
    Deed::AcceptHand,
    Deed::DeclineHand,
    Deed::Invite,
    Deed::AcceptInvitation,
    Deed::DeclineInvitation,
    Deed::SetRole,
    Deed::MuteAll,
    Deed::Remove,
    Deed::Ban,
    Deed::Unban,
    Deed::HandOver,
    Deed::Report,
];
const STAGE: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    Join {
        who: usize,
        role: usize,
    },
    Leave {
        who: usize,
    },
    Mute {
        by: usize,
        whom: usize,
        muted: bool,
    },
    Act {
        by: usize,
        deed: usize,
        whom: usize,
        role: usize,
    },
    /// Another origin owns the room from now on, and all edges say who is there.
    NewOwner,
    Wait {
        s: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let one = || 0..PEOPLE.len();
    prop_oneof![
        6 => (one(), 0..ROLES.len()).prop_map(|(who, role)| Step::Join { who, role }),
        1 => one().prop_map(|who| Step::Leave { who }),
        3 => (one(), one(), any::<bool>()).prop_map(|(by, whom, muted)| Step::Mute { by, whom, muted }),
        20 => (one(), 0..DEEDS.len(), one(), 0..ROLES.len())
            .prop_map(|(by, deed, whom, role)| Step::Act { by, deed, whom, role }),
        1 => Just(Step::NewOwner),
        1 => (1_u64..40).prop_map(|s| Step::Wait { s }),
    ]
}

#[derive(Clone, Debug, PartialEq)]
struct Person {
    role: Role,
    token_role: Role,
    muted: Option<MutedBy>,
    invited: bool,
}

/// Everything that is promised of a room, as plainly as it can be said.
#[derive(Default)]
struct Model {
    here: BTreeMap<usize, Person>,
    stage: Vec<usize>,
    hands: Vec<usize>,
    banned: Vec<usize>,
    appointed: BTreeMap<usize, Role>,
}

impl Model {
    fn join(&mut self, who: usize, token_role: Role) -> bool {
        if self.here.contains_key(&who) {
            return true;
        }
        let role = self.appointed.get(&who).copied().unwrap_or(token_role);
        if self.banned.contains(&who) || (role.may_speak() && self.stage.len() >= STAGE) {
            return false;
        }
        self.here.insert(who, Person { role, token_role, muted: None, invited: false });
        if role.may_speak() {
            self.stage.push(who);
        }
        true
    }

    fn leave(&mut self, who: usize) -> bool {
        self.stage.retain(|one| *one != who);
        self.hands.retain(|one| *one != who);
        self.here.remove(&who).is_some()
    }

    fn mute(&mut self, by: usize, whom: usize, muted: bool) -> bool {
        let Some(own) = self.here.get(&by).map(|person| person.role) else { return false };
        let Some(target) = self.here.get_mut(&whom) else { return false };
        let oneself = by == whom;
        if !oneself && (own < Role::Moderator || own < target.role) {
            return false;
        }
        if !oneself && !muted && target.muted == Some(MutedBy::Oneself) {
            return false;
        }
        match (oneself, muted, target.muted) {
            (true, true, _) => target.muted = Some(MutedBy::Oneself),
            (false, true, None) => target.muted = Some(MutedBy::Moderator),
            (_, false, _) => target.muted = None,
            (false, true, Some(_)) => {}
        }
        true
    }

    fn set_role(&mut self, whom: usize, role: Role, consent: bool) -> bool {
        let person = &self.here[&whom];
        if person.role == role {
            return true;
        }
        let (before, token_role) = (person.role, person.token_role);
        if role.may_speak() && !before.may_speak() && self.stage.len() >= STAGE {
            return false;
        }
        if role == token_role || (consent && role == Role::Speaker) {
            self.appointed.remove(&whom);
        } else {
            self.appointed.insert(whom, role);
        }
        self.hands.retain(|one| *one != whom);
        let person = self.here.get_mut(&whom).unwrap();
        (person.role, person.invited) = (role, false);
        match (before.may_speak(), role.may_speak()) {
            (false, true) => {
                self.stage.push(whom);
                if person.muted != Some(MutedBy::Moderator) {
                    person.muted = (!consent).then_some(MutedBy::Oneself);
                }
            }
            (true, false) => self.stage.retain(|one| *one != whom),
            _ => {}
        }
        true
    }

    fn act(&mut self, by: usize, deed: Deed, whom: usize, new: Role) -> bool {
        let Some(own) = self.here.get(&by).map(|person| person.role) else { return false };
        let alone = matches!(deed, Deed::MuteAll | Deed::Unban);
        let target = match self.here.get(&whom) {
            _ if alone => Whom::Nobody,
            _ if by == whom => Whom::Oneself,
            Some(person) => Whom::Other(person.role),
            None => return false,
        };
        if !may(own, deed, target, new) {
            return false;
        }
        match deed {
            Deed::RaiseHand => {
                if !self.hands.contains(&whom) {
                    self.hands.push(whom);
                }
                true
            }
            Deed::LowerHand | Deed::DeclineHand => {
                self.hands.retain(|one| *one != whom);
                true
            }
            Deed::AcceptHand => {
                self.hands.contains(&whom) && self.set_role(whom, Role::Speaker, true)
            }
            Deed::Invite | Deed::DeclineInvitation => {
                self.here.get_mut(&whom).unwrap().invited = deed == Deed::Invite;
                true
            }
            Deed::AcceptInvitation => {
                self.here[&whom].invited && self.set_role(whom, Role::Speaker, true)
            }
            Deed::SetRole => self.set_role(whom, new, false),
            Deed::MuteAll => {
                let below =
                    self.here.values_mut().filter(|one| one.role.may_speak() && one.role < own);
                below
                    .filter(|one| one.muted.is_none())
                    .for_each(|one| one.muted = Some(MutedBy::Moderator));
                true
            }
            Deed::Remove => self.leave(whom),
            Deed::Ban => {
                self.banned.push(whom);
                self.leave(whom)
            }
            Deed::Unban => {
                self.banned.retain(|one| *one != whom);
                true
            }
            Deed::HandOver => {
                let done = self.set_role(whom, Role::Host, false);
                done && self.set_role(by, Role::Moderator, true)
            }
            Deed::Report => true,
            Deed::Unknown => false,
        }
    }
}

struct Run {
    room: Room,
    model: Model,
    now: Instant,
    epoch: u32,
}

impl Run {
    fn new() -> Self {
        let now = Instant::now();
        let capacity = Capacity { participants: PEOPLE.len(), stage: STAGE };
        let room = Room::new(founding(now), Settings::named("R"), capacity, "", now).unwrap();
        Self { room, model: Model::default(), now, epoch: 1 }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Join { who, role } => {
                let role = self.model.here.get(&who).map_or(ROLES[role], |known| known.token_role);
                let joined = self.join(who, role);
                assert_eq!(joined, self.model.join(who, role));
            }
            Step::Leave { who } => {
                let left = self.room.handle_leave(&id(PEOPLE[who]), link(who), self.now).is_ok();
                assert_eq!(left, self.model.leave(who));
            }
            Step::Mute { by, whom, muted } => {
                let actor = Actor::Participant(id(PEOPLE[by]), link(by));
                let ask = MuteAsk { participant: id(PEOPLE[whom]), muted, by: actor };
                let done = self.room.handle_mute(&ask, self.now).is_ok();
                assert_eq!(done, self.model.mute(by, whom, muted));
            }
            Step::Act { by, deed, whom, role } => self.act(by, DEEDS[deed], whom, ROLES[role]),
            Step::NewOwner => self.change_owner(),
            Step::Wait { s } => self.now += Duration::from_secs(s),
        }
    }

    fn join(&mut self, who: usize, role: Role) -> bool {
        let name = PEOPLE[who];
        let joining = Joining {
            participant: id(name),
            identity: format!("{name}@example.org"),
            name: name.into(),
            role,
            track: Some(track(who)),
            muted: false,
            resumes: false,
            named: true,
        };
        let node = NodeId::new(format!("edge-{}", who % 2)).unwrap();
        self.room.handle_join(joining, Via { link: link(who), node: &node }, self.now).is_ok()
    }

    fn act(&mut self, by: usize, deed: Deed, whom: usize, role: Role) {
        let alone = matches!(deed, Deed::MuteAll | Deed::Unban);
        let act = Act {
            deed,
            participant: (!alone).then(|| id(PEOPLE[whom])),
            role,
            reason: "because".into(),
            identity: format!("{}@example.org", PEOPLE[whom]),
            seconds: 0,
        };
        let before: Vec<_> = self.model.here.iter().map(|(who, one)| (*who, one.clone())).collect();
        let actor = Actor::Participant(id(PEOPLE[by]), link(by));
        let done = self.room.handle_act(&actor, &act, self.now);
        assert_eq!(done.is_ok(), self.model.act(by, deed, whom, role), "{done:?}");
        let mut told: Vec<String> = Vec::new();
        while let Some(command) = self.room.next_command() {
            if let Command::Tell { standing, .. } = command {
                told.push(standing.participant);
            }
        }
        // Whoever stands otherwise than before has been told of it.
        for (who, before) in before {
            if self.model.here.get(&who) != Some(&before) {
                assert!(
                    told.iter().any(|name| name == PEOPLE[who]),
                    "{} was told nothing",
                    PEOPLE[who]
                );
            }
        }
    }

    fn change_owner(&mut self) {
        self.epoch += 1;
        let capacity = Capacity { participants: PEOPLE.len(), stage: STAGE };
        let start = Start { now: self.now, unix_ms: 1_000 };
        let snapshot = self.room.snapshot();
        self.room = Room::restore(snapshot, Epoch(self.epoch), capacity, start, self.now);
        let here: Vec<_> =
            self.model.here.iter().map(|(who, one)| (*who, one.token_role)).collect();
        for (who, role) in here {
            assert!(self.join(who, role), "the edges say who is there");
        }
        while self.room.next_command().is_some() {}
        assert!(self.room.next_overdue(self.now + AWAY_GRACE * 2).is_none());
    }

    fn check(&mut self) {
        let (room, model) = (&self.room, &self.model);
        let names =
            |places: &[usize]| places.iter().map(|who| PEOPLE[*who].to_owned()).collect::<Vec<_>>();
        let state = room.state();
        let stage: Vec<_> = state.stage.iter().map(|member| member.participant.clone()).collect();
        let hands: Vec<_> = state.hands.iter().map(|hand| hand.participant.clone()).collect();
        assert_eq!((stage, hands), (names(&model.stage), names(&model.hands)));
        assert_eq!(room.participants().count(), model.here.len());
        for (who, expected) in &model.here {
            let one = room.participant(&id(PEOPLE[*who])).unwrap();
            let seen = Person {
                role: one.role,
                token_role: one.token_role,
                muted: one.muted,
                invited: one.invited,
            };
            assert_eq!(
                (&seen, one.turn.is_some()),
                (expected, model.hands.contains(who)),
                "{one:?}"
            );
        }
        assert_eq!(room.epoch(), Epoch(self.epoch));
        while self.room.next_command().is_some() {}
        while self.room.next_event().is_some() {}
    }
}

fn link(who: usize) -> LinkId {
    LinkId(u64::try_from(who % 2).unwrap())
}

fn track(who: usize) -> TrackId {
    TrackId(u64::try_from(who).unwrap() + 1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn the_room_does_what_the_model_does(steps in proptest::collection::vec(step(), 1..60)) {
        let mut run = Run::new();
        for step in &steps {
            run.take(step);
            run.check();
        }
    }
}
