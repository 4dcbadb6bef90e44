//! A backend that keeps everything in memory: for tests, for trying things out, and as the plain
//! reference that other backends are compared with.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use scim_core::{
    DateTime, Member, Reference, Resource, ResourceId, ResourceType, ScimError, ScimType,
    SortOrder, Version, refers_to_resource,
};
use scim_patch::{MemberOp, PatchPlan, apply_members};
use serde_json::{Map, Value};

use crate::backend::{
    BackendError, Body, Capabilities, Change, Members, Page, Position, ProvisioningBackend, Query,
    QueryTarget, RequestContext, Start, Stored, UnitFailure, Wanted, Write, WriteUnit, Written,
};
use crate::cursor::CursorKey;
use crate::event::{Event, EventKind, EventLog};
use crate::page::PageBuilder;
use crate::precondition::Precondition;
use crate::sort::{SortKey, sorted_page};
use crate::unique::{UniqueValue, unique_display_name, unique_values};

/// Resources in memory, gone when it is dropped. Keeps no passwords.
///
/// Writes wait for each other; reads run side by side. A filter costs a look at every resource of
/// its type, within [`Query::work_limit`]. Of its [`EventLog`], the last 10,000 events are kept.
#[derive(Debug)]
pub struct MemoryBackend {
    state: RwLock<State>,
    cursor_key: CursorKey,
}

impl MemoryBackend {
    /// An empty backend.
    #[must_use]
    pub fn new() -> Self {
        Self { state: RwLock::default(), cursor_key: CursorKey::generate() }
    }
}

impl Default for MemoryBackend {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug, Default)]
struct State {
    tenants: HashMap<Arc<str>, Tenant>,
    log: Log,
}

/// The newest events.
#[derive(Debug, Default)]
struct Log {
    kept: VecDeque<Event>,
    /// How many there have been: the place of the last.
    last: u64,
}

/// How many events are kept.
const EVENTS: usize = 10_000;

impl Log {
    fn record(&mut self, cx: &RequestContext, subject: Subject, written: &Written) {
        if !written.changed {
            return;
        }
        if self.kept.len() == EVENTS {
            self.kept.pop_front();
        }
        self.last += 1;
        self.kept.push_back(Event {
            position: position(self.last),
            tenant: Arc::clone(&cx.tenant),
            resource_type: Arc::clone(subject.resource_type.name()),
            id: written.id.clone(),
            kind: subject.kind,
            version: written.version.clone(),
            principal: Arc::clone(&cx.principal),
            time: cx.now,
        });
    }

    fn after(&self, after: u64, limit: usize) -> Result<Vec<Event>, ScimError> {
        let newer = self.last.checked_sub(after);
        let newer = newer.ok_or_else(|| stranger("the position is not one of this log"))?;
        let known = self.kept.len().saturating_sub(usize::try_from(newer).unwrap_or(usize::MAX));
        Ok(self.kept.iter().skip(known).take(limit).cloned().collect())
    }
}

/// What a write is about.
struct Subject {
    resource_type: Arc<ResourceType>,
    kind: EventKind,
}

impl Subject {
    fn of(write: &Write) -> Self {
        let resource_type = Arc::clone(&write.resource_type);
        Self { resource_type, kind: EventKind::of(&write.change) }
    }
}

#[derive(Clone, Debug, Default)]
struct Tenant {
    /// In order of creation.
    resources: BTreeMap<u64, Record>,
    last_sequence: u64,
    by_id: HashMap<ResourceId, u64>,
    unique: HashMap<UniqueValue, u64>,
    /// The groups that hold a value as a member.
    groups_of: HashMap<Arc<str>, BTreeSet<u64>>,
}

#[derive(Clone, Debug)]
struct Record {
    resource_type: Arc<ResourceType>,
    id: ResourceId,
    version: u64,
    created: DateTime,
    last_modified: DateTime,
    attributes: Map<String, Value>,
    members: MemberRows,
    /// Its entries in [`Tenant::unique`].
    claimed: Vec<UniqueValue>,
}

/// Members in the order in which they were added, found by value.
#[derive(Clone, Debug, Default)]
struct MemberRows {
    rows: BTreeMap<u64, Member>,
    places: HashMap<Arc<str>, u64>,
    last: u64,
}

/// The values whose membership an operation changed.
type Touched = Vec<Arc<str>>;

