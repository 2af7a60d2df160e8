//! The threads of the program: those for requests, and those for events, which have a lower priority.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// How much the threads for events yield to those for requests, as the niceness of Unix. While requests use all
/// processors, events get a quarter of them.
#[cfg(target_os = "linux")]
const EVENT_NICENESS: i32 = 5;

/// Starts the threads for requests and everything else.
///
/// # Errors
/// The system can't start threads.
pub fn main() -> io::Result<Runtime> {
    builder().build()
}

/// Starts the threads for the handling of events.
///
/// # Errors
/// The system can't start threads.
pub fn for_events() -> io::Result<Runtime> {
    builder()
        .thread_name("events")
        .on_thread_start(yield_to_requests)
        .build()
}

fn builder() -> Builder {
    // A computing guest yields every two milliseconds. With tokio's default of 61 polls between two checks
    // for I/O events, a connection would wait more than 100 milliseconds.
    const POLLS_BETWEEN_EVENTS: u32 = 8;
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().event_interval(POLLS_BETWEEN_EVENTS);
    builder
}

#[cfg(target_os = "linux")]
fn yield_to_requests() {
    let this_thread = rustix::thread::gettid();
    // Without it, events only delay requests a little more.
    let _ = rustix::process::setpriority_process(Some(this_thread), EVENT_NICENESS);
}

/// Only Linux has a priority of single threads here.
#[cfg(not(target_os = "linux"))]
fn yield_to_requests() {}
