//! Proving that an address is one's own.

use async_graphql::{Context, Enum, Object, SimpleObject};
use mercato_shop::accounts::Channel;

use crate::schema::datetime::DateTime;
use crate::schema::nullable::{Nullable, change};
use crate::schema::user::UserObject;

/// Where a user can be reached.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Channel")]
pub enum VerificationChannel {
    Email,
    Phone,
}

/// A code that is on its way.
#[derive(SimpleObject)]
pub struct VerificationRequest {
    channel: VerificationChannel,
    /// Until when it is good.
    expires_at: DateTime,
}

#[derive(Default)]
pub struct VerificationMutation;

#[Object]
impl VerificationMutation {
    /// Sends the caller a code to the e-mail address or the phone that the profile tells: once a minute at the most, and ten times
    /// a day.
    async fn request_verification(
        &self,
        context: &Context<'_>,
        channel: VerificationChannel,
    ) -> Nullable<VerificationRequest> {
        change(context, |session| {
            let accounts = &session.services.accounts;
            let expires_at = accounts.request_verification(session.caller(), channel.into())?;
            Ok(VerificationRequest {
                channel,
                expires_at: DateTime(expires_at),
            })
        })
    }

    /// Takes the code that was sent last, within ten minutes and five tries: the address is the caller's.
    async fn verify(
        &self,
        context: &Context<'_>,
        channel: VerificationChannel,
        code: String,
    ) -> Nullable<UserObject> {
        change(context, |session| {
            let accounts = &session.services.accounts;
            let user = accounts.verify(session.caller(), channel.into(), &code);
            Ok(UserObject(user?))
        })
    }
}