impl MemberRows {
    fn add(&mut self, member: Member, touched: &mut Touched) {
        let present = self.places.get(&member.value).and_then(|place| self.rows.get_mut(place));
        match present {
            // Immutable, but unknown so far. The type of what exists is not the client's to tell.
            Some(present)
                if !member.exists
                    && present.resource_type.is_none()
                    && member.resource_type.is_some() =>
            {
                present.resource_type = member.resource_type;
                touched.push(member.value);
            }
            Some(_) => {}
            None => {
                self.last += 1;
                touched.push(Arc::clone(&member.value));
                self.places.insert(Arc::clone(&member.value), self.last);
                // What is known of the resource is looked up whenever the row is read.
                self.rows.insert(self.last, Member { display: None, exists: false, ..member });
            }
        }
    }

    fn remove(&mut self, value: &str, touched: &mut Touched) {
        if let Some(place) = self.places.remove(value) {
            touched.extend(self.rows.remove(&place).map(|member| member.value));
        }
    }

    /// Makes the list hold exactly these, keeping the place of those that stay.
    fn replace(&mut self, members: Vec<Member>, touched: &mut Touched) {
        let given: BTreeSet<Arc<str>> = members.iter().map(|m| Arc::clone(&m.value)).collect();
        let gone: Vec<_> = self.places.keys().filter(|v| !given.contains(*v)).cloned().collect();
        for value in gone {
            self.remove(&value, touched);
        }
        for member in members {
            let present = self.places.get(&member.value).and_then(|place| self.rows.get_mut(place));
            match present {
                Some(present)
                    if !member.exists
                        && member.resource_type.is_some()
                        && present.resource_type != member.resource_type =>
                {
                    present.resource_type = member.resource_type;
                    touched.push(member.value);
                }
                Some(_) => {}
                None => self.add(member, touched),
            }
        }
    }

    /// Makes the list hold exactly these, in this order. Who stays where he was, behind those before
    /// him, keeps his place, so that whoever reads on from a place finds him.
    fn arrange(&mut self, members: Vec<Member>, touched: &mut Touched) {
        touched.extend(self.places.keys().cloned());
        let places = std::mem::take(&mut self.places);
        self.rows.clear();
        let mut reached = 0;
        for member in members {
            let kept = places.get(&member.value).filter(|place| **place > reached);
            reached = kept.copied().unwrap_or_else(|| {
                self.last += 1;
                self.last
            });
            touched.push(Arc::clone(&member.value));
            self.places.insert(Arc::clone(&member.value), reached);
            self.rows.insert(reached, Member { display: None, exists: false, ..member });
        }
    }

    /// Applies operations in place: each costs what it changes.
    fn apply(&mut self, operations: &[MemberOp], touched: &mut Touched) {
        for operation in operations {
            match operation {
                MemberOp::Add(members) => {
                    members.iter().for_each(|member| self.add(member.clone(), touched));
                }
                MemberOp::Remove(values) => {
                    values.iter().for_each(|value| self.remove(value, touched));
                }
                MemberOp::Clear => self.replace(Vec::new(), touched),
                MemberOp::Replace(members) => self.replace(members.clone(), touched),
                // It looks at all rows, so the whole request is done by `apply_members`.
                MemberOp::Select(_) => {}
            }
        }
    }
}

impl Record {
    /// How many members of it an answer holds.
    fn members_in(&self, wanted: &Wanted) -> usize {
        if wanted.wants("members") { self.members.rows.len() } else { 0 }
    }

    /// A version that it never had before.
    fn touch(&mut self, now: DateTime) {
        self.version += 1;
        self.last_modified = now;
    }
}

impl Tenant {
    fn find(&self, resource_type: &ResourceType, id: &ResourceId) -> Result<&Record, BackendError> {
        let record = self.by_id.get(id).and_then(|sequence| self.resources.get(sequence));
        record
            .filter(|r| r.resource_type.name() == resource_type.name())
            .ok_or(BackendError::NotFound)
    }

    /// Where the resource lies, if its version meets the precondition.
    fn checked(
        &self,
        resource_type: &ResourceType,
        id: &ResourceId,
        precondition: &Precondition,
    ) -> Result<u64, BackendError> {
        let record = self.find(resource_type, id)?;
        precondition.check(&Version::from(record.version))?;
        self.by_id.get(id).copied().ok_or(BackendError::NotFound)
    }

    /// Everything of a resource, as filters see it.
    fn whole(&self, record: &Record) -> Stored {
        self.stored(record, Some(usize::MAX), true)
    }

