//! The events of orders: their way through the outbox, the relay and Kafka to a process that handles them.

use super::{Event, Notice, ProcessId, Queue, Simulation};

/// The deliveries that a process makes to a subscriber at a time, as in Kafka's consumers.
const DELIVERIES: usize = 32;

impl Simulation<'_> {
    /// Adds an event to the outbox of a process.
    pub(super) fn publish(&mut self, id: ProcessId, notice: Notice) {
        if let Some(process) = self.processes.get_mut(id) {
            process.outbox.push(notice);
            self.relay(id);
        }
    }

    /// Begins a round of the relay, unless one runs. The next one has the events of all commits until then.
    pub(super) fn relay(&mut self, id: ProcessId) {
        if let Some(process) = self.processes.get_mut(id) {
            process.is_relay_due = process.is_relaying;
            if !process.is_relaying {
                process.is_relaying = true;
                process.publishing = std::mem::take(&mut process.outbox);
                let (queue, work) = (Queue::Events, self.work.relay);
                self.network
                    .work(process.station, queue, work, Event::Relaying(id));
            }
        }
    }

    /// Ends a round of the relay: its events arrive.
    pub(super) fn end_round(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(id) else {
            return;
        };
        process.is_relaying = false;
        let is_due = process.is_relay_due;
        for notice in std::mem::take(&mut process.publishing) {
            // Kafka decides which process gets the event.
            let process = self.random.usize(..self.processes.len());
            self.deliver(process, notice);
        }
        if is_due {
            self.relay(id);
        }
    }

    fn deliver(&mut self, id: ProcessId, notice: Notice) {
        let Some(process) = self.processes.get_mut(id) else {
            return;
        };
        if process.delivering == DELIVERIES {
            process.arrived.push_back(notice);
            return;
        }
        process.delivering += 1;
        match notice {
            Notice::Placed(order) => {
                if let Some(order) = self.orders.get_mut(order) {
                    order.process = id;
                }
                self.compute(order);
            }
            Notice::Timer => {
                let (station, work) = (process.station, self.work.compute);
                self.network
                    .work(station, Queue::Subscribers, work, Event::TimerComputed(id));
            }
        }
    }

    /// Ends a delivery, and begins the next one.
    pub(super) fn delivered(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(id) else {
            return;
        };
        process.delivering -= 1;
        if let Some(next) = process.arrived.pop_front() {
            self.deliver(id, next);
        }
    }
}
