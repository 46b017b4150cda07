//! Futures without a runtime: wait for a thread, give up in time, go on in the background.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::sync::{Arc, AtomicBool, Mutex, Ordering};
use crate::time::Time;
use crate::worker;

/// A future whose type does not matter.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One message from one side to the other.
pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let slot = Arc::new(Mutex::new(Slot { message: None, is_closed: false, waker: None }));
    (Sender(Arc::clone(&slot)), Receiver(slot))
}

struct Slot<T> {
    message: Option<T>,
    is_closed: bool,
    waker: Option<Waker>,
}

pub(crate) struct Sender<T>(Arc<Mutex<Slot<T>>>);

impl<T> Sender<T> {
    pub(crate) fn send(self, message: T) {
        // Dropping the sender wakes the other side.
        self.0.lock().message = Some(message);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut slot = self.0.lock();
            slot.is_closed = true;
            slot.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Is ready with the message, or with nothing when no sender is left to send one.
pub(crate) struct Receiver<T>(Arc<Mutex<Slot<T>>>);

impl<T> Future for Receiver<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // Cloned and dropped outside of the lock, because a waker is user code.
        let waker = cx.waker().clone();
        let mut slot = self.0.lock();
        if slot.is_closed {
            return Poll::Ready(slot.message.take());
        }
        let old = slot.waker.replace(waker);
        drop(slot);
        drop(old);
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // Nobody waits here any more, and is not to be woken when the sender goes.
        let waker = self.0.lock().waker.take();
        drop(waker);
    }
}

/// What `future` gives, unless that takes longer than `patience`.
pub(crate) async fn within<T>(
    time: &Time,
    patience: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = pin!(future);
    let mut alarm = None;
    poll_fn(move |cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if alarm.is_none() {
            // Set only now: what is ready at once needs no alarm.
            let (sender, receiver) = channel::<()>();
            // Dropped with this: most alarms never ring, and would be in the way until they do.
            alarm = time.alarm(patience, move || drop(sender)).map(|alarm| (receiver, alarm));
        }
        match &mut alarm {
            Some((rings, _)) => Pin::new(rings).poll(cx).map(|_| None),
            // Nobody would ring it.
            None => Poll::Ready(None),
        }
    })
    .await
}

/// What some futures give, all of which are polled until they are ready.
pub(crate) async fn all<T>(futures: impl IntoIterator<Item = BoxFuture<'_, T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (future, None)).collect();
    poll_fn(|cx| {
        let mut are_ready = true;
        for (future, out) in futures.iter_mut().filter(|(_, out)| out.is_none()) {
            match future.as_mut().poll(cx) {
                Poll::Ready(found) => *out = Some(found),
                Poll::Pending => are_ready = false,
            }
        }
        if are_ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    futures.into_iter().filter_map(|(_, out)| out).collect()
}

/// What `future` gives, or the message of its panic.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(payload) => Poll::Ready(Err(panic_message(&*payload))),
    })
    .await
}

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("without a message"))
}

/// Polls `future` on the background thread until it is done. It must not block there.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    let future: BoxFuture<'static, ()> = Box::pin(future);
    Arc::new(Task { future: Mutex::new(Some(future)), is_queued: AtomicBool::new(false) }).wake();
}

struct Task {
    /// Taken out while it is polled, and for ever when it is done or has panicked.
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    is_queued: AtomicBool,
}

impl Task {
    fn poll(self: Arc<Self>) {
        // Before the poll: what happens meanwhile must queue the task again.
        self.is_queued.store(false, Ordering::SeqCst);
        let Some(mut future) = self.future.lock().take() else { return };
        let waker = Waker::from(Arc::clone(&self));
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            *self.future.lock() = Some(future);
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        // There is one background thread, so a task that is queued while it runs is polled after that.
        if !self.is_queued.swap(true, Ordering::SeqCst) {
            worker::after(Duration::ZERO, move || self.poll());
        }
    }
}
