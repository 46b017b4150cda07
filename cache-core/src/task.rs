//! Futures without a runtime: wait for a thread, give up in time, go on in the background.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::sync::{Arc, Mutex};

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

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("without a message"))
}
