//! Whom somebody keeps out of rooms that he hosts.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;
use stoa_protocol::mesh::control::{Ask, Block, BlockPage, ListBlocks};
use utoipa::ToSchema;

use super::super::app::Shared;
use super::super::authorization;
use super::super::problem::Problem;
use super::fields::check_identity;
use super::owner;
use super::query::Parameters;
use super::rooms::fresh;

/// Somebody who is kept out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Blocked {
    identity: String,
    /// Since when, in milliseconds since 1970.
    at_ms: u64,
}

/// A page of those who are kept out, by identity.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BlockedPage {
    blocks: Vec<Blocked>,
    /// The `after` of the next page; absent at the end.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    next: String,
}

impl From<BlockPage> for BlockedPage {
    fn from(page: BlockPage) -> Self {
        let blocks = page.blocks.into_iter();
        let blocks = blocks.map(|one| Blocked { identity: one.identity, at_ms: one.at_ms });
        Self { blocks: blocks.collect(), next: page.next }
    }
}

/// `GET /v1/identities/{identity}/blocks`.
pub(crate) async fn blocks(
    State(app): State<Shared>,
    Path(identity): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = authorization::may_block(&app, &headers, &identity)?;
    check_identity(&identity)?;
    let query = Parameters::read(&uri, &["after", "limit"])?;
    let after = query.after(|after| check_identity(&after))?;
    let (tenant, limit) = (caller.tenant().to_wire(), query.limit()?);
    let ask = Ask::ListBlocks(ListBlocks { tenant, identity, after, limit });
    Ok(fresh(Json(BlockedPage::from(owner::blocks(&app, ask).await?))))
}

/// `PUT /v1/identities/{identity}/blocks/{other}`: whoever hosts a room as the one is left alone there by the other.
pub(crate) async fn block(
    app: State<Shared>,
    pair: Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    set(app, pair, headers, true).await
}

/// `DELETE /v1/identities/{identity}/blocks/{other}`.
pub(crate) async fn unblock(
    app: State<Shared>,
    pair: Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    set(app, pair, headers, false).await
}

async fn set(
    State(app): State<Shared>,
    Path((identity, other)): Path<(String, String)>,
    headers: HeaderMap,
    blocked: bool,
) -> Result<StatusCode, Problem> {
    let caller = authorization::may_block(&app, &headers, &identity)?;
    check_identity(&identity)?;
    check_identity(&other)?;
    let tenant = caller.tenant().to_wire();
    owner::done(&app, Ask::Block(Block { tenant, identity, other, blocked })).await?;
    Ok(StatusCode::NO_CONTENT)
}