    /// A resource with so many members at most, if any are wanted.
    fn stored(&self, record: &Record, members: Option<usize>, groups: bool) -> Stored {
        let resource_type = &record.resource_type;
        let members = members
            .filter(|_| resource_type.has_members())
            .map(|limit| self.members(record, 0, limit));
        let groups = (groups && resource_type.has_groups()).then(|| {
            let holders = self.groups_of.get(record.id.as_str());
            let groups = holders.into_iter().flatten().filter_map(|s| self.resources.get(s));
            groups.map(|g| self.known(&Member::new(g.id.as_str()))).collect()
        });
        Stored {
            resource_type: Arc::clone(resource_type),
            id: record.id.clone(),
            version: Version::from(record.version),
            created: record.created,
            last_modified: record.last_modified,
            references: self.references(record),
            body: Body::Attributes(record.attributes.clone()),
            members,
            groups,
        }
    }

    /// Members of a group after a place.
    fn members(&self, record: &Record, after: u64, limit: usize) -> Members {
        let mut rows = record.members.rows.range(after.saturating_add(1)..);
        let mut last = after;
        let some = rows.by_ref().take(limit).map(|(place, member)| {
            last = *place;
            self.known(member)
        });
        let list = some.collect();
        let more = rows.next().is_some();
        Members { list, next: more.then(|| position(last)) }
    }

    /// A reference with what the resource it names says of itself.
    fn known(&self, member: &Member) -> Member {
        let found = self.by_id.get(&*member.value).and_then(|s| self.resources.get(s));
        let Some(found) = found else { return member.clone() };
        let display = found.resource_type.display_name(&found.attributes);
        Member {
            value: Arc::clone(&member.value),
            resource_type: Some(Arc::clone(found.resource_type.name())),
            display: display.map(Arc::from),
            exists: true,
        }
    }

    /// Operations whose members come with what is known of them.
    fn known_operations(&self, operations: &[MemberOp]) -> Vec<MemberOp> {
        let known = |members: &[Member]| members.iter().map(|m| self.known(m)).collect();
        let operations = operations.iter().map(|operation| match operation {
            MemberOp::Add(members) => MemberOp::Add(known(members)),
            MemberOp::Replace(members) => MemberOp::Replace(known(members)),
            other => other.clone(),
        });
        operations.collect()
    }

    fn references(&self, record: &Record) -> Vec<Member> {
        let core = record.resource_type.schema().attributes().iter();
        let in_core = core.filter_map(|a| Some((a, record.attributes.get(&a.name)?)));
        let in_extensions = record.resource_type.extensions().iter().flat_map(|e| {
            let object = record.attributes.get(e.schema.id()).and_then(Value::as_object);
            let attributes = e.schema.attributes().iter();
            attributes.filter_map(move |a| Some((a, object?.get(&a.name)?)))
        });
        in_core
            .chain(in_extensions)
            .filter(|(attribute, _)| refers_to_resource(attribute))
            .flat_map(|(_, value)| match value {
                Value::Array(elements) => elements.as_slice(),
                single => std::slice::from_ref(single),
            })
            .filter_map(|element| Some(self.known(&Member::new(element.get("value")?.as_str()?))))
            .filter(|reference| reference.exists)
            .collect()
    }

    fn all_exist(&self, references: &[Reference]) -> Result<(), BackendError> {
        match references.iter().find(|r| !self.by_id.contains_key(&*r.value)) {
            Some(reference) => Err(reference.dangles().into()),
            None => Ok(()),
        }
    }

    /// Takes the values that must be unique for a resource, in place of those it had. Nothing has
    /// changed when it fails.
    fn claim(&mut self, sequence: u64, new: &[UniqueValue]) -> Result<(), BackendError> {
        let taken =
            |value: &&UniqueValue| self.unique.get(*value).is_some_and(|owner| *owner != sequence);
        if let Some(value) = new.iter().find(taken) {
            return Err(BackendError::Conflict { attribute: Cow::Owned(value.attribute.clone()) });
        }
        if let Some(record) = self.resources.get_mut(&sequence) {
            for value in std::mem::replace(&mut record.claimed, new.to_vec()) {
                self.unique.remove(&value);
            }
        }
        self.unique.extend(new.iter().map(|value| (value.clone(), sequence)));
        Ok(())
    }

    /// Keeps the way from member to group in step with the group's rows.
    fn index_members(&mut self, sequence: u64, touched: Touched) {
        for value in touched {
            let group = self.resources.get(&sequence);
            if group.is_some_and(|g| g.members.places.contains_key(&value)) {
                self.groups_of.entry(value).or_default().insert(sequence);
            } else if let Some(groups) = self.groups_of.get_mut(&value) {
                groups.remove(&sequence);
                if groups.is_empty() {
                    self.groups_of.remove(&value);
                }
            }
        }
    }

