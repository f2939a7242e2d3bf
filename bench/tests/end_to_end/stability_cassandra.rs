//! Static stability with rooms in Cassandra. One test, because a server takes longer to start than all of it; a test
//! program of its own, because it runs only where `bench/cassandra/start.sh fetch` succeeds, which `.ci/run` asks first.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod outage;
mod turn;

#[test]
fn nobody_notices_that_cassandra_is_frozen_or_stopped() {
    let _turn = turn::take();
    let troubles = ["cassandra-frozen", "cassandra-stopped"];
    outage::go_through(&troubles, 3, |outage| {
        assert!(outage["journal_at_end"].as_f64().unwrap() > 0.0, "{outage}");
    });
}
