//! Identifiers. Each kind has a type of its own, so that a user's id never lands where a book's is wanted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new identifier: UUIDv7 (RFC 9562), so that rows made together lie together in the index.
            #[must_use]
            pub fn generate() -> Self {
                Self(new_uuid())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

/// The one place where identifiers are drawn.
#[expect(clippy::disallowed_methods, reason = "the home of identifiers")]
fn new_uuid() -> Uuid {
    Uuid::now_v7()
}

id!(
    /// A book in one edition and format: what is sold.
    ProductId
);
id!(
    /// What the editions and formats of one book have in common.
    WorkId
);
id!(
    /// A person with an account.
    UserId
);
id!(
    /// One signed-in device.
    SessionId
);
id!(
    /// An entry of the audit log.
    AuditId
);
id!(
    /// Views that are counted together.
    ViewBatchId
);
id!(
    /// A cart, of a customer or a guest.
    CartId
);
id!(
    /// An order.
    OrderId
);
id!(
    /// An attempt to pay for an order.
    PaymentId
);
id!(
    /// Money that is sent back.
    RefundId
);
id!(
    /// What somebody says of a book.
    ReviewId
);
id!(
    /// Where another system wants to be told of events.
    EndpointId
);
id!(
    /// An event on its way to one endpoint.
    DeliveryId
);