    /// The resources that meet a query, after one of them, in the order of creation.
    fn matches<'a>(
        &'a self,
        query: &'a Query,
        after: u64,
    ) -> impl Iterator<Item = Result<(u64, &'a Record, &'a QueryTarget), BackendError>> {
        let mut examined = 0;
        self.resources.range(after.saturating_add(1)..).filter_map(move |(sequence, record)| {
            let name = record.resource_type.name();
            let target = query.targets.iter().find(|t| t.resource_type.name() == name)?;
            let found = || Some(Ok((*sequence, record, target)));
            let Some(filter) = &target.filter else { return found() };
            examined += 1;
            if examined > query.work_limit {
                return Some(Err(BackendError::TooMany));
            }
            match self.whole(record).to_json() {
                Ok(json) if filter.matches(&json) => found(),
                Ok(_) => None,
                Err(e) => Some(Err(e)),
            }
        })
    }

    fn wanted(&self, record: &Record, wanted: &Wanted, member_limit: usize) -> Stored {
        let members = wanted.wants("members").then_some(member_limit);
        self.stored(record, members, wanted.wants("groups"))
    }

    fn in_order_of_creation(&self, query: &Query) -> Result<Page, BackendError> {
        let (after, offset) = match &query.start {
            Start::Offset(offset) => (0, *offset),
            Start::After(position) => (place(position)?, 0),
        };
        let mut page = PageBuilder::new(query);
        let mut matched = 0;
        // The total is over all pages, so the walk begins at the first resource where it is asked.
        let first = if query.total { 0 } else { after };
        for found in self.matches(query, first) {
            let (sequence, record, target) = found?;
            matched += 1;
            if sequence <= after || matched <= offset {
                continue;
            }
            match page.room() {
                Some(members) => {
                    page.push(self.wanted(record, &target.wanted, members), position(sequence));
                }
                None if query.total => {}
                None => break,
            }
        }
        Ok(Page { total: query.total.then_some(matched), ..page.finish() })
    }

    fn sorted(&self, query: &Query, order: SortOrder) -> Result<Page, BackendError> {
        let mut matches = Vec::new();
        for found in self.matches(query, 0) {
            let (sequence, record, target) = found?;
            if matches.len() >= query.work_limit {
                return Err(BackendError::TooMany);
            }
            let key = match &target.sort {
                Some(attribute) => SortKey::of(attribute, &self.whole(record).to_json()?),
                None => SortKey::Unassigned,
            };
            matches.push((key, sequence, (record, target)));
        }
        let sorted = sorted_page(matches, order, query, |(record, target)| {
            Ok::<_, BackendError>(record.members_in(&target.wanted))
        })?;
        let wanted = |(record, target): (&Record, &QueryTarget)| {
            self.wanted(record, &target.wanted, query.member_limit)
        };
        let resources = sorted.items.into_iter().map(wanted).collect();
        Ok(Page { resources, total: query.total.then_some(sorted.total), next: sorted.next })
    }

    fn create(
        &mut self,
        id: Option<ResourceId>,
        resource_type: Arc<ResourceType>,
        mut resource: Resource,
        unique_name: bool,
        now: DateTime,
    ) -> Result<u64, BackendError> {
        let id = match id {
            Some(id) if self.by_id.contains_key(&id) => {
                return Err(BackendError::Conflict { attribute: Cow::Borrowed("id") });
            }
            Some(id) => id,
            None => ResourceId::new(uuid::Uuid::new_v4().to_string())?,
        };
        let sequence = self.last_sequence + 1;
        let (mut members, mut touched) = (MemberRows::default(), Touched::new());
        members.replace(resource.take_members(), &mut touched);
        let attributes = resource.into_attributes();
        let claimed = claims(&resource_type, &attributes, unique_name);
        self.claim(sequence, &claimed)?;
        self.last_sequence = sequence;
        self.by_id.insert(id.clone(), sequence);
        self.resources.insert(
            sequence,
            Record {
                resource_type,
                id,
                version: 1,
                created: now,
                last_modified: now,
                attributes,
                members,
                claimed,
            },
        );
        self.index_members(sequence, touched);
        Ok(sequence)
    }

    fn replace(
        &mut self,
        sequence: u64,
        mut resource: Resource,
        unique_name: bool,
        now: DateTime,
    ) -> Result<bool, BackendError> {
        let record = self.resources.get(&sequence).ok_or(BackendError::NotFound)?;
        let (resource_type, old) = (Arc::clone(&record.resource_type), record.attributes.clone());
        let members = resource.take_members().iter().map(|m| self.known(m)).collect();
        let new = resource.replacing(&old)?.into_attributes();
        if new != old {
            self.claim(sequence, &claims(&resource_type, &new, unique_name))?;
        }
        let mut touched = Touched::new();
        let record = self.resources.get_mut(&sequence).ok_or(BackendError::NotFound)?;
        record.members.replace(members, &mut touched);
        let changed = old != new || !touched.is_empty();
        record.attributes = new;
        if changed {
            record.touch(now);
        }
        self.index_members(sequence, touched);
        Ok(changed)
    }

    fn patch(
        &mut self,
        sequence: u64,
        plan: &PatchPlan,
        unique_name: bool,
        now: DateTime,
    ) -> Result<bool, BackendError> {
        let record = self.resources.get(&sequence).ok_or(BackendError::NotFound)?;
        let new = plan.document.apply(&record.attributes)?;
        let mut touched = Touched::new();
        let operations = self.known_operations(&plan.members);
        let mut staged = None;
        let mut changed = new.is_some();
        if operations.iter().any(|op| matches!(op, MemberOp::Select(_))) {
            let mut rows = record.members.rows.values().map(|row| self.known(row)).collect();
            // What one operation changes and the next one undoes is a change too.
            if apply_members(&operations, &mut rows)? {
                changed = true;
                let mut members = record.members.clone();
                members.arrange(rows, &mut touched);
                staged = Some(members);
            } else {
                staged = Some(record.members.clone());
            }
        }
        if let Some(new) = &new {
            let claimed = claims(&record.resource_type, new, unique_name);
            self.claim(sequence, &claimed)?;
        }
        let record = self.resources.get_mut(&sequence).ok_or(BackendError::NotFound)?;
        match staged {
            Some(members) => record.members = members,
            None => record.members.apply(&operations, &mut touched),
        }
        changed |= !touched.is_empty();
        if let Some(new) = new {
            record.attributes = new;
        }
        if changed {
            record.touch(now);
        }
        self.index_members(sequence, touched);
        Ok(changed)
    }

    fn delete(&mut self, id: &ResourceId, now: DateTime) {
        let Some(sequence) = self.by_id.remove(id) else { return };
        let Some(record) = self.resources.remove(&sequence) else { return };
        for value in &record.claimed {
            self.unique.remove(value);
        }
        self.index_members(sequence, record.members.places.into_keys().collect());
        for group in self.groups_of.remove(id.as_str()).unwrap_or_default() {
            if let Some(group) = self.resources.get_mut(&group) {
                group.members.remove(id.as_str(), &mut Touched::new());
                group.touch(now);
            }
        }
    }

    fn write(&mut self, write: Write, now: DateTime) -> Result<Written, BackendError> {
        let Write {
            resource_type,
            change,
            precondition,
            returning,
            unique_display_name,
            must_exist,
        } = write;
        let (sequence, changed) = match change {
            Change::Create { id, resource, secret: _ } => {
                self.all_exist(&must_exist)?;
                (self.create(id, resource_type, resource, unique_display_name, now)?, true)
            }
            Change::Delete { id } => {
                self.checked(&resource_type, &id, &precondition)?;
                let version = Version::from(self.find(&resource_type, &id)?.version);
                self.delete(&id, now);
                return Ok(Written { id, version, changed: true, returned: None });
            }
            Change::Replace { id, resource, secret: _ } => {
                let sequence = self.checked(&resource_type, &id, &precondition)?;
                self.all_exist(&must_exist)?;
                (sequence, self.replace(sequence, resource, unique_display_name, now)?)
            }
            Change::Patch { id, plan } => {
                let sequence = self.checked(&resource_type, &id, &precondition)?;
                self.all_exist(&must_exist)?;
                (sequence, self.patch(sequence, &plan, unique_display_name, now)?)
            }
        };
        let record = self
            .resources
            .get(&sequence)
            .ok_or_else(|| BackendError::internal("a resource vanished under the lock"))?;
        let returned = returning
            .filter(|r| r.max_members.is_none_or(|max| record.members.rows.len() <= max))
            .map(|r| self.wanted(record, &r.wanted, r.member_limit));
        Ok(Written {
            id: record.id.clone(),
            version: Version::from(record.version),
            changed,
            returned,
        })
    }

    /// All of the writes or none.
    fn write_unit(
        &mut self,
        writes: Vec<Write>,
        now: DateTime,
    ) -> Result<Vec<Written>, UnitFailure> {
        // A single write undoes itself when it fails.
        let before = (writes.len() > 1).then(|| self.clone());
        let mut written = Vec::with_capacity(writes.len());
        for (index, write) in writes.into_iter().enumerate() {
            match self.write(write, now) {
                Ok(done) => written.push(done),
                Err(error) => {
                    if let Some(before) = before {
                        *self = before;
                    }
                    return Err(UnitFailure { write: index, error });
                }
            }
        }
        Ok(written)
    }
}

