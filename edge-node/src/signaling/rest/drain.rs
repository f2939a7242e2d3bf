//! Having this edge leave, and stay after all.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::app::{App, Shared};
use super::super::authorization;
use super::super::body;
use super::super::problem::Problem;
use crate::drain::DEADLINE_S_MAX;

/// What `POST /v1/drain` takes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DrainWanted {
    /// Seconds until the edge goes, whoever is left; as configured when absent.
    #[schema(required = false, nullable = false, maximum = 3600)]
    deadline_s: Option<u64>,
}

/// Whether an edge leaves.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Drain {
    /// Whether it takes nobody in and goes when everybody has gone.
    draining: bool,
    /// Seconds until it goes, whoever is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    left_s: Option<u64>,
}

impl Drain {
    fn of(app: &App) -> Json<Self> {
        let leaving = app.drain.leaving();
        let left_s = leaving.map(|leaving| leaving.left().as_secs());
        Json(Self { draining: leaving.is_some(), left_s })
    }
}

/// `POST /v1/drain`: this edge asks its clients to go elsewhere, and goes when they have. Asked again it changes the
/// deadline.
pub(crate) async fn drain(
    State(app): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Drain>), Problem> {
    let caller = authorization::may_operate(&app, &headers)?;
    let DrainWanted { deadline_s } = body::json(&app, &headers, body).await?;
    if deadline_s.is_some_and(|seconds| seconds > DEADLINE_S_MAX) {
        let detail = format!("The field `deadline_s` may be 0 to {DEADLINE_S_MAX}.");
        return Err(Problem::bad_request("deadline-malformed", detail).about("deadline_s"));
    }
    tracing::info!(by = caller.identity, deadline_s, "asked to drain");
    app.drain.leave(deadline_s.map(Duration::from_secs));
    Ok((StatusCode::ACCEPTED, Drain::of(&app)))
}

/// `GET /v1/drain`: whether it does.
pub(crate) async fn read_drain(
    State(app): State<Shared>,
    headers: HeaderMap,
) -> Result<Json<Drain>, Problem> {
    authorization::may_operate(&app, &headers)?;
    Ok(Drain::of(&app))
}

/// `DELETE /v1/drain`: it stays after all, whoever has asked it to go.
pub(crate) async fn undrain(
    State(app): State<Shared>,
    headers: HeaderMap,
) -> Result<Json<Drain>, Problem> {
    let caller = authorization::may_operate(&app, &headers)?;
    if app.drain.stay() {
        tracing::info!(by = caller.identity, "asked to stay");
    }
    Ok(Drain::of(&app))
}
