//! Positions that are a number: the key of a resource, or the place of a member.

use scim_core::{ScimError, ScimType};
use scim_server_adapters::{BackendError, Position};

/// The position after what has that number.
#[must_use]
pub fn position_of(number: i64) -> Position {
    Position(number.to_be_bytes().into())
}

/// The number of a position.
///
/// # Errors
/// 400 `invalidCursor` for the position of something else.
pub fn number_of(position: &Position) -> Result<i64, BackendError> {
    let bytes = <[u8; 8]>::try_from(&*position.0).map_err(|_| {
        ScimError::new(ScimType::InvalidCursor, "the cursor is not one of this server's")
    })?;
    Ok(i64::from_be_bytes(bytes))
}