/// The position after a resource or a member.
fn position(last: u64) -> Position {
    Position(last.to_be_bytes().into())
}

fn place(position: &Position) -> Result<u64, ScimError> {
    let bytes = <[u8; 8]>::try_from(&*position.0);
    let bytes = bytes.map_err(|_| stranger("not a cursor of here"))?;
    Ok(u64::from_be_bytes(bytes))
}

/// A position that none of this backend's methods gave.
fn stranger(detail: &'static str) -> ScimError {
    ScimError::new(ScimType::InvalidCursor, detail)
}

/// What must be unique of a resource.
fn claims(
    resource_type: &ResourceType,
    attributes: &Map<String, Value>,
    unique_name: bool,
) -> Vec<UniqueValue> {
    let mut claims = unique_values(resource_type, attributes);
    if unique_name
        && let Some(name) = unique_display_name(resource_type, attributes)
        && !claims.contains(&name)
    {
        claims.push(name);
    }
    claims
}

#[async_trait]
impl ProvisioningBackend for MemoryBackend {
    fn capabilities(&self, _: &RequestContext) -> Capabilities {
        Capabilities::new().with_bulk(true).with_sort(true).with_cursors(self.cursor_key.clone())
    }

    async fn get(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, BackendError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let tenant = state.tenants.get(&cx.tenant).ok_or(BackendError::NotFound)?;
        Ok(tenant.wanted(tenant.find(resource_type, id)?, wanted, member_limit))
    }

