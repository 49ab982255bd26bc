//! How figures are written.

use std::time::Duration;

pub fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

pub fn mb(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

pub fn kb(bytes: u64) -> String {
    format!("{:.1} kB", bytes as f64 / 1e3)
}

/// The least, the middle, the 99th of hundred and the most.
pub fn spread(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort_unstable();
    let Some(last) = times.len().checked_sub(1) else { return "none".into() };
    let at = |share: f64| ms(times[(last as f64 * share).round() as usize]);
    format!("least {}, p50 {}, p99 {}, most {} ({} times)", at(0.0), at(0.5), at(0.99), at(1.0), times.len())
}
