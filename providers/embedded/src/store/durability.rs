//! The durability of commits.

/// What a commit waits for before it returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The change is on disk: it survives a loss of power.
    #[default]
    Full,
    /// The operating system has the change: it survives a crash of this process. A loss of power may lose the
    /// last commits, but never a part of a commit.
    Relaxed,
}

impl Durability {
    /// Returns the value of `PRAGMA synchronous` in WAL mode.
    pub(super) fn pragma(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Relaxed => "NORMAL",
        }
    }
}
