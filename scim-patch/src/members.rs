//! What a PATCH does to the membership of a group, as operations on rows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use scim_core::{Member, Result};

use crate::select::SelectMembers;
use crate::work::Work;

/// One operation on the membership rows of a group; to be applied in order.
///
/// A member is named by its `value`. The RFC's `$ref` and `display` of a member are the server's to
/// tell, so what a client says of them is dropped. No list names a member twice.
///
/// Exhaustive: a store has to do something about each.
#[derive(Clone, Debug)]
pub enum MemberOp {
    /// These become members. One that is a member already stays as it is, except that its type is
    /// set where none was known; a known type is not changed by a client that says otherwise
    /// (`type` is immutable). So adding a member again changes nothing.
    Add(Vec<Member>),
    /// The members of these values go. Values that are not there change nothing.
    Remove(Vec<Arc<str>>),
    /// All members go.
    Clear,
    /// These are the members, and no others; never empty. One that stays keeps its type where none
    /// is given, and else gets the one given: elements are replaced whole.
    Replace(Vec<Member>),
    /// Something that has to look at the rows: see [`SelectMembers`].
    Select(SelectMembers),
}

/// Applies the operations to a member list in memory, all or none, and tells whether one of them
/// changed anything.
///
/// This is what the operations mean; a store that keeps rows does the same to them. It costs what
/// is given plus what is there.
///
/// # Errors
/// Only a [`MemberOp::Select`] can fail: see [`SelectMembers::apply`]. `members` is then as before.
pub fn apply_members(operations: &[MemberOp], members: &mut Vec<Member>) -> Result<bool> {
    let fallible = operations.iter().any(|op| matches!(op, MemberOp::Select(_)));
    let before = fallible.then(|| members.clone());
    let mut work = Work::new();
    let mut changed = false;
    for operation in operations {
        changed |= match operation {
            MemberOp::Add(given) => add(given, members),
            MemberOp::Remove(values) => remove(values, members),
            MemberOp::Clear => {
                let any = !members.is_empty();
                members.clear();
                any
            }
            MemberOp::Replace(given) => replace(given, members),
            MemberOp::Select(select) => match select.apply_within(members, &mut work) {
                Ok(changed) => changed,
                Err(error) => {
                    *members = before.unwrap_or_default();
                    return Err(error);
                }
            },
        };
    }
    Ok(changed)
}

fn add(given: &[Member], members: &mut Vec<Member>) -> bool {
    let mut changed = false;
    let mut positions: HashMap<Arc<str>, usize> =
        members.iter().enumerate().map(|(i, m)| (Arc::clone(&m.value), i)).collect();
    for member in given {
        match positions.get(&member.value).and_then(|position| members.get_mut(*position)) {
            Some(present) => {
                if present.resource_type.is_none() && member.resource_type.is_some() {
                    present.resource_type.clone_from(&member.resource_type);
                    changed = true;
                }
            }
            None => {
                positions.insert(Arc::clone(&member.value), members.len());
                members.push(member.clone());
                changed = true;
            }
        }
    }
    changed
}

fn remove(values: &[Arc<str>], members: &mut Vec<Member>) -> bool {
    let values: HashSet<&str> = values.iter().map(|v| &**v).collect();
    let before = members.len();
    members.retain(|member| !values.contains(&*member.value));
    members.len() != before
}

fn replace(given: &[Member], members: &mut Vec<Member>) -> bool {
    let mut types: HashMap<&str, Option<&Arc<str>>> =
        given.iter().map(|m| (&*m.value, m.resource_type.as_ref())).collect();
    let before = members.len();
    members.retain(|member| types.contains_key(&*member.value));
    let mut changed = members.len() != before;
    for member in members.iter_mut() {
        let given = types.remove(&*member.value).flatten();
        if given.is_some() && given != member.resource_type.as_ref() {
            member.resource_type = given.cloned();
            changed = true;
        }
    }
    add(given, members) || changed
}

