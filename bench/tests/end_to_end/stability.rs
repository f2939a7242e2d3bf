//! Static stability: audio, joins to live rooms and changes of the stage go on while Redis is away, slow or wiped, and
//! everything is stored afterwards. Real nodes, a real server, a real speaker and a real listener.

use crate::outage::go_through;
use crate::turn;

#[test]
fn nobody_notices_that_redis_is_stopped() {
    let _turn = turn::take();
    go_through(&["redis-stopped"], 3, |outage| assert!(waited(outage), "{outage}"));
}

#[test]
fn nobody_notices_that_redis_is_frozen() {
    let _turn = turn::take();
    go_through(&["redis-frozen"], 3, |outage| assert!(waited(outage), "{outage}"));
}

#[test]
fn nobody_notices_that_redis_is_slow() {
    let _turn = turn::take();
    // 200 ms there, 200 ms back.
    go_through(&["redis-slow"], 1, |outage| {
        assert!(outage["acted"]["hand_ms"].as_f64().unwrap() >= 400.0, "{outage}");
    });
}

#[test]
fn nobody_notices_that_redis_is_wiped() {
    let _turn = turn::take();
    go_through(&["redis-wiped"], 1, |_| ());
}

/// Whether something waited when the server came back.
fn waited(outage: &serde_json::Value) -> bool {
    outage["journal_at_end"].as_f64().unwrap() > 0.0
}
