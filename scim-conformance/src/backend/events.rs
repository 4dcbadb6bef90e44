//! The log of changes: [`EventLog`](scim_server_adapters::EventLog).

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use scim_core::{DateTime, ResourceType, ScimType};
use scim_server_adapters::{
    BackendError, Event, EventKind, Position, Precondition, Write, WriteUnit, Written,
};
use serde_json::json;

use super::breach::{Breach, Outcome, holds, same};
use super::check::{Check, Need};
use super::concurrency::{all_at_once, join};
use super::store::{Store, add, create, delete, nobody, patch, remove, replace, set};
use super::types::{USER, group, user};

pub(crate) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "events::of_each_change",
            "Each write that changed something has one event, which says what it did to which \
             resource, its version then, who and when. When a member is deleted, its groups have no \
             event of their own",
            of_each_change,
        )
        .needing(&[Need::Events]),
        Check::new(
            "events::none_without_a_change",
            "An event is written in the transaction of what it tells, so that neither is there \
             without the other",
            none_without_a_change,
        )
        .needing(&[Need::Events]),
        Check::new(
            "events::of_units",
            "An event is written in the transaction of what it tells: a unit that is undone has none",
            of_units,
        )
        .needing(&[Need::Events, Need::Bulk]),
        Check::new(
            "events::of_all_tenants",
            "A log is of all tenants",
            of_all_tenants,
        )
        .needing(&[Need::Events, Need::Tenants]),
        Check::new(
            "events::reading_on",
            "Reading on after the last position gives every event exactly once, at most `limit` at a \
             time",
            reading_on,
        )
        .needing(&[Need::Events]),
        Check::new(
            "events::following_beside_writers",
            "Reading on gives every event exactly once, also those of writes that were under way: \
             never before the position that a reader has reached. A write that began after another \
             was acknowledged comes after it",
            following_beside_writers,
        )
        .needing(&[Need::Events]),
        Check::new(
            "events::strange_position",
            "400 `invalidCursor` when the position is not one of this log",
            strange_position,
        )
        .needing(&[Need::Events]),
    ]
}

const TASKS: usize = 32;

/// How long an event may be on its way: until the transactions have ended that began before its own,
/// also those of others.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(10);

/// Reads on from a position.
struct Reader {
    store: Store,
    after: Option<Position>,
    limit: usize,
    /// Where it has been.
    passed: HashSet<Box<[u8]>>,
}

impl Reader {
    fn new(store: &Store, after: Option<Position>, limit: usize) -> Self {
        Self { store: store.clone(), after, limit, passed: HashSet::new() }
    }

    /// One that has read all that is there.
    async fn at_the_end(store: &Store) -> Outcome<Self> {
        let mut reader = Self::new(store, None, 1_000);
        while !reader.read().await?.is_empty() {}
        Ok(reader)
    }

    async fn read(&mut self) -> Outcome<Vec<Event>> {
        let events = self.store.events(self.after.as_ref(), self.limit).await?.done()?;
        let limit = format_args!("at most {} events", self.limit);
        holds(limit, events.len() <= self.limit, events.len())?;
        for event in &events {
            let is_new = self.passed.insert(event.position.0.clone());
            holds("a position for each event of its own, read once", is_new, event)?;
        }
        if let Some(last) = events.last() {
            self.after = Some(last.position.clone());
        }
        Ok(events)
    }

    /// The events before a mark of those that concern some tenants: the log may be that of others
    /// too.
    async fn up_to(&mut self, mark: &Event, tenants: &[&Store]) -> Outcome<Vec<Event>> {
        let mut found = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let events = self.read().await?;
            if events.is_empty() {
                tokio::time::sleep(PAUSE).await;
            }
            let marked = events.iter().any(|event| is_about(event, mark));
            let others = events.into_iter().filter(|event| !is_about(event, mark));
            found.extend(of_tenants(others, tenants));
            if marked {
                return Ok(found);
            }
        }
        let waited = format!("none within {} seconds, but {found:?}", PATIENCE.as_secs());
        Err(Breach::new(format_args!("the event {mark:?}"), waited))
    }
}

/// Whether two events are one, though one of them may tell something wrong.
fn is_about(event: &Event, mark: &Event) -> bool {
    let alike = [
        event.id == mark.id,
        event.tenant == mark.tenant,
        event.principal == mark.principal,
        event.time == mark.time,
    ];
    alike.into_iter().filter(|alike| *alike).count() >= 3
}

