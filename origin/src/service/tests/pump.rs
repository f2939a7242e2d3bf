//! What services owe each other and their store, carried out.

use std::collections::VecDeque;

use stoa_link::LinkId;

use super::cluster::Cluster;
use crate::service::core::Service;
use crate::service::effects::Command;
use crate::store::{Answer as Stored, Kept, Operation, Store, StoreError};

impl Cluster {
    /// Carries everything out until nothing is owed.
    pub(super) async fn pump(&mut self) {
        loop {
            let mut idle = true;
            for name in self.origins.keys().copied().collect::<Vec<_>>() {
                idle &= !self.write_down(name).await;
                let Some(origin) = self.origins.get_mut(name).filter(|one| !one.frozen) else {
                    continue;
                };
                let commands: Vec<Command> =
                    std::iter::from_fn(|| origin.service.next_command()).collect();
                idle &= commands.is_empty();
                for command in commands {
                    self.carry_out(name, command).await;
                }
            }
            if idle {
                return;
            }
        }
    }

    /// Returns whether anything was written.
    async fn write_down(&mut self, name: &'static str) -> bool {
        let Some(origin) = self.origins.get_mut(name).filter(|one| !one.frozen) else {
            return false;
        };
        let owed = std::iter::from_fn(|| origin.service.next_write());
        let mut writes: VecDeque<Operation> = std::mem::take(&mut origin.journal);
        writes.extend(owed);
        if !self.store_is_up {
            origin.journal = writes;
            return false;
        }
        let any = !writes.is_empty();
        for operation in writes {
            let outcome = self.store.apply(operation.clone()).await.map(|_| ());
            if let Err(error) = &outcome {
                self.refused.push((name, error.clone()));
            }
            let service = &mut self.origins.get_mut(name).unwrap().service;
            if operation.opens() {
                service.handle_opened(&operation, &outcome, self.now);
            } else if let (Err(StoreError::Fenced { .. }), Some(room)) = (outcome, operation.room())
            {
                service.handle_fenced(room.clone());
            }
        }
        any
    }

    async fn carry_out(&mut self, name: &'static str, command: Command) {
        match command {
            Command::Send { link, body } | Command::Replicate { link, body, .. } => {
                let Some((a, b)) = self.links.get(&link).copied() else { return };
                self.deliver(if a == name { b } else { a }, link, *body);
            }
            Command::Verify { room } if self.store_is_up => {
                let read = self.store.apply(Operation::Room(room.clone())).await;
                let Ok(Stored::Room(record)) = read else { panic!("unreadable") };
                let service = &mut self.origins.get_mut(name).unwrap().service;
                service.handle_record(&room, record.as_deref(), self.now);
            }
            Command::Load { room } => {
                let read = self.store.apply(Operation::Room(room.clone())).await;
                let Ok(Stored::Room(record)) = read else { panic!("unreadable") };
                let kept = record.map(|record| Kept::bare(*record));
                let service = &mut self.origins.get_mut(name).unwrap().service;
                service.handle_loaded(&room, kept, self.now);
            }
            Command::Bind { link, binding } => {
                let now = self.now;
                if let Some(other) = self.other_origin(name, link) {
                    other.handle_bound(link, &binding, now);
                }
            }
            Command::Unbind { link, track } => {
                let now = self.now;
                if let Some(other) = self.other_origin(name, link) {
                    other.handle_unbound(link, track, now);
                }
            }
            _ => {}
        }
    }

    /// The origin at the other end of a link, where there is one.
    fn other_origin(&mut self, name: &str, link: LinkId) -> Option<&mut Service> {
        let (a, b) = self.links.get(&link).copied()?;
        Some(&mut self.origins.get_mut(if a == name { b } else { a })?.service)
    }
}
