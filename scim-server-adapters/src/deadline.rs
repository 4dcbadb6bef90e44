//! A bound on how long work may take.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use futures_timer::Delay;

use crate::backend::BackendError;

/// What the work gives, or [`BackendError::Unavailable`] when it takes longer than it may.
pub(crate) async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, BackendError> {
    let mut work = pin!(work);
    // Works under any runtime, and under none. What is done at once needs no timer.
    let mut timer: Option<Delay> = None;
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Ok(done)),
        Poll::Pending => {
            let timer = timer.get_or_insert_with(|| Delay::new(limit));
            Pin::new(timer).poll(cx).map(|()| Err(BackendError::Unavailable { retry_after: None }))
        }
    })
    .await
}