/// Events of some tenants, without their positions.
fn of_tenants<'a>(
    events: impl IntoIterator<Item = Event> + 'a,
    tenants: &'a [&Store],
) -> impl Iterator<Item = Event> + 'a {
    let own = move |event: &Event| tenants.iter().any(|store| store.cx.tenant == event.tenant);
    events.into_iter().filter(own).map(|event| Event { position: nowhere(), ..event })
}

fn nowhere() -> Position {
    Position([].into())
}

/// The store at the present time, which a log that forgets goes by.
fn at_present(store: &Store) -> Store {
    store.at(DateTime::now())
}

/// What the log has to tell of a write.
fn event(
    store: &Store,
    resource_type: &Arc<ResourceType>,
    kind: EventKind,
    written: &Written,
) -> Event {
    Event {
        position: nowhere(),
        tenant: Arc::clone(&store.cx.tenant),
        resource_type: Arc::clone(resource_type.name()),
        id: written.id.clone(),
        kind,
        version: written.version.clone(),
        principal: Arc::clone(&store.cx.principal),
        time: store.cx.now,
    }
}

/// A change after all others: when its event is there, so are theirs.
async fn mark(store: &Store) -> Outcome<Event> {
    let name = format!("mark-{}", uuid::Uuid::new_v4().simple());
    let store = store.later(3_600).used_by(&name);
    let written = store.create(&user(), json!({"userName": name})).await?.done()?;
    Ok(event(&store, &user(), EventKind::Created, &written))
}

async fn of_each_change(store: Store) -> Outcome {
    let store = at_present(&store);
    let mut log = Reader::at_the_end(&store).await?;
    let mut expected = Vec::new();

    let by = store.used_by("okta");
    let written = by.create(&user(), json!({"userName": "bjensen"})).await?.done()?;
    expected.push(event(&by, &user(), EventKind::Created, &written));
    let babs = written.id;
    let by = store.later(1).used_by("entra");
    let written = by.patch(&user(), &babs, set("title", "x")).await?.done()?;
    expected.push(event(&by, &user(), EventKind::Patched, &written));
    let by = store.later(2).used_by("");
    let written = by.replace(&user(), &babs, json!({"userName": "babs"})).await?.done()?;
    expected.push(event(&by, &user(), EventKind::Replaced, &written));

    let by = store.later(3);
    let body = json!({"displayName": "Guides", "members": [{"value": babs.as_str()}]});
    let written = by.create(&group(), body).await?.done()?;
    expected.push(event(&by, &group(), EventKind::Created, &written));
    let team = written.id;
    for operations in [
        add(&["x"]),
        remove("x"),
        set("displayName", "Leaders"),
        json!([
            {"op": "replace", "path": "displayName", "value": "Both"},
            {"op": "add", "path": "members", "value": [{"value": "y"}, {"value": "z"}]},
        ]),
    ] {
        let written = by.patch(&group(), &team, operations).await?.done()?;
        expected.push(event(&by, &group(), EventKind::Patched, &written));
    }
    let body = json!({"displayName": "Both", "members": [{"value": babs.as_str()}]});
    let written = by.replace(&group(), &team, body).await?.done()?;
    expected.push(event(&by, &group(), EventKind::Replaced, &written));

    let by = store.later(4).used_by("\u{1f468}\u{200d}\u{1f373} O'Brien");
    let written = by.delete(&user(), &babs).await.done()?;
    expected.push(event(&by, &user(), EventKind::Deleted, &written));
    let without = by.get(&group(), &team).await.done()?.version;
    let written = by.delete(&group(), &team).await.done()?;
    same("the last version of the group", &written.version, &without)?;
    expected.push(event(&by, &group(), EventKind::Deleted, &written));

    let mark = mark(&store).await?;
    same("the events", log.up_to(&mark, &[&store]).await?, expected)
}

