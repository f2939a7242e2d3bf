//! Whom one room's frames are asked of, by feed: as planned while that works, and somebody else while it does not.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use stoa_link::LinkId;
use stoa_protocol::ids::NodeId;
use stoa_protocol::mesh::control::{Branch, Feed, Neighbour};

use super::position::Parent;

/// How long a former parent goes on sending at least, after the new one was asked.
const OVERLAP: Duration = Duration::from_secs(1);

/// A former parent is let go after this time, even if nothing has come from the new one.
const OVERLAP_MAX: Duration = Duration::from_secs(10);

/// How often it is looked whether a former parent can be let go.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// What has to be said over a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rooms) enum Said {
    /// "Send me this feed."
    Subscribe {
        /// Over which link.
        link: LinkId,
        /// Which tree.
        feed: Feed,
        /// Whether the frames of the last moments are wanted, because a parent was lost.
        back_fill: bool,
    },
    /// "I need it no longer."
    Unsubscribe {
        /// Over which link.
        link: LinkId,
        /// Which tree.
        feed: Feed,
    },
}

/// Another edge, as an owner names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rooms) struct Named {
    pub(in crate::rooms) node: NodeId,
    /// Empty for a node that is linked anyway.
    pub(in crate::rooms) address: String,
}

impl Named {
    pub(in crate::rooms) fn read(wire: Neighbour) -> Option<Self> {
        Some(Self { node: NodeId::new(wire.node).ok()?, address: wire.address })
    }
}

/// A link that was asked for a feed.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// Since when another is asked instead.
    replaced_at: Option<Instant>,
}

/// Whom one room's frames are asked of.
#[derive(Debug, Default)]
pub(in crate::rooms) struct Feeds {
    plan: Option<u64>,
    red: Option<Named>,
    blue: Option<Named>,
    red_backup: Option<Named>,
    blue_backup: Option<Named>,
    asked: BTreeMap<(LinkId, Feed), Asked>,
    /// Whether somebody who was asked has been lost since.
    bereft: [bool; 2],
}

/// Who can be asked, as the hub knows.
pub(in crate::rooms) struct Reach<'a> {
    /// The link to a node, if there is one.
    pub(in crate::rooms) link_of: &'a dyn Fn(&NodeId) -> Option<LinkId>,
    /// Whether tracks of the room come over a link.
    pub(in crate::rooms) sends: &'a dyn Fn(LinkId) -> bool,
    /// The room's owner.
    pub(in crate::rooms) owner: Option<LinkId>,
}

impl Feeds {
    /// Takes an owner's plan; `false` when a newer one is known.
    pub(in crate::rooms) fn handle_branch(&mut self, branch: Branch) -> bool {
        if self.plan > Some(branch.plan) {
            return false;
        }
        self.plan = Some(branch.plan);
        self.red = branch.red.and_then(Named::read);
        self.blue = branch.blue.and_then(Named::read);
        self.red_backup = branch.red_backup.and_then(Named::read);
        self.blue_backup = branch.blue_backup.and_then(Named::read);
        true
    }

    /// Another owner counts its plans anew; the last one holds until it has said otherwise.
    pub(in crate::rooms) fn handle_owner(&mut self) {
        self.plan = None;
    }

    /// A link has ended, or is let go of: it sends nothing more.
    pub(in crate::rooms) fn forget(&mut self, link: LinkId) {
        for feed in [Feed::Red, Feed::Blue] {
            let lost = self.asked.remove(&(link, feed));
            // Who has been replaced is not missed.
            if lost.is_some_and(|asked| asked.replaced_at.is_none()) {
                self.bereft[index(feed)] = true;
            }
        }
    }

    /// Whether this link was asked for anything.
    pub(in crate::rooms) fn is_asked(&self, link: LinkId) -> bool {
        self.asked.range((link, Feed::Red)..=(link, Feed::Blue)).next().is_some()
    }

    /// Which feeds this link was asked for.
    pub(in crate::rooms) fn asked_of(&self, link: LinkId) -> impl Iterator<Item = Feed> {
        self.asked.range((link, Feed::Red)..=(link, Feed::Blue)).map(|((_, feed), _)| *feed)
    }

    /// Everybody who was asked.
    pub(in crate::rooms) fn parents(&self) -> impl Iterator<Item = Parent> {
        self.asked.iter().map(|((link, feed), asked)| Parent {
            link: *link,
            feed: *feed,
            replaced: asked.replaced_at.is_some(),
        })
    }

