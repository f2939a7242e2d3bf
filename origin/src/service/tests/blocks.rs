//! Who may not come in because the host has blocked him.

use stoa_link::LinkId;
use stoa_protocol::mesh::control::{
    Answer, Ask, Block, BlockPage, Body, CreateRoom, EraseIdentity, Join, Leave, ListBlocks,
    Problem, WireRole,
};

use super::world::{UNIX_MS, World, join_ask};
use crate::service::blocklist::BLOCKED_PER_IDENTITY_MAX;
use crate::service::looks::Look;
use crate::store::{BlockKey, KeptBlock, Operation};

fn identity(who: &str) -> String {
    format!("{who}@example.org")
}

fn block_ask(by: &str, other: &str, blocked: bool, tenant: &str) -> Ask {
    let (identity, other) = (identity(by), identity(other));
    Ask::Block(Block { tenant: tenant.into(), identity, other, blocked })
}

fn block(world: &mut World, link: LinkId, by: &str, other: &str) {
    assert!(matches!(world.ask(link, block_ask(by, other, true, "")), Answer::Done(_)));
}

fn leave(world: &mut World, link: LinkId, who: &str) {
    world.ask(link, Ask::Leave(Leave { room: "r".into(), participant: who.into() }));
}

fn join_refused(world: &mut World, link: LinkId, who: &str, role: WireRole) -> Problem {
    world.problem(link, join_ask("r", who, role))
}

fn list(world: &mut World, link: LinkId, by: &str, after: &str, limit: u32) -> BlockPage {
    let (tenant, identity, after) = (String::new(), identity(by), after.to_owned());
    match world.ask(link, Ask::ListBlocks(ListBlocks { tenant, identity, after, limit })) {
        Answer::Blocks(page) => page,
        other => panic!("no page: {other:?}"),
    }
}

#[test]
fn whom_the_present_host_has_blocked_comes_in_neither_as_listener_nor_as_host() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    world.create(ams, "r");
    block(&mut world, ams, "hana", "leo");
    world.join(ams, "r", "leo", WireRole::Listener);
    leave(&mut world, ams, "leo");
    world.join(ams, "r", "hana", WireRole::Host);
    for role in [WireRole::Listener, WireRole::Speaker, WireRole::Host] {
        let problem = join_refused(&mut world, ams, "leo", role);
        assert_eq!((problem.status, problem.code.as_str()), (403, "blocked-by-host"));
    }
    world.join(ams, "r", "lia", WireRole::Listener);

    assert!(matches!(world.ask(ams, block_ask("hana", "leo", false, "")), Answer::Done(_)));

    world.join(ams, "r", "leo", WireRole::Listener);
}

#[test]
fn only_a_host_keeps_people_out_and_only_while_he_is_there() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    block(&mut world, ams, "mo", "leo");
    world.join(ams, "r", "mo", WireRole::Moderator);
    world.join(sin, "r", "leo", WireRole::Listener);
    leave(&mut world, sin, "leo");
    leave(&mut world, ams, "mo");
    world.join(ams, "r", "mo", WireRole::Host);
    assert_eq!(join_refused(&mut world, sin, "leo", WireRole::Listener).code, "blocked-by-host");

    // Its link is lost, and he counts as there until it is clear that he does not come back.
    world.down(ams);
    assert_eq!(join_refused(&mut world, sin, "leo", WireRole::Listener).code, "blocked-by-host");
    world.advance(crate::room::AWAY_GRACE);

    world.join(sin, "r", "leo", WireRole::Listener);
}

#[test]
fn who_is_there_already_is_sent_out_of_the_rooms_that_the_one_hosts_and_of_no_other() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    for (room, role) in [("r", WireRole::Host), ("s", WireRole::Moderator)] {
        world.create(ams, room);
        world.join(ams, room, "hana", role);
        world.join(ams, room, "leo", WireRole::Speaker);
        world.join(ams, room, "lia", WireRole::Listener);
    }
    world.sent.clear();

    block(&mut world, ams, "hana", "leo");

    let ended = world.take(ams, |body| match body {
        Body::Standing(told) => {
            Some((told.room.clone(), told.participant.clone(), told.ended.clone()))
        }
        _ => None,
    });
    assert_eq!(ended, [("r".to_owned(), "leo".to_owned(), "removed".to_owned())]);
    assert_eq!(world.service.participants_len(), (3, 2));
}

#[test]
fn one_host_does_not_send_another_out() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    world.create(ams, "r");
    world.join(ams, "r", "hana", WireRole::Host);
    world.join(ams, "r", "leo", WireRole::Host);
    block(&mut world, ams, "hana", "leo");
    assert_eq!(world.service.participants_len(), (2, 0));
}

