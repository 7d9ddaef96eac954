//! Why we are not at the tracker, and why it did not answer.

use crate::model::absence::AbsenceReason;
use crate::protocol::code::{Code, ReplyCode};
use crate::protocol::line::Fault;

/// Why we are not at the tracker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AwayReason {
    /// It cannot be reached, or it went away.
    #[error("{0}")]
    Unreachable(AbsenceReason),
    /// Somebody else answers at its address.
    #[error("the tracker proves another key than before")]
    KeyChanged,
    /// It does not let us register.
    #[error("{text}")]
    Refused {
        /// The tracker's error code.
        code: ReplyCode,
        /// The tracker's own sentence: a stranger's text.
        text: String,
    },
}

/// Why a question was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// We are not at the tracker.
    #[error(transparent)]
    Away(#[from] AwayReason),
    /// The tracker said `ERR`.
    #[error("{text}")]
    Refused {
        /// The tracker's error code.
        code: ReplyCode,
        /// The tracker's own sentence: a stranger's text.
        text: String,
    },
}

/// Why a typed line was not sent, or not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    /// We are not at the tracker.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The tracker would close the session over it.
    #[error(transparent)]
    Fault(Fault),
    /// Nothing, or more than one line.
    #[error("expected one line")]
    NotOneLine,
    /// The client says this itself.
    #[error("{0} is sent by the client itself")]
    SentByItself(String),
}

/// Whether time may heal it.
pub(super) fn will_pass(why: &AwayReason) -> bool {
    match why {
        AwayReason::Unreachable(_) => true,
        AwayReason::KeyChanged => false,
        AwayReason::Refused { code: ReplyCode::Known(code), .. } => {
            matches!(code, Code::SlowDown | Code::Limit | Code::Unavailable | Code::Internal | Code::Waiting)
        }
        // What a later tracker means by it only a person can tell.
        AwayReason::Refused { code: ReplyCode::Later(_), .. } => false,
    }
}
