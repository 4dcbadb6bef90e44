//! Following what others do to the organisations of a database.
//!
//! Triggers count the changes of organisations and keys, whoever makes them, and each server looks at
//! that number every second. So what is set, changed or deleted anywhere is that everywhere a second
//! later.

use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::{ById, Known, Organizations};

/// How often the database is asked whether anything changed.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// The number of no state.
pub(super) const NONE: i64 = -1;

/// Where organisations are, and which state of them was seen last.
#[async_trait]
pub(super) trait Source: Send + 'static {
    /// All organisations, if any changed since they were last asked for.
    async fn changed(&mut self) -> Result<Option<ById>>;

    /// Gives up the connection, which is made again when it is needed.
    fn lose(&mut self);
}

/// The organisations of a source as they are and will be.
pub(super) async fn organizations(mut source: impl Source) -> Result<Organizations> {
    let as_of = Some(Instant::now());
    let organizations = source.changed().await?.unwrap_or_default();
    let (tell, known) = watch::channel(Known { organizations, as_of });
    tokio::spawn(follow(source, tell));
    Ok(Organizations { known })
}

/// Tells whoever authenticates what the database holds, for as long as anybody does.
async fn follow(mut source: impl Source, tell: watch::Sender<Known>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_lost = false;
    while !tell.is_closed() {
        ticks.tick().await;
        let asked = Instant::now();
        let changed = match tokio::time::timeout(PATIENCE, source.changed()).await {
            Ok(changed) => changed,
            Err(_) => Err(anyhow::anyhow!("no answer within {PATIENCE:?}")),
        };
        match changed {
            Ok(changed) => {
                is_lost = false;
                tell.send_modify(|known| {
                    known.as_of = Some(asked);
                    if let Some(changed) = changed {
                        known.organizations = changed;
                    }
                });
            }
            Err(error) => {
                source.lose();
                // Once is enough to say so.
                if !std::mem::replace(&mut is_lost, true) {
                    tracing::warn!("the API keys cannot be looked up: {error:#}");
                }
            }
        }
    }
}