async fn none_without_a_change(store: Store) -> Outcome {
    let store = at_present(&store);
    let mut log = Reader::at_the_end(&store).await?;
    let mut expected = Vec::new();
    let mut ids = Vec::new();
    let [babs, team] = [
        (user(), json!({"userName": "bjensen", "title": "x"})),
        (group(), json!({"displayName": "Guides", "members": [{"value": "a"}]})),
    ];
    let taken = (user(), json!({"userName": "taken"}));
    for (resource_type, body) in [babs.clone(), team.clone(), taken] {
        let written = store.create(&resource_type, body).await?.done()?;
        expected.push(event(&store, &resource_type, EventKind::Created, &written));
        ids.push(written.id);
    }
    let [babs_id, team_id, ..] = ids.as_slice() else {
        return Err(Breach::new("three resources", ids.len()));
    };

    let later = store.later(60);
    let unchanged = |written: Written| holds("nothing changed", !written.changed, written);
    unchanged(later.patch(&user(), babs_id, set("title", "x")).await?.done()?)?;
    unchanged(later.replace(&user(), babs_id, babs.1).await?.done()?)?;
    unchanged(later.patch(&group(), team_id, add(&["a"])).await?.done()?)?;
    unchanged(later.patch(&group(), team_id, remove("b")).await?.done()?)?;
    unchanged(later.replace(&group(), team_id, team.1).await?.done()?)?;

    let twice = json!({"userName": "TAKEN"});
    later.create(&user(), twice.clone()).await?.conflicts(USER, "userName")?;
    later.replace(&user(), babs_id, twice).await?.conflicts(USER, "userName")?;
    later.patch(&user(), babs_id, set("userName", "Taken")).await?.conflicts(USER, "userName")?;
    let refused = json!([
        {"op": "replace", "path": "displayName", "value": "Elsewhere"},
        {"op": "add", "path": "members", "value": [{"value": "x"}]},
        {"op": "replace", "path": "members[value eq \"a\"].value", "value": "b"},
    ]);
    later.patch(&group(), team_id, refused).await?.refused(400)?;
    let nobody = nobody()?;
    later.patch(&user(), &nobody, set("title", "y")).await?.not_found()?;
    later.delete(&group(), &nobody).await.not_found()?;
    let stale = Precondition::version(scim_core::Version::from(99));
    for write in [
        patch(&user(), babs_id, set("title", "y"))?,
        replace(&user(), babs_id, json!({"userName": "other"}))?,
        delete(&group(), team_id),
    ] {
        let write = Write { precondition: stale.clone(), ..write };
        later.perform("a write on a version that is not", write).await.precondition_failed()?;
    }

    let mark = mark(&store).await?;
    same("the events", log.up_to(&mark, &[&store]).await?, expected)
}

async fn of_units(store: Store) -> Outcome {
    let store = at_present(&store);
    let mut log = Reader::at_the_end(&store).await?;
    let written = store.create(&user(), json!({"userName": "bjensen"})).await?.done()?;
    let mut expected = vec![event(&store, &user(), EventKind::Created, &written)];
    let (babs, nobody) = (written.id, nobody()?);
    let named = |name: &str| create(&user(), json!({"userName": name}));
    let unit = |writes, depends_on: &[usize]| WriteUnit { writes, depends_on: depends_on.to_vec() };
    let later = store.later(60).used_by("a bulk request");
    let units = vec![
        unit(vec![patch(&user(), &babs, set("title", "x"))?, named("a")?], &[]),
        // Undone at its end.
        unit(
            vec![
                named("b")?,
                replace(&user(), &babs, json!({"userName": "other"}))?,
                create(&group(), json!({"displayName": "Guides"}))?,
                delete(&user(), &babs),
                delete(&user(), &nobody),
            ],
            &[0],
        ),
        // Not tried.
        unit(vec![named("c")?], &[1]),
        // Nothing but the second changes something.
        unit(vec![patch(&user(), &babs, set("title", "x"))?, named("d")?], &[0]),
        unit(vec![delete(&user(), &nobody)], &[]),
        unit(vec![delete(&user(), &babs)], &[]),
    ];
    let kinds = [
        vec![EventKind::Patched, EventKind::Created],
        vec![],
        vec![],
        vec![EventKind::Patched, EventKind::Created],
        vec![],
        vec![EventKind::Deleted],
    ];
    let outcomes = later.write_all(units, None).await?;
    let done: Vec<usize> =
        outcomes.iter().map(|outcome| outcome.as_ref().map_or(0, Vec::len)).collect();
    same("the writes done of each unit", done, [2, 0, 0, 2, 0, 1])?;
    for (written, kinds) in
        outcomes.into_iter().flatten().zip(kinds.iter().filter(|k| !k.is_empty()))
    {
        let changed = written.iter().zip(kinds).filter(|(written, _)| written.changed);
        expected.extend(changed.map(|(written, kind)| event(&later, &user(), *kind, written)));
    }
    same("the changes that were made", expected.len(), 5)?;

    let mark = mark(&store).await?;
    same("the events", log.up_to(&mark, &[&store]).await?, expected)
}