/// Collects operations in order and keeps them few: neighbours of a kind are joined, what a later
/// operation makes pointless is left out, and removing all before adding some is a replacement, so
/// that a store has to touch only what differs.
#[derive(Debug, Default)]
pub(crate) struct MemberOps(Vec<Pending>);

/// An operation that may still grow.
#[derive(Debug)]
enum Pending {
    Add(Members),
    Remove(Values),
    Clear,
    Replace(Members),
    Select(SelectMembers),
}

/// Members in the order they were given, each value once.
#[derive(Debug, Default)]
struct Members {
    /// `None` where one was removed again.
    list: Vec<Option<Member>>,
    positions: HashMap<Arc<str>, usize>,
}

impl Members {
    fn of(members: Vec<Member>) -> Self {
        let mut all = Self::default();
        all.extend(members);
        all
    }

    fn extend(&mut self, members: Vec<Member>) {
        for member in members {
            let position = self.positions.get(&member.value);
            match position.and_then(|position| self.list.get_mut(*position)) {
                Some(Some(present)) => {
                    if present.resource_type.is_none() {
                        present.resource_type = member.resource_type;
                    }
                }
                _ => {
                    self.positions.insert(Arc::clone(&member.value), self.list.len());
                    self.list.push(Some(member));
                }
            }
        }
    }

    fn remove(&mut self, value: &str) {
        let position = self.positions.remove(value);
        if let Some(member) = position.and_then(|position| self.list.get_mut(position)) {
            *member = None;
        }
    }

    fn into_list(self) -> Vec<Member> {
        self.list.into_iter().flatten().collect()
    }
}

/// Values in the order they were given, each once.
#[derive(Debug, Default)]
struct Values {
    list: Vec<Arc<str>>,
    seen: HashSet<Arc<str>>,
}

impl Values {
    fn extend(&mut self, values: Vec<Arc<str>>) {
        for value in values {
            if self.seen.insert(Arc::clone(&value)) {
                self.list.push(value);
            }
        }
    }
}

impl MemberOps {
    pub(crate) fn add(&mut self, given: Vec<Member>) {
        if given.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(Pending::Add(members) | Pending::Replace(members)) => members.extend(given),
            Some(last @ Pending::Clear) => *last = Pending::Replace(Members::of(given)),
            _ => self.0.push(Pending::Add(Members::of(given))),
        }
    }

    pub(crate) fn remove(&mut self, given: Vec<Arc<str>>) {
        if given.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(Pending::Remove(values)) => values.extend(given),
            Some(Pending::Clear) => {}
            Some(Pending::Replace(members)) => {
                given.iter().for_each(|value| members.remove(value));
                if members.positions.is_empty() {
                    self.clear();
                }
            }
            _ => {
                let mut values = Values::default();
                values.extend(given);
                self.0.push(Pending::Remove(values));
            }
        }
    }

    pub(crate) fn replace(&mut self, given: Vec<Member>) {
        self.clear();
        self.add(given);
    }

    pub(crate) fn clear(&mut self) {
        // What was done to rows that all go was for nothing; only a selection may have failed.
        while self.0.last().is_some_and(|last| !matches!(last, Pending::Select(_))) {
            self.0.pop();
        }
        self.0.push(Pending::Clear);
    }

    pub(crate) fn select(&mut self, select: SelectMembers) {
        self.0.push(Pending::Select(select));
    }

    pub(crate) fn finish(self) -> Arc<[MemberOp]> {
        let operations = self.0.into_iter().map(|pending| match pending {
            Pending::Add(members) => MemberOp::Add(members.into_list()),
            Pending::Remove(values) => MemberOp::Remove(values.list),
            Pending::Clear => MemberOp::Clear,
            Pending::Replace(members) => MemberOp::Replace(members.into_list()),
            Pending::Select(select) => MemberOp::Select(select),
        });
        operations.collect()
    }
}