#[test]
fn blocks_of_another_tenant_keep_nobody_out() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    let (room, name, tenant) = ("r".to_owned(), "R".to_owned(), "acme".to_owned());
    world.ask(ams, Ask::CreateRoom(CreateRoom { room, name, tenant, ..CreateRoom::default() }));
    block(&mut world, ams, "hana", "leo");
    let join = |who: &str, role| match join_ask("r", who, role) {
        Ask::Join(join) => Ask::Join(Join { tenant: "acme".into(), ..join }),
        _ => unreachable!(),
    };
    for (who, role) in [("hana", WireRole::Host), ("leo", WireRole::Listener)] {
        let answer = world.ask(ams, join(who, role));
        assert!(matches!(answer, Answer::Room(_)), "{answer:?}");
    }
    leave(&mut world, ams, "leo");
    world.ask(ams, block_ask("hana", "leo", true, "acme"));
    assert_eq!(world.problem(ams, join("leo", WireRole::Listener)).code, "blocked-by-host");
}

#[test]
fn a_list_has_pages_and_an_end_and_its_owner_is_told_why_it_takes_no_more() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    for number in 0..BLOCKED_PER_IDENTITY_MAX {
        block(&mut world, ams, "hana", &format!("{number:04}"));
    }
    let full = world.problem(ams, block_ask("hana", "leo", true, ""));
    assert_eq!((full.status, full.code.as_str()), (409, "blocks-full"));
    assert_eq!(world.service.counts().requests_ended("blocks-full"), 1);
    let page = list(&mut world, ams, "hana", &identity("0099"), 2);
    let names: Vec<_> = page.blocks.iter().map(|block| block.identity.as_str()).collect();
    assert_eq!(names, [identity("0100"), identity("0101")]);
    assert_eq!((page.next, page.blocks[0].at_ms), (identity("0101"), UNIX_MS));
    assert_eq!(list(&mut world, ams, "hana", &identity("0998"), 2).next, "");
    assert_eq!(list(&mut world, ams, "leo", "", 2), BlockPage::default());
}

#[test]
fn what_cannot_be_a_block_is_refused() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    assert_eq!(world.problem(ams, block_ask("hana", "hana", true, "")).code, "blocks-oneself");
    let empty = Block { other: "leo".into(), blocked: true, ..Block::default() };
    assert_eq!(world.problem(ams, Ask::Block(empty)).code, "text-invalid");
    assert_eq!(world.problem(ams, block_ask("hana", "leo", true, "a b")).code, "name-invalid");
    assert_eq!(world.service.blocks_len(), 0);
}

#[test]
fn an_origin_that_starts_anew_still_keeps_out_whom_the_store_names() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    block(&mut world, ams, "hana", "leo");
    block(&mut world, ams, "hana", "mo");
    world.ask(ams, block_ask("hana", "mo", false, ""));
    let mut kept = Vec::new();
    while let Some(write) = world.service.next_write() {
        match write {
            Operation::Block(block) => kept.push(*block),
            Operation::Unblock(key) => kept.retain(|kept| kept.key != *key),
            _ => {}
        }
    }
    let key = |tenant: &str| BlockKey {
        tenant: tenant.into(),
        identity: identity("hana"),
        other: identity("leo"),
    };
    assert_eq!(kept, [KeptBlock { key: key("default"), at_ms: UNIX_MS }]);
    kept.push(KeptBlock { key: key("a b"), at_ms: 1 });

    let mut anew = World::new();
    assert_eq!(anew.service.restore_blocks(&kept), 1, "one is of no tenant");

    let ams = anew.up(1, "ams");
    anew.create(ams, "r");
    anew.join(ams, "r", "hana", WireRole::Host);
    assert_eq!(join_refused(&mut anew, ams, "leo", WireRole::Listener).code, "blocked-by-host");
    anew.join(ams, "r", "mo", WireRole::Listener);
}

#[test]
fn an_erased_identity_stands_on_no_list_and_has_none() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    for (by, other) in [("leo", "hana"), ("hana", "leo"), ("hana", "mo")] {
        block(&mut world, ams, by, other);
    }
    while world.service.next_write().is_some() {}
    let (tenant, actor) = (String::new(), String::new());
    let erase = EraseIdentity { tenant, identity: identity("leo"), actor };

    let Look::Erase { erased, .. } = world.look(ams, Ask::EraseIdentity(erase)) else {
        panic!("there is more in the store")
    };

    assert_eq!((erased.blocks, world.service.blocks_len()), (2, 1));
    let writes = std::iter::from_fn(|| world.service.next_write());
    let unblocked = writes.filter(|write| matches!(write, Operation::Unblock(_)));
    assert_eq!(unblocked.count(), 2);
    assert_eq!(list(&mut world, ams, "hana", "", 9).blocks.len(), 1);
}