    /// Everybody who was named, to be linked.
    pub(in crate::rooms) fn named(&self) -> impl Iterator<Item = &Named> {
        let named = [&self.red, &self.blue, &self.red_backup, &self.blue_backup];
        named.into_iter().flatten()
    }

    /// Whether two different nodes send, so that one may die.
    pub(in crate::rooms) fn is_doubled(&self) -> bool {
        let of = |feed: Feed| {
            self.asked
                .iter()
                .filter(move |((_, f), asked)| *f == feed && asked.replaced_at.is_none())
                .map(|((link, _), _)| *link)
        };
        of(Feed::Blue).any(|blue| of(Feed::Red).any(|red| red != blue))
    }

    /// Brings what is asked in line with what is wanted and possible; says what has to be said, and when to look again.
    pub(in crate::rooms) fn settle(
        &mut self,
        wanted: bool,
        reach: &Reach<'_>,
        now: Instant,
    ) -> (Vec<Said>, Option<Instant>) {
        let mut said = Vec::new();
        for feed in [Feed::Red, Feed::Blue] {
            let source = if wanted { self.source(feed, reach) } else { None };
            self.ask(feed, source, wanted, now, &mut said);
        }
        self.let_go(reach, now, &mut said);
        let waits = self.asked.values().any(|asked| asked.replaced_at.is_some());
        (said, waits.then_some(now + LOOK_INTERVAL))
    }

    /// Who should send a feed now. The owner is asked while the planned parent cannot be reached: it refuses nobody.
    fn source(&self, feed: Feed, reach: &Reach<'_>) -> Option<LinkId> {
        let link = |named: &Option<Named>| named.as_ref().and_then(|n| (reach.link_of)(&n.node));
        match feed {
            Feed::Red if self.red.is_none() => reach.owner,
            Feed::Red => link(&self.red).or_else(|| link(&self.red_backup)).or(reach.owner),
            Feed::Blue => link(&self.blue).or_else(|| link(&self.blue_backup)),
        }
    }

    fn ask(
        &mut self,
        feed: Feed,
        source: Option<LinkId>,
        wanted: bool,
        now: Instant,
        said: &mut Vec<Said>,
    ) {
        if let Some(link) = source {
            let back_fill = std::mem::take(&mut self.bereft[index(feed)]);
            let known = self.asked.entry((link, feed));
            known.and_modify(|asked| asked.replaced_at = None).or_insert_with(|| {
                said.push(Said::Subscribe { link, feed, back_fill });
                Asked { replaced_at: None }
            });
        }
        for ((link, of), asked) in &mut self.asked {
            if *of == feed && Some(*link) != source && asked.replaced_at.is_none() {
                // Nobody waits for a successor where nothing is wanted any more.
                let since = if wanted { now } else { now.checked_sub(OVERLAP_MAX).unwrap_or(now) };
                asked.replaced_at = Some(since);
            }
        }
    }

    /// Lets former parents go whose successors send.
    fn let_go(&mut self, reach: &Reach<'_>, now: Instant, said: &mut Vec<Said>) {
        let current: Vec<(LinkId, Feed)> = self
            .asked
            .iter()
            .filter(|(_, asked)| asked.replaced_at.is_none())
            .map(|(key, _)| *key)
            .collect();
        self.asked.retain(|(link, feed), asked| {
            let Some(since) = asked.replaced_at else { return true };
            let age = now.saturating_duration_since(since);
            let succeeded = || {
                let mut successors = current.iter().filter(|(_, of)| of == feed);
                successors.any(|(successor, _)| (reach.sends)(*successor))
            };
            let quiet = || !(reach.sends)(*link);
            let over = age >= OVERLAP_MAX || (age >= OVERLAP && (succeeded() || quiet()));
            if over {
                said.push(Said::Unsubscribe { link: *link, feed: *feed });
            }
            !over
        });
    }
}

