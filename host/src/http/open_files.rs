//! The limit of open files, which limits connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The part of the open files that is left to the store, the servers and the log.
const RESERVED_PART: u64 = 4;

/// The most and the fewest files that are left to them.
const RESERVED: (u64, u64) = (64, 1024);

/// Raises the limit of open files as far as the system allows, and returns it.
pub fn raise() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    current.unwrap_or(u64::MAX)
}

/// Returns the number of connections for this number of open files.
pub fn connections(files: u64, wanted: usize) -> usize {
    let (fewest, most) = RESERVED;
    let reserved = (files / RESERVED_PART).clamp(fewest, most);
    let left = usize::try_from(files.saturating_sub(reserved)).unwrap_or(usize::MAX);
    wanted.min(left.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_files_to_the_store() {
        for (files, connections_) in [
            (600, 450),
            (1024, 768),
            (64, 1),
            (10, 1),
            (20_000, 4096),
            (u64::MAX, 4096),
        ] {
            assert_eq!(connections(files, 4096), connections_, "{files}");
        }
        assert_eq!(connections(20_000, 40), 40);
    }

    #[test]
    fn raises_the_limit_to_the_hard_one() {
        let files = raise();
        assert_eq!(
            Some(files),
            getrlimit(Resource::Nofile).maximum.or(Some(u64::MAX))
        );
    }
}
