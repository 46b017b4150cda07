//! Threads for work that blocks.

use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use crate::sync::{Arc, Mutex};
use crate::task;

type Job = Box<dyn FnOnce() + Send>;

/// So many files are read and written at a time.
const N_THREADS: usize = 4;

/// Some threads that start with the first job, and end after the last one when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Threads(OnceLock<Sender<Job>>);

impl Threads {
    /// Runs a job that nobody waits for.
    pub(super) fn start(&self, job: Job) {
        // Without a thread the job is dropped.
        drop(self.0.get_or_init(start_all).send(job));
    }

    /// Runs a job and gives its result, or nothing if no thread could be started.
    pub(super) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Option<T>> + Send {
        let (sender, receiver) = task::channel();
        self.start(Box::new(move || sender.send(job())));
        receiver
    }
}

fn start_all() -> Sender<Job> {
    let (sender, receiver) = mpsc::channel();
    let receiver = Arc::new(Mutex::new(receiver));
    for n in 0..N_THREADS {
        let receiver = Arc::clone(&receiver);
        let builder = thread::Builder::new().name(format!("cache-disk-{n}"));
        // As many as there can be are enough.
        drop(builder.spawn(move || work(&receiver)));
    }
    sender
}

fn work(receiver: &Mutex<Receiver<Job>>) {
    loop {
        let job = receiver.lock().recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}