fn index(feed: Feed) -> usize {
    match feed {
        Feed::Red => 0,
        Feed::Blue => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const OWNER: LinkId = LinkId(1);
    const PARENT: LinkId = LinkId(2);
    const BLUE: LinkId = LinkId(3);
    const BACKUP: LinkId = LinkId(4);

    fn link_of(node: &str) -> Option<LinkId> {
        match node {
            "edge-2" => Some(PARENT),
            "origin-3" => Some(BLUE),
            "edge-4" => Some(BACKUP),
            _ => None,
        }
    }

    /// A room whose feeds come over these links.
    struct World {
        feeds: Feeds,
        now: Instant,
        up: BTreeSet<LinkId>,
        sending: BTreeSet<LinkId>,
    }

    impl World {
        fn new() -> Self {
            let up = [OWNER, PARENT, BLUE, BACKUP].into();
            Self { feeds: Feeds::default(), now: Instant::now(), up, sending: BTreeSet::new() }
        }

        fn settle(&mut self, wanted: bool) -> Vec<Said> {
            let link = |node: &NodeId| link_of(node.as_str()).filter(|link| self.up.contains(link));
            let reach = Reach {
                link_of: &link,
                sends: &|link| self.sending.contains(&link),
                owner: self.up.contains(&OWNER).then_some(OWNER),
            };
            self.feeds.settle(wanted, &reach, self.now).0
        }

        fn plan(&mut self, plan: u64, red: &str, blue: &str) -> bool {
            let named = |node: &str| {
                (!node.is_empty())
                    .then(|| Neighbour { node: node.to_owned(), address: "h:1".to_owned() })
            };
            self.feeds.handle_branch(Branch {
                plan,
                red: named(red),
                blue: named(blue),
                red_backup: named("edge-4"),
                ..Branch::default()
            })
        }

        fn lose(&mut self, link: LinkId) {
            self.up.remove(&link);
            self.feeds.forget(link);
        }
    }

    fn subscribe(link: LinkId, feed: Feed) -> Said {
        Said::Subscribe { link, feed, back_fill: false }
    }

    #[test]
    fn without_a_plan_the_owner_is_asked_and_nobody_else() {
        let mut world = World::new();
        assert_eq!(world.settle(true), [subscribe(OWNER, Feed::Red)]);
        assert_eq!(world.settle(true), []);
        assert!(!world.feeds.is_doubled());
        assert_eq!(world.settle(false), [Said::Unsubscribe { link: OWNER, feed: Feed::Red }]);
        assert!(!world.feeds.is_asked(OWNER));
    }

    #[test]
    fn a_new_parent_is_asked_at_once_and_the_old_one_let_go_once_the_new_one_sends() {
        let mut world = World::new();
        world.settle(true);
        world.sending.insert(OWNER);
        assert!(world.plan(1, "edge-2", "origin-3"));
        assert_eq!(world.settle(true), [subscribe(PARENT, Feed::Red), subscribe(BLUE, Feed::Blue)]);
        assert!(world.feeds.is_doubled());
        world.now += OVERLAP;
        assert_eq!(world.settle(true), [], "nothing has come from the new one");
        world.sending.insert(PARENT);
        assert_eq!(world.settle(true), [Said::Unsubscribe { link: OWNER, feed: Feed::Red }]);
    }

    #[test]
    fn a_new_parent_that_never_sends_does_not_keep_the_old_one_for_ever() {
        let mut world = World::new();
        world.settle(true);
        world.sending.insert(OWNER);
        world.plan(1, "edge-2", "");
        world.settle(true);
        world.now += OVERLAP_MAX;
        assert_eq!(world.settle(true), [Said::Unsubscribe { link: OWNER, feed: Feed::Red }]);
    }

    #[test]
    fn a_lost_parent_is_replaced_by_the_backup_and_then_by_the_owner_with_what_was_missed() {
        let mut world = World::new();
        world.plan(1, "edge-2", "origin-3");
        world.settle(true);
        world.lose(PARENT);
        let back_filled = |link| Said::Subscribe { link, feed: Feed::Red, back_fill: true };
        assert_eq!(world.settle(true), [back_filled(BACKUP)]);
        world.lose(BACKUP);
        assert_eq!(world.settle(true), [back_filled(OWNER)]);
        world.up.insert(PARENT);
        assert_eq!(world.settle(true), [subscribe(PARENT, Feed::Red)], "as planned again");
    }

    #[test]
    fn a_lost_standby_leaves_the_other_feed_alone() {
        let mut world = World::new();
        world.plan(1, "edge-2", "origin-3");
        world.settle(true);
        world.lose(BLUE);
        assert_eq!(world.settle(true), []);
        assert!(!world.feeds.is_doubled());
    }

    #[test]
    fn older_plans_change_nothing_until_another_owner_counts_anew() {
        let mut world = World::new();
        assert!(world.plan(5, "edge-2", ""));
        assert!(!world.plan(4, "", ""));
        world.feeds.handle_owner();
        assert!(world.plan(1, "", ""));
    }
}
