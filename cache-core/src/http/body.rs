//! The body of a response that a layer has read, or passes on.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};

/// The body of a response from a [`ResponseLayer`](super::ResponseLayer).
pub struct ResponseBody<B: Body> {
    /// What was read already.
    read: VecDeque<Result<Frame<Bytes>, B::Error>>,
    /// What was not.
    rest: Option<Pin<Box<B>>>,
}

// Only the rest is pinned, on the heap.
impl<B: Body> Unpin for ResponseBody<B> {}

impl<B: Body> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("is_read", &self.rest.is_none())
            .finish_non_exhaustive()
    }
}

impl<B: Body> ResponseBody<B> {
    /// A body that is passed on.
    pub(super) fn passed(body: B) -> Self {
        Self { read: VecDeque::new(), rest: Some(Box::pin(body)) }
    }

    /// A body that is known.
    pub(super) fn whole(bytes: Bytes) -> Self {
        let frame = (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)));
        Self { read: frame.into_iter().collect(), rest: None }
    }

    /// Reads a body of a known length. One that turns out to be something else is given back with all that was read.
    pub(super) async fn read(body: B, len: usize) -> Result<Bytes, Self> {
        let mut body = Box::pin(body);
        let mut read = VecDeque::new();
        // Bytes of its own: what a handler returns may be a small part of something large.
        let mut bytes = BytesMut::with_capacity(len);
        let mut is_plain = true;
        while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            let frame = frame.map(to_bytes);
            match frame.as_ref().map(Frame::data_ref) {
                Ok(Some(data)) if bytes.len() + data.len() <= len => bytes.extend_from_slice(data),
                _ => is_plain = false,
            }
            let is_over = frame.is_err();
            read.push_back(frame);
            if is_over {
                return Err(Self { read, rest: None });
            }
            if !is_plain {
                return Err(Self { read, rest: Some(body) });
            }
        }
        if bytes.len() == len { Ok(bytes.freeze()) } else { Err(Self { read, rest: None }) }
    }
}

fn to_bytes<D: Buf>(frame: Frame<D>) -> Frame<Bytes> {
    frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        if let Some(frame) = this.read.pop_front() {
            return Poll::Ready(Some(frame));
        }
        match &mut this.rest {
            Some(rest) => {
                rest.as_mut().poll_frame(cx).map(|frame| frame.map(|it| it.map(to_bytes)))
            }
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.as_ref().is_none_or(|rest| rest.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let read =
            self.read.iter().flatten().filter_map(Frame::data_ref).map(Bytes::len).sum::<usize>();
        let rest = self.rest.as_ref().map_or(SizeHint::with_exact(0), |rest| rest.size_hint());
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(read as u64));
        }
        hint.set_lower(rest.lower().saturating_add(read as u64));
        hint
    }
}
