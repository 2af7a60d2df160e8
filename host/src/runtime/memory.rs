//! The memory of guests: the limit of each instance, and the budget of all instances.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::ResourceLimiter;

/// The memory that all instances may have in total.
#[derive(Debug)]
pub struct MemoryBudget {
    limit: usize,
    used: AtomicUsize,
}

impl MemoryBudget {
    /// Creates a budget of this number of bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: AtomicUsize::new(0),
        })
    }

    /// Returns how many bytes are in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes bytes. The last quarter of the budget is for small instances, so that large ones can't stop
    /// them.
    fn take(&self, bytes: usize, large: bool) -> bool {
        let limit = if large {
            self.limit - self.limit / 4
        } else {
            self.limit
        };
        let take = |used: usize| used.checked_add(bytes).filter(|used| *used <= limit);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The memory of one instance. Its bytes return to the budget when it is dropped.
pub struct InstanceMemory {
    budget: Arc<MemoryBudget>,
    /// The maximum total size of all linear memories, in bytes.
    limit: usize,
    /// How many bytes the instance may grow and still count as small.
    small_growth: usize,
    /// The total size of all linear memories, in bytes.
    size: usize,
    /// The total size after the instance was created, in bytes.
    initial: Option<usize>,
    /// Whether the current call asked for more memory than it may have.
    refused: bool,
}

impl InstanceMemory {
    /// Creates the memory of an instance that is being created.
    pub fn new(budget: Arc<MemoryBudget>, limit: usize, small_growth: usize) -> Self {
        Self {
            budget,
            limit,
            small_growth,
            size: 0,
            initial: None,
            refused: false,
        }
    }

    /// Marks the instance as created.
    pub fn created(&mut self) {
        self.initial = Some(self.size);
    }

    /// Returns whether the instance has grown little since it was created.
    pub fn is_small(&self) -> bool {
        self.is_small_with(self.size)
    }

    /// Marks the beginning of a call.
    pub fn begin(&mut self) {
        self.refused = false;
    }

    /// Returns whether the current call asked for more memory than it may have.
    pub fn refused(&self) -> bool {
        self.refused
    }

    fn is_small_with(&self, size: usize) -> bool {
        self.initial
            .is_none_or(|initial| size.saturating_sub(initial) <= self.small_growth)
    }
}

impl ResourceLimiter for InstanceMemory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let bytes = desired.saturating_sub(current);
        let size = self.size.saturating_add(bytes);
        let large = !self.is_small_with(size);
        if size > self.limit || !self.budget.take(bytes, large) {
            self.refused = true;
            return Ok(false);
        }
        self.size = size;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

impl Drop for InstanceMemory {
    fn drop(&mut self) {
        self.budget.give_back(self.size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grow(memory: &mut InstanceMemory, by: usize) -> bool {
        memory
            .memory_growing(memory.size, memory.size + by, None)
            .unwrap()
    }

    #[test]
    fn limits_all_instances_together_and_takes_back_the_memory_of_dropped_ones() {
        let budget = MemoryBudget::new(100);
        let mut first = InstanceMemory::new(budget.clone(), 80, 200);
        let mut second = InstanceMemory::new(budget.clone(), 80, 200);
        assert!(grow(&mut first, 80) && !first.refused());
        assert!(!grow(&mut first, 1) && first.refused());
        assert!(!grow(&mut second, 30) && second.refused());
        second.begin();
        assert!(grow(&mut second, 20) && !second.refused());
        assert_eq!(budget.used(), 100);
        drop(first);
        assert!(grow(&mut second, 60));
        drop(second);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn keeps_a_quarter_of_the_memory_for_small_instances() {
        let budget = MemoryBudget::new(100);
        let mut large = InstanceMemory::new(budget.clone(), 100, 20);
        let mut small = InstanceMemory::new(budget, 100, 20);
        assert!(grow(&mut large, 5));
        large.created();
        assert!(large.is_small() && grow(&mut large, 70) && !large.is_small());
        assert!(!grow(&mut large, 1));
        assert!(grow(&mut small, 5));
        small.created();
        assert!(grow(&mut small, 20) && small.is_small());
        assert!(!grow(&mut small, 1));
    }
}
