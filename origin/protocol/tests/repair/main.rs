//! What listeners miss at the end of three hops that lose datagrams.

mod hop;
mod journey;

use std::time::Duration;
use hop::{Loss, Path, Remedy};
use journey::{Journey, Speech, ratio, target};

#[test]
fn table() {
    let frames: u64 = std::env::var("FRAMES").map_or(100_000, |f| f.parse().unwrap());
    let rtts: Vec<u64> = std::env::var("RTTS").map_or(vec![10,40,100,200], |f| f.split(',').map(|x| x.parse().unwrap()).collect());
    let losses: Vec<f64> = std::env::var("LOSSES").map_or(vec![0.01,0.05,0.1,0.2], |f| f.split(',').map(|x| x.parse().unwrap()).collect());
    let fixed = std::env::var("FIXED").is_ok();
    for loss in losses { for rtt in &rtts { for bursty in [false, true] {
        if bursty && std::env::var("NOBURST").is_ok() { continue }
        let loss = if bursty { Loss::Bursts(loss, 3.0) } else { Loss::Independent(loss) };
        let path = Path { rtt: Duration::from_millis(*rtt), jitter: Duration::ZERO, loss };
        let speech = if std::env::var("DTX").is_ok() { Speech::WithPauses } else { Speech::Steady };
        let journey = Journey { hops: std::env::var("HOPS").map_or(3, |h| h.parse().unwrap()), path, speech, frames, seed: 1 };
        let clean = Journey { path: Path { loss: Loss::Independent(0.0), ..path }, frames: 10_000, ..journey }.run(Remedy::Nothing);
        let clean_bytes = ratio(clean.bytes, 10_000 );
        let remedies = if fixed { vec![Remedy::Fixed(0,true),Remedy::Fixed(1,true),Remedy::Fixed(2,true),Remedy::Fixed(3,true),Remedy::Fixed(3,false)] } else { vec![Remedy::Adaptive] };
        for remedy in remedies {
            let o = journey.run(remedy);
            let lost = ratio(o.lost, o.frames);
            println!("{loss:?} rtt {rtt} {remedy:?}: lost {:.5}% target {:?} {} p50 {:?} p99 {:?} max {:?} overhead {:.2} riders {:.2} repairs {:.3} alarms {}", lost*100.0, target(loss).map(|t| t*100.0), target(loss).map_or("", |t| if lost <= t {"OK"} else {"MISSED"}), o.added_p50, o.added_p99, o.added_max, ratio(o.bytes, frames)/clean_bytes, o.riders, o.repairs, o.alarms);
        }
    }}}
}
