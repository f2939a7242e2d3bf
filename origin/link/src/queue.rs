//! The bounded queue between the handles of a QUIC link and the task that drives it.
//!
//! One queue keeps control messages, bindings and frames in order; frames leave the last places to
//! the others. Ending goes beside the queue, so that it works when the queue is full.

use stoa_audio::frame::{Frame, TrackId};
use stoa_protocol::mesh::control::Body;
use tokio::sync::{mpsc, watch};

use crate::event::TrackBinding;
use crate::handle::SendError;

/// Orders that may wait for a link's task.
pub(crate) const ORDERS_MAX: usize = 4_096;
/// Places of the queue that frames leave free.
pub(crate) const ORDERS_RESERVED: usize = 1_024;

/// What the owner wants of its link.
#[derive(Debug)]
pub(crate) enum Order {
    Control(Box<Body>),
    Bind(Box<TrackBinding>),
    Unbind(TrackId),
    Frame(Frame),
    /// A frame that does not wait for company.
    Urgent(Frame),
}

/// How a link is to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Send what is queued, say goodbye, close.
    InOrder(String),
    /// Close now.
    AtOnce(String),
    /// The queue was full: close now, and count it.
    QueueFull,
}

/// The handles' end.
#[derive(Debug)]
pub(crate) struct QueueSender {
    orders: mpsc::Sender<Order>,
    ending: watch::Sender<Option<Ending>>,
}

/// The task's end.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) orders: mpsc::Receiver<Order>,
    pub(crate) ending: watch::Receiver<Option<Ending>>,
}

pub(crate) fn queue() -> (QueueSender, Queue) {
    let (orders, orders_receiver) = mpsc::channel(ORDERS_MAX);
    let (ending, ending_receiver) = watch::channel(None);
    (QueueSender { orders, ending }, Queue { orders: orders_receiver, ending: ending_receiver })
}

impl QueueSender {
    pub(crate) fn control(&self, body: Body) -> Result<(), SendError> {
        self.put(Order::Control(Box::new(body)))
    }

    pub(crate) fn bind(&self, binding: TrackBinding) {
        // A refused binding means a link that is ending, which its owner is told by `Down`.
        let _ = self.put(Order::Bind(Box::new(binding)));
    }

    pub(crate) fn unbind(&self, track: TrackId) {
        let _ = self.put(Order::Unbind(track));
    }

    /// Whether the frame was taken.
    pub(crate) fn frame(&self, frame: &Frame) -> bool {
        self.media(Order::Frame(frame.clone()))
    }

    /// Whether the frame, which must not wait for others, was taken.
    pub(crate) fn urgent(&self, frame: &Frame) -> bool {
        self.media(Order::Urgent(frame.clone()))
    }

    fn media(&self, order: Order) -> bool {
        self.orders.capacity() > ORDERS_RESERVED && self.orders.try_send(order).is_ok()
    }

    pub(crate) fn end(&self, reason: &str) {
        self.finish(Ending::InOrder(reason.to_owned()));
    }

    pub(crate) fn cut(&self, reason: &str) {
        self.finish(Ending::AtOnce(reason.to_owned()));
    }

    fn put(&self, order: Order) -> Result<(), SendError> {
        // Orders after `close` are refused, so that the last words come last.
        if self.ending.borrow().is_some() {
            return Err(SendError::Closed);
        }
        self.orders.try_send(order).map_err(|error| match error {
            mpsc::error::TrySendError::Closed(_) => SendError::Closed,
            mpsc::error::TrySendError::Full(_) => {
                self.finish(Ending::QueueFull);
                SendError::Full
            }
        })
    }

    /// The first ending stands, except that an orderly one may be cut short.
    fn finish(&self, ending: Ending) {
        self.ending.send_if_modified(|current| {
            let replaces = match current {
                None => true,
                Some(Ending::InOrder(_)) => !matches!(ending, Ending::InOrder(_)),
                Some(Ending::AtOnce(_) | Ending::QueueFull) => false,
            };
            if replaces {
                *current = Some(ending);
            }
            replaces
        });
    }
}

#[cfg(test)]
mod tests {
    use stoa_protocol::mesh::control::Load;

    use super::*;
    use crate::tests::support::frame;

    #[test]
    fn frames_leave_room_for_control_messages_and_a_full_queue_ends_the_link() {
        let (sender, receiver) = queue();
        let frames = (0..).take_while(|number| sender.frame(&frame(5, *number))).count();
        assert_eq!(frames, ORDERS_MAX - ORDERS_RESERVED);
        for _ in 0..ORDERS_RESERVED {
            sender.control(Body::Load(Load::default())).unwrap();
        }
        assert_eq!(*receiver.ending.borrow(), None);
        assert_eq!(sender.control(Body::Load(Load::default())), Err(SendError::Full));
        assert_eq!(*receiver.ending.borrow(), Some(Ending::QueueFull));
    }

    #[test]
    fn nothing_follows_an_end_and_an_orderly_one_can_be_cut_short() {
        let (sender, receiver) = queue();
        sender.end("first");
        sender.end("second");
        assert_eq!(*receiver.ending.borrow(), Some(Ending::InOrder("first".to_owned())));
        assert_eq!(sender.control(Body::Load(Load::default())), Err(SendError::Closed));
        sender.cut("now");
        sender.end("third");
        assert_eq!(*receiver.ending.borrow(), Some(Ending::AtOnce("now".to_owned())));
    }
}