    async fn members(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, BackendError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let tenant = state.tenants.get(&cx.tenant).ok_or(BackendError::NotFound)?;
        Ok(tenant.members(tenant.find(resource_type, id)?, place(after)?, limit))
    }

    async fn query(&self, cx: &RequestContext, query: &Query) -> Result<Page, BackendError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let empty = Tenant::default();
        let tenant = state.tenants.get(&cx.tenant).unwrap_or(&empty);
        match query.order {
            Some(order) => tenant.sorted(query, order),
            None => tenant.in_order_of_creation(query),
        }
    }

    async fn write(&self, cx: &RequestContext, write: Write) -> Result<Written, BackendError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let State { tenants, log } = &mut *state;
        let subject = Subject::of(&write);
        let tenant = tenants.entry(Arc::clone(&cx.tenant)).or_default();
        let written = tenant.write(write, cx.now)?;
        log.record(cx, subject, &written);
        Ok(written)
    }

    async fn write_all(
        &self,
        cx: &RequestContext,
        units: Vec<WriteUnit>,
        max_errors: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let State { tenants, log } = &mut *state;
        let tenant = tenants.entry(Arc::clone(&cx.tenant)).or_default();
        let mut results: Vec<Result<Vec<Written>, UnitFailure>> = Vec::with_capacity(units.len());
        let mut errors = 0;
        for unit in units {
            if max_errors.is_some_and(|max| errors >= max) {
                break;
            }
            let failed = |unit: &usize| results.get(*unit).is_none_or(Result::is_err);
            let subjects: Vec<Subject> = unit.writes.iter().map(Subject::of).collect();
            let result = if unit.depends_on.iter().any(failed) {
                Err(UnitFailure { write: 0, error: BackendError::Dependency })
            } else {
                tenant.write_unit(unit.writes, cx.now)
            };
            match &result {
                Ok(written) => {
                    let writes = subjects.into_iter().zip(written);
                    writes.for_each(|(subject, written)| log.record(cx, subject, written));
                }
                Err(_) => errors += subjects.len(),
            }
            results.push(result);
        }
        Ok(results)
    }
}

#[async_trait]
impl EventLog for MemoryBackend {
    async fn events(
        &self,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Event>, BackendError> {
        let after = after.map_or(Ok(0), place)?;
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        Ok(state.log.after(after, limit)?)
    }
}
