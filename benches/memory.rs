//! What the core keeps of participants: bytes of heap that are still held once everybody is connected.
//!
//!     cargo bench -p jicofo --bench memory

use testkit::scenario::Recording;

/// Participants in each case.
const PARTICIPANTS: usize = 1000;

fn main() {
    println!("{:>12} {:>20} {:>24} {:>22}", "rooms", "kB a participant", "blocks a participant", "allocations a join");
    let alone = held(&Recording::of_rooms(0, 0));
    for size in [2, 10, 100] {
        let recording = Recording::of_rooms(PARTICIPANTS / size, size);
        let held = held(&recording);
        let each = |value: f64| value / PARTICIPANTS as f64;
        println!(
            "{:>12} {:>20.2} {:>24.1} {:>22.0}",
            format!("{} of {size}", PARTICIPANTS / size),
            each((held.bytes_current - alone.bytes_current) as f64 / 1000.0),
            each((held.count_current - alone.count_current) as f64),
            each((held.count_total - alone.count_total) as f64),
        );
    }
    println!("and {:.1} kB whoever is there", alone.bytes_current as f64 / 1000.0);
}

/// Counted while a core is fed. The inputs are copied meanwhile, as they come from a connection: what the core keeps of them
/// is its own, and the copies' allocations are those of reading.
fn held(recording: &Recording) -> allocation_counter::AllocationInfo {
    let mut core = None;
    let counted = allocation_counter::measure(|| {
        let mut focus = recording.core();
        for (at, input) in &recording.inputs {
            focus.handle(*at, input.clone());
            while focus.poll_output().is_some() {}
        }
        core = Some(focus);
    });
    drop(core);
    counted
}
