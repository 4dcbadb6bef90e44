//! Threads for reads that may take a while, so that they don't hold up the runtime's.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use crate::error::OpenError;

type Task = Box<dyn FnOnce() + Send>;

/// Threads that take tasks from one queue.
#[derive(Debug)]
pub(crate) struct Scanner {
    /// `None` once it is being dropped.
    queue: Option<mpsc::Sender<Task>>,
    threads: Vec<JoinHandle<()>>,
}

impl Scanner {
    pub(crate) fn start(threads: NonZeroUsize) -> Result<Self, OpenError> {
        let (queue, tasks) = mpsc::channel();
        let tasks = Arc::new(Mutex::new(tasks));
        let mut scanner = Self { queue: Some(queue), threads: Vec::new() };
        for number in 0..threads.get() {
            let tasks = Arc::clone(&tasks);
            let thread = std::thread::Builder::new()
                .name(format!("scim-sqlite-reader-{number}"))
                .spawn(move || serve(&tasks))
                .map_err(OpenError::Thread)?;
            scanner.threads.push(thread);
        }
        Ok(scanner)
    }

    /// Queues a task. One that panics takes only its own answer with it.
    pub(crate) fn run(&self, task: impl FnOnce() + Send + 'static) {
        if let Some(queue) = &self.queue {
            // The threads live as long as the queue.
            let _ = queue.send(Box::new(task));
        }
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn serve(tasks: &Mutex<mpsc::Receiver<Task>>) {
    loop {
        // The lock is held while waiting, so the others wait for the lock instead.
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = task else { return };
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(task));
    }
}
