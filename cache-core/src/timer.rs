//! Waiting for a moment of a cache's clock, whether that moves by itself or by hand.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::clock::{Clock, Moment};
use crate::worker::{self, Alarm};

/// Is ready from a moment on.
pub(crate) fn sleep_until(clock: &Clock, due: Moment) -> Sleep<'_> {
    Sleep { clock, due, alarm: None }
}

/// What [`sleep_until`] returns.
pub(crate) struct Sleep<'a> {
    clock: &'a Clock,
    due: Moment,
    alarm: Option<Alarm>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { clock, due, .. } = *self;
        if clock.now() >= due {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let delay = clock.wake_at(due, cx.waker());
        self.alarm = delay.map(|delay| worker::alarm(delay, move || waker.wake()).0);
        // The clock may have moved before it knew of the waker.
        if clock.now() >= due { Poll::Ready(()) } else { Poll::Pending }
    }
}
