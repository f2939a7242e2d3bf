//! Every way to be wrong has its status and a clear sentence, over real HTTP.

use hyper::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Method, StatusCode};
use serde_json::Value;
use stoa_bench::load::Answer;
use stoa_protocol::ids::Role;
use str0m::media::Direction;

use crate::api::{Edge, SDP, offer};
use crate::turn;

/// A request that is wrong in one way, and the answer it deserves.
struct Wrong {
    what: &'static str,
    method: Method,
    path: String,
    token: Option<String>,
    body: Option<(&'static str, String)>,
    status: StatusCode,
    header: Option<HeaderName>,
}

#[test]
fn every_wrong_request_gets_its_status_and_a_sentence() {
    let _turn = turn::take();
    let edge = Edge::standalone();
    let room = edge.room();
    let mut complaints = Vec::new();
    for wrong in wrong_requests(&edge, &room.room) {
        let answer = edge.send(wrong.method, &wrong.path, wrong.token.as_deref(), wrong.body);
        let complaint = complaint(&answer, wrong.status);
        complaints.extend(complaint.map(|complaint| format!("{}: {complaint}", wrong.what)));
        if wrong.header.is_some_and(|header| answer.header(header).is_none()) {
            complaints.push(format!("{}: a header is missing: {answer:?}", wrong.what));
        }
    }
    assert_eq!(complaints, [""; 0], "\n{}", complaints.join("\n"));
    // After all that, a right request is still answered.
    let whep = format!("/v1/rooms/{}/whep", room.room);
    let body = Some((SDP, offer(Direction::RecvOnly)));
    let answer = edge.send(Method::POST, &whep, Some(&room.tokens.listener), body);
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
}

fn wrong_requests(edge: &Edge, room: &str) -> Vec<Wrong> {
    let whep = format!("/v1/rooms/{room}/whep");
    let whip = format!("/v1/rooms/{room}/whip");
    let listener = edge.token(room, Role::Listener, 600);
    let listen = || Some((SDP, offer(Direction::RecvOnly)));
    let post = |what, path: &str, token: Option<String>, body, status| Wrong {
        what,
        method: Method::POST,
        path: path.to_owned(),
        token,
        body,
        status,
        header: None,
    };
    let good = Some(listener.clone());
    let expired = Some(edge.token(room, Role::Listener, -60));
    let stranger = Some(edge.token("another", Role::Listener, 600));
    let nowhere = Some(edge.token("nowhere", Role::Listener, 600));
    let speak = Some((SDP, offer(Direction::SendOnly)));
    let session = format!("/v1/rooms/{room}/sessions/none");
    let mut wrong = vec![
        post("nonsense for SDP", &whep, good.clone(), Some((SDP, "nonsense".into())), status(400)),
        post("SDP cut short", &whep, good.clone(), Some((SDP, "v=0\r\n".into())), status(400)),
        post("no token", &whep, None, listen(), status(401)),
        post("no JWT", &whep, Some("abc".into()), listen(), status(401)),
        post("a forged token", &whep, Some(forged(&listener)), listen(), status(401)),
        post("an expired token", &whep, expired, listen(), status(401)),
        post("a token of another room", &whep, stranger, listen(), status(403)),
        post("speaking as a listener", &whip, good.clone(), speak, status(403)),
        post("an unknown room", "/v1/rooms/nowhere/whep", nowhere, listen(), status(404)),
        post(
            "the wrong content type",
            &whep,
            good.clone(),
            Some(("text/plain", offer(Direction::RecvOnly))),
            status(415),
        ),
        post(
            "a body over 64 KiB",
            &whep,
            good.clone(),
            Some((SDP, "a".repeat(66_000))),
            status(413),
        ),
    ];
    for wrong in wrong.iter_mut().filter(|wrong| wrong.status == StatusCode::UNAUTHORIZED) {
        wrong.header = Some(WWW_AUTHENTICATE);
    }
    wrong.push(Wrong {
        method: Method::DELETE,
        ..post("an unknown session", &session, good.clone(), None, status(404))
    });
    wrong.push(post("an unknown path", "/v1/nothing", good, None, status(404)));
    wrong
}

#[test]
fn a_full_edge_says_when_to_come_again() {
    let _turn = turn::take();
    let edge = Edge::start(1, 0);
    let room = edge.room();
    let whep = format!("/v1/rooms/{}/whep", room.room);
    let join = || {
        let body = Some((SDP, offer(Direction::RecvOnly)));
        edge.send(Method::POST, &whep, Some(&room.tokens.listener), body)
    };
    assert_eq!(join().status, StatusCode::CREATED);
    let refused = join();
    check_problem(&refused, StatusCode::SERVICE_UNAVAILABLE, "a full edge");
    assert!(refused.header(RETRY_AFTER).is_some_and(|s| s.parse::<u32>().is_ok()), "{refused:?}");
}

#[test]
fn a_draining_edge_takes_nobody_new_and_says_so() {
    let _turn = turn::take();
    let edge = Edge::start(10, 20);
    let room = edge.room();
    let whep = format!("/v1/rooms/{}/whep", room.room);
    let join = || {
        let body = Some((SDP, offer(Direction::RecvOnly)));
        edge.send(Method::POST, &whep, Some(&room.tokens.listener), body)
    };
    assert_eq!(join().status, StatusCode::CREATED);
    edge.ask_to_end();
    let began = std::time::Instant::now();
    let refused = loop {
        let answer = join();
        if answer.status != StatusCode::CREATED {
            break answer;
        }
        assert!(began.elapsed().as_secs() < 10, "it still takes people");
    };
    check_problem(&refused, StatusCode::SERVICE_UNAVAILABLE, "a draining edge");
    assert!(refused.header(RETRY_AFTER).is_some(), "{refused:?}");
}

fn check_problem(answer: &Answer, status: StatusCode, what: &str) {
    assert_eq!(complaint(answer, status), None, "{what}");
}

/// What is wrong with an answer that should be a problem of that status.
fn complaint(answer: &Answer, status: StatusCode) -> Option<String> {
    if answer.status != status {
        return Some(format!("{} instead of {status}: {}", answer.status, answer.body));
    }
    if answer.header(CONTENT_TYPE) != Some("application/problem+json") {
        return Some(format!("{:?} is no problem+json", answer.header(CONTENT_TYPE)));
    }
    let Ok(problem) = serde_json::from_str::<Value>(&answer.body) else {
        return Some(format!("no JSON: {}", answer.body));
    };
    let text = |member: &str| problem[member].as_str().unwrap_or_default().to_owned();
    let detail = text("detail");
    let sentence = detail.ends_with('.')
        && detail.starts_with(|first: char| !first.is_lowercase())
        && detail.split_whitespace().count() >= 4;
    let complete = problem["status"] == status.as_u16()
        && !text("type").is_empty()
        && !text("title").is_empty();
    match (sentence, complete) {
        (true, true) => None,
        (false, _) => Some(format!("its detail is no sentence: {problem}")),
        (_, false) => Some(format!("a member is missing or wrong: {problem}")),
    }
}

/// The same token with another signature.
fn forged(token: &str) -> String {
    let (content, _) = token.rsplit_once('.').unwrap();
    format!("{content}.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap()
}