async fn of_all_tenants(store: Store) -> Outcome {
    let store = at_present(&store);
    let mut log = Reader::at_the_end(&store).await?;
    let other = store.other_tenant("b");
    let mut expected = Vec::new();
    for (n, tenant) in [&store, &other, &other, &store].into_iter().enumerate() {
        let body = json!({"userName": format!("user{n}")});
        let written = tenant.create(&user(), body).await?.done()?;
        expected.push(event(tenant, &user(), EventKind::Created, &written));
    }
    let mark = mark(&store).await?;
    same("the events", log.up_to(&mark, &[&store, &other]).await?, expected)
}

async fn reading_on(store: Store) -> Outcome {
    let store = at_present(&store);
    let start = Reader::at_the_end(&store).await?.after;
    let mut expected = Vec::new();
    for n in 0..7 {
        let written =
            store.create(&user(), json!({"userName": format!("user{n}")})).await?.done()?;
        expected.push(event(&store, &user(), EventKind::Created, &written));
    }
    let mark = mark(&store).await?;
    for (after, limit) in
        [(&start, 1), (&start, 2), (&start, 3), (&start, 1_000), (&start, usize::MAX), (&None, 100)]
    {
        let seen = Reader::new(&store, after.clone(), limit).up_to(&mark, &[&store]).await;
        let doing = format!("reading on from {after:?}, {limit} at a time");
        same("the events", seen?, expected.as_slice()).map_err(|e| e.while_doing(doing))?;
    }
    same("the events, none at a time", store.events(start.as_ref(), 0).await?.done()?, [])
}

async fn following_beside_writers(store: Store) -> Outcome {
    let store = at_present(&store);
    let mut log = Reader { limit: 10, ..Reader::at_the_end(&store).await? };
    let written = store.create(&group(), json!({"displayName": "Guides"})).await?.done()?;
    let created = event(&store, &group(), EventKind::Created, &written);
    let team = written.id;
    let writing = Arc::new(AtomicBool::new(true));
    let follower = {
        let (store, writing) = (store.clone(), Arc::clone(&writing));
        tokio::spawn(async move {
            let mut seen = Vec::new();
            while writing.load(Ordering::Relaxed) {
                seen.extend(of_tenants(log.read().await?, &[&store]));
                tokio::task::yield_now().await;
            }
            Ok((log, seen))
        })
    };
    let writers = (0..TASKS).map(|n| {
        let (store, team) = (store.used_by(&format!("writer {n}")), team.clone());
        async move {
            let body = json!({"userName": format!("user{n}")});
            let created = store.create(&user(), body).await?.done()?;
            let titled = store.patch(&user(), &created.id, set("title", "x")).await?.done()?;
            let joined = store.patch(&group(), &team, add(&[created.id.as_str()])).await?.done()?;
            let deleted = store.delete(&user(), &created.id).await.done()?;
            let of_user = [
                event(&store, &user(), EventKind::Created, &created),
                event(&store, &user(), EventKind::Patched, &titled),
                event(&store, &user(), EventKind::Deleted, &deleted),
            ];
            Ok((of_user, event(&store, &group(), EventKind::Patched, &joined)))
        }
    });
    let written = all_at_once(writers).await;
    writing.store(false, Ordering::Relaxed);
    let (mut log, mut seen) = join(follower).await?;
    let written = written?;
    let mark = mark(&store).await?;
    seen.extend(log.up_to(&mark, &[&store]).await?);

    let of = |id| seen.iter().filter(move |event| event.id == id).cloned().collect::<Vec<_>>();
    let mut of_team = vec![created];
    for (of_user, of_group) in written {
        let [Event { id, .. }, ..] = &of_user;
        same("the events of one user, in order", of(id.clone()), of_user)?;
        of_team.push(of_group);
    }
    // Of the group at the same time, so in any order.
    let by_version = |mut events: Vec<Event>| {
        events.sort_by(|a, b| a.version.as_str().cmp(b.version.as_str()));
        events
    };
    same("the events of the group", by_version(of(team)), by_version(of_team))?;
    same("the number of events", seen.len(), 1 + 4 * TASKS)
}

async fn strange_position(store: Store) -> Outcome {
    let store = at_present(&store);
    store.create_user("bjensen").await?;
    for bytes in [&b""[..], b"x", b"\xff\xfe\0\0", b"{\"key\":1}", &[0xff; 300]] {
        let attempt = store.events(Some(&Position(bytes.into())), 10).await?;
        attempt.fails("400 invalidCursor", |error| {
            let BackendError::Scim(error) = error else { return false };
            error.status() == 400 && error.scim_type() == Some(ScimType::InvalidCursor)
        })?;
    }
    Ok(())
}
